package compactor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// BucketReader reads a bucket's settings. *s3store.Client is one.
type BucketReader interface {
	Store
	Versioning(ctx context.Context, bucket string) (s3store.Versioning, error)
	Notifications(ctx context.Context, bucket string) ([]s3store.Notification, error)
	Replication(ctx context.Context, bucket string) ([]s3store.ReplicationRule, error)
	DefaultEncryption(ctx context.Context, bucket string) (s3store.Encryption, error)
	Policy(ctx context.Context, bucket string) (string, error)
	Public(ctx context.Context, bucket string) (bool, error)
	RequesterPays(ctx context.Context, bucket string) (bool, error)
	Inventories(ctx context.Context, bucket string) ([]s3store.Target, error)
	AccessLog(ctx context.Context, bucket string) (s3store.Target, bool, error)
}

// Verdict says what a finding means for compaction.
type Verdict string

// The verdicts.
const (
	Fine    Verdict = "ok"
	Warning Verdict = "warn"    // works, with a consequence that is named
	Refusal Verdict = "refuse"  // compact will refuse it
	Unknown Verdict = "unknown" // could not be read
)

// Finding is what doctor found out about one thing.
type Finding struct {
	Check   string  `json:"check"` // stable word
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail"`
}

// errEnough ends an examination, or a listing of which enough was seen.
var errEnough = errors.New("enough was seen")

// doctor examines one bucket and prefix.
type doctor struct {
	s    BucketReader
	r    *run
	each func(Finding)
	keys map[string]bool // KMS keys that were seen

	requestPayer bool
}

// DoctorOptions say what is examined. Of Options it uses Bucket, Scope, State,
// Dest, Selection and Log.
type DoctorOptions struct {
	Options
	ReadOnly     bool // leave out what writes: the canaries
	RequestPayer bool // requests say that whoever asks pays
	// SampleObjects bounds the objects that are listed, in the order of their keys,
	// for the forecast; 0: all.
	SampleObjects int64
	// OnForecast is told what joining the objects that were listed takes.
	OnForecast func(SampleForecast)
}

// Doctor finds out what compact would meet under a prefix: settings of the
// buckets, what the endpoint enforces (on objects of its own under
// _s3compact/canary/, which it removes), the state, and a sample of the
// objects. It changes nothing else. What can't be read is a finding, not an
// error. It returns the KMS keys that a worker has to be allowed to use.
func Doctor(ctx context.Context, s BucketReader, o DoctorOptions, each func(Finding)) (kmsKeys []string, err error) {
	o.setDefaults()
	r := &run{o: &o.Options, store: s, outBucket: o.Bucket}
	if o.Dest != nil {
		r.outBucket, r.outPrefix = o.Dest.Bucket, o.Dest.Key
	}
	d := &doctor{s: s, r: r, each: each, keys: map[string]bool{}, requestPayer: o.RequestPayer}
	if err := d.names(); err != nil {
		d.tell("bucket", Refusal, "%v", err)
		return nil, nil
	}
	steps := []func(context.Context) error{d.reach, d.state, d.settings}
	if !o.ReadOnly {
		steps = append(steps, d.endpoint)
	}
	steps = append(steps, func(ctx context.Context) error { return d.objects(ctx, &o) })
	for _, step := range steps {
		if err := step(ctx); err != nil {
			if errors.Is(err, errEnough) {
				break
			}
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return sortedKeys(d.keys), nil
}

func (d *doctor) tell(check string, v Verdict, format string, a ...any) {
	d.each(Finding{Check: check, Verdict: v, Detail: fmt.Sprintf(format, a...)})
}

// untold reports a setting that could not be read. It returns the error only
// where nothing more can be found out.
func (d *doctor) untold(ctx context.Context, check, permission string, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, s3store.ErrNoBucket), errors.Is(err, s3store.ErrCredentials):
		return err
	case errors.Is(err, s3store.ErrUnsupported):
		d.tell(check, Unknown, "the endpoint has no such setting, or does not tell it (read with %s)", permission)
	case errors.Is(err, s3store.ErrDenied):
		d.tell(check, Unknown, "may not be read with these credentials: allow %s", permission)
	default:
		d.tell(check, Unknown, "%v", err)
	}
	return nil
}

func (d *doctor) names() error {
	if err := CheckState(d.r.o.State); err != nil {
		return err
	}
	for _, b := range []string{d.r.o.Bucket, d.r.o.State.Bucket, d.r.outBucket} {
		if err := CheckBucket(b); err != nil {
			return err
		}
	}
	return nil
}

// reach sees that the prefix can be listed: without that nothing is known.
func (d *doctor) reach(ctx context.Context) error {
	empty := true
	err := d.s.List(ctx, d.r.o.Bucket, s3store.ListOptions{Prefix: d.r.o.Scope}, func(p s3store.Page) error {
		empty = len(p.Objects) == 0
		return errEnough
	})
	switch {
	case errors.Is(err, s3store.ErrCredentials):
		return err
	case errors.Is(err, s3store.ErrDenied):
		d.tell("list", Refusal, "the bucket may not be listed: allow s3:ListBucket; nothing more was looked at")
		return errEnough
	case err != nil && !errors.Is(err, errEnough):
		return err
	case empty:
		d.tell("list", Warning, "there is no object under s3://%s/%s: is it spelt right?", d.r.o.Bucket, d.r.o.Scope)
	default:
		d.tell("list", Fine, "s3://%s/%s can be listed", d.r.o.Bucket, d.r.o.Scope)
	}
	return nil
}

