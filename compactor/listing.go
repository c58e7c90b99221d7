package compactor

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// listing is what one listing of a group showed, by the rules that need no request.
type listing struct {
	candidates []s3store.Object // may be joined, in key order
	refused    []Refused        // by what the listing shows
	outputs    []s3store.Object // named like outputs, of any group
	ignored    int64
	young      int64 // of those ignored
	managed    int64 // in places whose files AWS validates one by one
	bytes      int64 // of candidates
}

// managed are the keys of CloudTrail's logs and digests: a digest names each
// file with its hash, so a joined file could not be validated any more.
// Source: AWS CloudTrail user guide, "Validating CloudTrail log file integrity".
var managed = regexp.MustCompile(`(^|/)AWSLogs/([^/]+/)?\d{12}/CloudTrail(-Digest|-Insight)?/`)

// managedRefusal is why a group with such files is left alone.
var managedRefusal = &groupRefusal{"managed", "it holds files of CloudTrail, whose digests validate them one by one"}

// archived are the storage classes whose bytes can't be read at once.
// API: StorageClass of the S3 user guide, "Archive".
var archived = map[string]bool{"GLACIER": true, "DEEP_ARCHIVE": true}

// priced are the classes whose reading and early deletion cost extra.
var priced = map[string]bool{"STANDARD_IA": true, "ONEZONE_IA": true, "GLACIER_IR": true}

// listGroup lists a group. minAge counts by the server's clock.
func listGroup(ctx context.Context, s Store, bucket, group string, sel inventory.Selection, minAge time.Duration) (*listing, error) {
	o := s3store.ListOptions{Prefix: group}
	if sel.GroupBy.Flat(group) {
		o.Delimiter = "/"
	}
	l := &listing{}
	match := matcher(sel)
	err := s.List(ctx, bucket, o, func(p s3store.Page) error {
		// The server's Date has whole seconds, a listing may have fractions: without a
		// least age nothing is too young.
		youngest := s.ServerTime().Add(time.Second - minAge)
		if minAge == 0 {
			youngest = endOfTime
		}
		for _, obj := range p.Objects {
			l.add(obj, group, sel, match, youngest)
		}
		return nil
	})
	slices.SortFunc(l.candidates, func(a, b s3store.Object) int { return strings.Compare(a.Key, b.Key) })
	return l, err
}

// endOfTime is later than any object.
var endOfTime = time.Unix(1<<40, 0)

// matcher is the rule by which keys are joined: a selection of every key means
// every gzip file, by its name.
func matcher(sel inventory.Selection) func(key string) bool {
	if sel.Match == "*" {
		sel.Match = "*.gz"
	}
	return sel.Matches
}

func (l *listing) add(o s3store.Object, group string, sel inventory.Selection, match func(string) bool, youngest time.Time) {
	if sel.GroupBy.Group(o.Key) != group {
		return // of a group below or beside it
	}
	if _, _, ok := receipt.ParseOutputName(o.Key); ok {
		l.outputs = append(l.outputs, o)
		return
	}
	switch {
	case managed.MatchString(o.Key):
		l.managed++
	case hidden(o.Key), strings.HasSuffix(o.Key, "/"), o.SizeBytes == 0,
		!match(o.Key), !sel.Small(o.SizeBytes):
		l.ignored++
	case o.LastModified.After(youngest):
		l.ignored++
		l.young++
	case archived[o.StorageClass]:
		l.refused = append(l.refused, Refused{Key: o.Key, Reason: "archived", Detail: "storage class " + o.StorageClass + " can't be read without a restore"})
	case priced[o.StorageClass]:
		l.refused = append(l.refused, Refused{Key: o.Key, Reason: "storage_class", Detail: "reading from " + o.StorageClass + " and deleting early there cost extra"})
	default:
		l.candidates = append(l.candidates, o)
		l.bytes += o.SizeBytes
	}
}

// hidden says whether engines skip the key: a segment begins with _ or a dot.
func hidden(key string) bool {
	for {
		if key != "" && (key[0] == '_' || key[0] == '.') {
			return true
		}
		i := strings.IndexByte(key, '/')
		if i < 0 {
			return false
		}
		key = key[i+1:]
	}
}

// chunk is a planned output: at least two candidates that may be joined by
// what their keys say.
type chunk struct {
	members   []s3store.Object
	extension string
}

// keyClass is what members of one output agree in by what a listing shows.
type keyClass struct{ extension, storage, partition string }

func classOfKey(key, storageClass string) keyClass {
	return keyClass{extension(key), storageClass, partition(key)}
}

// planChunks cuts candidates into chunks: classes by extension, storage class and
// partition segments, in key order, each chunk at most about the target size.
// Candidates that would be alone are left out.
func planChunks(candidates []s3store.Object, targetBytes int64) []chunk {
	classes := map[keyClass][]s3store.Object{}
	var order []keyClass
	for _, o := range candidates {
		c := classOfKey(o.Key, o.StorageClass)
		if _, ok := classes[c]; !ok {
			order = append(order, c)
		}
		classes[c] = append(classes[c], o)
	}
	var chunks []chunk
	for _, c := range order {
		members := classes[c]
		var bytes int64
		for _, o := range members {
			bytes += o.SizeBytes
		}
		outputs := max(1, (bytes+targetBytes-1)/targetBytes)
		share := (bytes + outputs - 1) / outputs
		var run int64
		start := 0
		for i, o := range members {
			run += o.SizeBytes
			if run >= share || i+1-start == maxMembers || i == len(members)-1 {
				if i+1-start >= 2 {
					chunks = append(chunks, chunk{members[start : i+1], c.extension})
				}
				start, run = i+1, 0
			}
		}
	}
	return chunks
}

// extension is the last extension before .gz together with it, such as
// .json.gz, or .gz alone, or the last extension of another name. Only letters
// make an extension: numbers, dates and random ids before .gz differ from name to name.
func extension(key string) string {
	name := key[strings.LastIndexByte(key, '/')+1:]
	end := len(name)
	if strings.HasSuffix(name, ".gz") {
		end -= len(".gz")
	}
	if i := strings.LastIndexByte(name[:end], '.'); i > 0 && letters(name[i+1:end]) {
		return name[i:]
	}
	return name[end:]
}

// maxExtensionBytes bounds what counts as an extension: a longer tail is part of the name.
const maxExtensionBytes = 10

func letters(s string) bool {
	return s != "" && len(s) <= maxExtensionBytes && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// partition is the key down to its last name=value directory: members of
// different ones are never joined, and their output lies below it.
func partition(key string) string {
	dir := key[:strings.LastIndexByte(key, '/')+1]
	last := strings.LastIndexByte(dir, '=')
	if last < 0 {
		return ""
	}
	return dir[:last+strings.IndexByte(dir[last:], '/')+1]
}

// sharedDirectory is the deepest directory that all keys share, with its closing slash.
func sharedDirectory(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	dir := keys[0][:strings.LastIndexByte(keys[0], '/')+1]
	for _, k := range keys[1:] {
		for !strings.HasPrefix(k, dir) {
			dir = dir[:strings.LastIndexByte(dir[:len(dir)-1], '/')+1]
		}
	}
	return dir
}

// mergeByKey is both lists as one, in key order.
func mergeByKey(a, b []s3store.Object) []s3store.Object {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y s3store.Object) int { return strings.Compare(x.Key, y.Key) })
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
