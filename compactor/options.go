package compactor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// Options say what a run may do.
type Options struct {
	Bucket    string
	Scope     string // prefix of the bucket whose grouping the state fixes; "" for all of it
	State     s3store.Location
	Dest      *s3store.Location // where outputs go; nil: beside their members
	PlanID    string
	Selection inventory.Selection
	MinAge    time.Duration // younger objects wait, by the server's clock
	Keep      bool          // members are not deleted
	// DeleteKept deletes what runs with Keep have left. It does not go with Keep.
	DeleteKept bool
	Content    validate.Content
	Single     bool // outputs are one gzip member each
	// PlainText joins text that is not gzip as well: each such member becomes gzip
	// of its own in the output. It does not go with Single.
	PlainText bool
	// Recompress, 1 to 9, compresses the text of outputs anew, with that level. They
	// do not hold the members' stored bytes, so it needs Keep, or AcceptContentOnly:
	// then members are deleted whose content alone is proven. 0: not. It does not go with Single.
	Recompress        int
	AcceptContentOnly bool
	// StorageClasses are those of the classes whose reading and early deletion
	// cost extra (PricedClasses) that are joined all the same.
	StorageClasses []string
	ReadBack       bool // prove outputs by reading them, not by the checksum that S3 stored

	Concurrency  int   // members read at once, over all groups
	MemoryBytes  int64 // bound of member and part buffers together, see budget
	AssumeAlone  bool  // do not wait until entries have settled
	AcceptLoss   bool  // go on past an output that is gone
	Tool         string
	Log          *slog.Logger
	Progress     Progress
	OnRefused    func(Refused) // called once for each refusal, from one goroutine at a time
	OnOutput     func(Joined)  // called once for each output that is finished, likewise
	SettleAfter  time.Duration // 0: settleTime
	PartBytes    int64         // of uploads; 0: chosen for each by its size
	GroupsAtOnce int           // 0: 8
	copyBytes    int64         // the least output that the server copies; 0: minCopyBytes
	// Opened is called once the state is open for writing, before the first group;
	// its error ends the run. May be nil.
	Opened func(context.Context) error
}

// Progress is told of each object that was joined or proven. It is called from many goroutines.
type Progress interface {
	Add(objects, bytes int64)
}

// Refused is an object, or a whole group when Prefix is set, that would be
// joined but must not be. It stays as it is.
type Refused struct {
	Key    string
	Prefix string // of a group; a Refused has one of Key and Group
	Group  bool
	Reason string // stable word, see DESIGN
	Detail string
}

// Joined is an output that is finished: complete, proven, its members deleted unless they are kept.
type Joined struct {
	Bucket, Key string
	Bytes       int64
	Members     int
	CRC64       string // CRC-64/NVME, base64
	Gzip        string // receipt.SingleGzip, receipt.Recompressed, or "": gzip members one behind another
}

// Summary is what a run did.
type Summary struct {
	Groups          int64 `json:"groups"`
	GroupsDone      int64 `json:"groups_done"`
	ObjectsIn       int64 `json:"objects_in"` // joined into outputs
	ObjectsDeleted  int64 `json:"objects_deleted"`
	ObjectsRefused  int64 `json:"objects_refused"`
	ObjectsIgnored  int64 `json:"objects_ignored"`
	ObjectsTooYoung int64 `json:"objects_too_young"` // of those ignored
	Outputs         int64 `json:"outputs"`
	OutputsAbsorbed int64 `json:"outputs_absorbed"` // outputs of earlier runs or of this one that went into larger ones
	BytesIn         int64 `json:"bytes_in"`
	BytesOut        int64 `json:"bytes_out"`
}

// Errors of a run that callers tell apart.
var (
	// ErrWaiting: an entry of a group's log has to settle first; run again later.
	ErrWaiting = errors.New("waits until earlier requests have run out")
	// ErrUsage: what was asked for contradicts the state or is not allowed.
	ErrUsage = errors.New("can't be done this way")
)

const (
	// settleTime bounds every request of an earlier authority: S3 refuses it
	// 15 minutes after its signature, and 2 minutes are left for requests under way.
	settleTime = 17 * time.Minute
	// authorityTime is how long an authority serves before the head is looked at again.
	authorityTime = time.Minute
	// MaxConcurrency is the largest Options.Concurrency: more connections than
	// that one process does not use.
	MaxConcurrency = 4096
	// maxMembers bounds an attempt, and with it its commit and its memory: about 1 KB a member.
	maxMembers = 20_000
	// maxParts is S3's largest number of parts of an upload.
	maxParts = 10_000
	// maxKeyBytes is S3's longest key.
	maxKeyBytes = 1024
	// maxRecordBytes bounds a record of the state that is read into memory.
	maxRecordBytes = 256 << 20
)

func errRecordTooLarge(bucket, key string) error {
	return fmt.Errorf("s3://%s/%s: larger than %d bytes, which no record of s3compact is", bucket, key, maxRecordBytes)
}

// PricedClasses are the storage classes that are joined only when asked for.
func PricedClasses() []string { return sortedKeys(priced) }

// CheckState refuses a state location whose objects engines would read as data.
func CheckState(l s3store.Location) error {
	for _, segment := range strings.Split(l.Key, "/") {
		if strings.HasPrefix(segment, "_") {
			return nil
		}
	}
	return fmt.Errorf("state %s: query engines would read it as data; use a location with a segment that begins with _, such as s3://%s/_s3compact/: %w", l, l.Bucket, ErrUsage)
}

// DefaultState is where a bucket's state lies when nothing else is said.
func DefaultState(bucket string) s3store.Location {
	return s3store.Location{Bucket: bucket, Key: strings.TrimSuffix(receipt.ClaimKey, "claim.json")}
}

func (o *Options) setDefaults() {
	if o.Concurrency <= 0 {
		o.Concurrency = 64
	}
	o.Concurrency = min(o.Concurrency, MaxConcurrency)
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = 512 << 20
	}
	if o.SettleAfter <= 0 {
		o.SettleAfter = settleTime
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = noProgress{}
	}
	if o.OnRefused == nil {
		o.OnRefused = func(Refused) {}
	}
	if o.OnOutput == nil {
		o.OnOutput = func(Joined) {}
	}
	if o.GroupsAtOnce <= 0 {
		o.GroupsAtOnce = 8
	}
	if o.copyBytes <= 0 {
		o.copyBytes = minCopyBytes
	}
}

// checkForm refuses forms of outputs that do not go together, and outputs that do
// not hold the members' stored bytes where nobody has said what becomes of those.
func (o *Options) checkForm() error {
	switch {
	case o.Single && (o.PlainText || o.Recompress != 0):
		return fmt.Errorf("an output of one gzip member without recompression is made of gzip objects as they are; recompressed outputs are one gzip member, too: %w", ErrUsage)
	case o.Recompress < 0 || o.Recompress > 9:
		return fmt.Errorf("recompress with level %d: from 1 to 9: %w", o.Recompress, ErrUsage)
	case o.Recompress > 0 && !o.Keep && !o.AcceptContentOnly:
		return fmt.Errorf("recompressed outputs hold the content of their originals, but the originals can't be given back byte for byte: keep them, or accept that their content alone is proven when they are deleted: %w", ErrUsage)
	}
	return nil
}

type noProgress struct{}

func (noProgress) Add(int64, int64) {}