// state looks at the layout and the claim without writing either.
func (d *doctor) state(ctx context.Context) error {
	o := d.r.o
	dest := ""
	if o.Dest != nil {
		dest = o.Dest.String()
	}
	layout, _, err := readLayout(ctx, d.s, o.State)
	switch {
	case errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket):
		d.tell("state", Fine, "%s does not exist yet; the first run makes it", o.State)
	case err != nil:
		if err := d.untold(ctx, "state", "s3:GetObject and s3:ListBucket there", err); err != nil {
			return err
		}
	default:
		if _, err := extend(layout, o, dest); err != nil {
			d.tell("state", Refusal, "state %s: %v", o.State, err)
		} else {
			d.tell("state", Fine, "%s is open for this prefix", o.State)
		}
	}
	b, err := readAll(ctx, d.s, o.Bucket, receipt.ClaimKey)
	switch {
	case errors.Is(err, s3store.ErrNotFound):
		d.tell("claim", Fine, "no state compacts the bucket yet")
		return nil
	case err != nil:
		return d.untold(ctx, "claim", "s3:GetObject on "+receipt.ClaimKey, err)
	}
	var held receipt.Claim
	if err := json.Unmarshal(b, &held); err != nil {
		d.tell("claim", Refusal, "s3://%s/%s can't be read: %v", o.Bucket, receipt.ClaimKey, err)
		return nil
	}
	if layout.StateID != held.StateID {
		d.tell("claim", Refusal, "the bucket is compacted by the state %s: use it with --state", held.State)
		return nil
	}
	d.tell("claim", Fine, "the bucket is compacted by this state")
	return nil
}

// endpoint runs the canaries, each guarantee on its own.
func (d *doctor) endpoint(ctx context.Context) error {
	r := d.r
	c := &canaryNest{r: r, prefix: canaryPrefix + randomID() + "/"}
	defer c.clean(ctx)
	failed := func(check string, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, s3store.ErrCredentials) {
			return err
		}
		d.tell(check, Refusal, "%v", err)
		return nil
	}
	wrote := true
	for _, b := range dedupe(r.o.Bucket, r.o.State.Bucket) {
		if err := c.createOnly(ctx, b); err != nil {
			wrote = false
			if err := failed("create_only", err); err != nil {
				return err
			}
			continue
		}
		d.tell("create_only", Fine, "bucket %s refuses a create-only write over an existing object", b)
	}
	if !wrote {
		return nil // what follows would fail for the same reason
	}
	checksum, err := c.completeOnly(ctx, r.outBucket)
	switch {
	case err != nil:
		if err := failed("upload", err); err != nil {
			return err
		}
	case checksum:
		d.tell("upload", Fine, "uploads are completed create-only, and CRC64NVME is checked and stored")
	default:
		d.tell("upload", Warning, "CRC64NVME is not both checked and stored: outputs are proven by reading them back")
	}
	single, err := c.conditionalDelete(ctx, r.o.Bucket)
	if err != nil {
		return failed("delete", err)
	}
	batch, err := c.batchDelete(ctx, r.o.Bucket)
	if err != nil {
		return failed("delete", err)
	}
	switch {
	case batch:
		d.tell("delete", Fine, "objects are deleted in batches, each only on its ETag")
	case single:
		d.tell("delete", Warning, "per-key ETags in DeleteObjects are ignored: originals are deleted one by one on their ETag")
	default:
		d.tell("delete", Refusal, "an object is deleted although its ETag has changed: only --keep-originals works")
	}
	old, err := c.oldSignature(ctx, r.o.Bucket)
	switch {
	case err != nil:
		if err := failed("signature", err); err != nil {
			return err
		}
	case old:
		d.tell("signature", Fine, "a request that was signed 16 minutes ago is refused, so that paused workers can do no harm")
	default:
		d.tell("signature", Warning, "requests that were signed long ago are accepted: restore, close, and giving up a commit need --assume-alone")
	}
	if err := c.tagsShow(ctx, r.o.Bucket); err != nil {
		return failed("tags", err)
	}
	d.tell("tags", Fine, "tags of objects are shown to these credentials, or the endpoint has none")
	if err := r.overMarker(ctx); err != nil { // of a bucket with versions
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, s3store.ErrCredentials) {
			return err
		}
		d.tell("restore", Warning, "originals could not be put back under their keys: %v", err)
	} else {
		d.tell("restore", Fine, "an original can be put back under a key that was deleted")
	}
	return nil
}

// within says that a rule's keys are among those below the scope or its outputs.
func (d *doctor) within(k s3store.Keys) bool { return k.Overlaps(d.r.o.Scope) }

// ruleName names a rule for people.
func ruleName(id string) string {
	if id == "" {
		return "without a name"
	}
	return fmt.Sprintf("%q", id)
}

// below names the keys of a rule for people.
func below(k s3store.Keys) string {
	s := fmt.Sprintf("objects under %q", k.Prefix)
	if k.Prefix == "" {
		s = "all objects"
	}
	var only []string
	if k.Tagged {
		only = append(only, "with certain tags")
	}
	if k.LargerThanBytes > 0 {
		only = append(only, fmt.Sprintf("larger than %d bytes", k.LargerThanBytes))
	}
	if k.SmallerThanBytes > 0 {
		only = append(only, fmt.Sprintf("smaller than %d bytes", k.SmallerThanBytes))
	}
	if len(only) > 0 {
		s += " (" + strings.Join(only, ", ") + ")"
	}
	return s
}
