package compactor

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// sight is what a listing shows an object to be.
type sight int

const (
	elsewhere  sight = iota // of a group below or beside this one
	candidate               // may be joined
	unfit                   // would be joined but must not be: refused
	passedOver              // ignored
	tooYoung                // ignored until it is older
	asOutput                // named like an output, of any group
	isManaged               // in a place whose files AWS validates one by one
)

// sieve tells objects apart by the rules that need no request.
type sieve struct {
	group    string
	sel      inventory.Selection
	match    func(key string) bool
	cold     []string // storage classes that are joined although it costs extra
	minAge   time.Duration
	youngest time.Time // objects modified later wait
}

func newSieve(group string, o *Options) *sieve {
	s := &sieve{group: group, sel: o.Selection, match: matcher(o.Selection), cold: o.StorageClasses, minAge: o.MinAge, youngest: endOfTime}
	if o.PlainText {
		s.match = o.Selection.Matches
	}
	return s
}

// matcher is the rule by which gzip objects are joined: a selection of every key
// means every gzip file, by its name.
func matcher(sel inventory.Selection) func(key string) bool {
	if sel.Match == "*" {
		sel.Match = "*.gz"
	}
	return sel.Matches
}

// endOfTime is later than any object.
var endOfTime = time.Unix(1<<40, 0)

// at tells the sieve the server's clock. The server's Date has whole seconds, a
// listing may have fractions: without a least age nothing is too young.
func (s *sieve) at(now time.Time) {
	if s.minAge > 0 {
		s.youngest = now.Add(time.Second - s.minAge)
	}
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

// judge says what an object is, and why it is refused where it is.
func (s *sieve) judge(o s3store.Object) (sight, Refused) {
	if s.sel.GroupBy.Group(o.Key) != s.group {
		return elsewhere, Refused{}
	}
	if _, _, ok := receipt.ParseOutputName(o.Key); ok {
		return asOutput, Refused{}
	}
	switch {
	case managed.MatchString(o.Key):
		return isManaged, Refused{}
	case hidden(o.Key), strings.HasSuffix(o.Key, "/"), o.SizeBytes == 0, !s.match(o.Key), !s.sel.Small(o.SizeBytes):
		return passedOver, Refused{}
	case o.LastModified.After(s.youngest):
		return tooYoung, Refused{}
	case archived[o.StorageClass]:
		return unfit, Refused{Key: o.Key, Reason: "archived", Detail: "storage class " + o.StorageClass + " can't be read without a restore"}
	case priced[o.StorageClass] && !slices.Contains(s.cold, o.StorageClass):
		return unfit, Refused{Key: o.Key, Reason: "storage_class", Detail: "reading from " + o.StorageClass + " and deleting early there cost extra; --storage-classes " + o.StorageClass + " joins it all the same"}
	}
	return candidate, Refused{}
}

// groupListing is how a group is listed.
func groupListing(prefix string, sel inventory.Selection) s3store.ListOptions {
	o := s3store.ListOptions{Prefix: prefix}
	if sel.GroupBy.Flat(prefix) {
		o.Delimiter = "/"
	}
	return o
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
