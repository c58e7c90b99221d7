package parquetconv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// lineage is what compaction says about the objects of a bucket: an output is
// the same data as the originals that it replaced, and lies in the bucket
// under a name that a log names. It is read from the one state that the
// bucket's claim names.
type lineage struct {
	store   Store
	state   s3store.Location
	stateID string

	mu   sync.Mutex // around logs and what they hold
	logs map[string]*groupLog
}

// maxCachedLogs bounds the logs that are kept. A log takes about 500 bytes of
// memory for each member that it names.
const maxCachedLogs = 4

// maxClaimBytes bounds the claim, a small JSON object.
const maxClaimBytes = 64 << 10

// lineageOf is the lineage of a bucket; nil where nothing compacts it yet: that
// is asked again each time, since compaction may begin at any moment.
func (r *run) lineageOf(ctx context.Context, bucket string) (*lineage, error) {
	r.lineages.mu.Lock()
	defer r.lineages.mu.Unlock()
	if l := r.lineages.byBucket[bucket]; l != nil || bucket == "" {
		return l, nil
	}
	l, err := r.readClaim(ctx, bucket)
	if err != nil || l == nil {
		return nil, err
	}
	if r.lineages.byBucket == nil {
		r.lineages.byBucket = map[string]*lineage{}
	}
	r.lineages.byBucket[bucket] = l
	return l, nil
}

// lineages are those asked for so far.
type lineages struct {
	mu       sync.Mutex
	byBucket map[string]*lineage // those that the buckets' claims name
	byState  map[string]*lineage // others
}

// lineageIn is the lineage of a bucket that lies in a state. When the bucket's
// claim does not name it, it was closed: its logs stay, and nothing is added.
func (r *run) lineageIn(ctx context.Context, bucket, state string) (*lineage, error) {
	claimed, err := r.lineageOf(ctx, bucket)
	if err != nil || claimed != nil && claimed.state.String() == state {
		return claimed, err
	}
	r.lineages.mu.Lock()
	defer r.lineages.mu.Unlock()
	if l := r.lineages.byState[state]; l != nil {
		return l, nil
	}
	at, err := s3store.ParseLocation(state)
	if err != nil {
		return nil, fmt.Errorf("the state of compaction %s, which a list of batches names: %w", state, err)
	}
	if r.lineages.byState == nil {
		r.lineages.byState = map[string]*lineage{}
	}
	l := &lineage{store: r.Stores.of(bucket), state: at, logs: map[string]*groupLog{}}
	r.lineages.byState[state] = l
	return l, nil
}

// lineagesOf are all lineages of a bucket that are known: the one that its claim
// names comes last, and before it those of closed states as they were closed, which
// records in the bucket name. First are those that an earlier version has closed, which
// lists name, or which are in the place where a state lies unless told otherwise.
func (r *run) lineagesOf(ctx context.Context, bucket string, named []string) ([]*lineage, error) {
	if bucket == "" {
		return nil, nil
	}
	claimed, err := r.lineageOf(ctx, bucket)
	if err != nil {
		return nil, err
	}
	closed, err := r.closedStates(ctx, bucket)
	if err != nil {
		return nil, err
	}
	usual := s3store.Location{Bucket: bucket, Key: StateFolder}.String()
	states := slices.Concat(named, []string{usual}, closed)
	if claimed != nil {
		states = append(states, claimed.state.String())
	}
	var out []*lineage
	for i, state := range states {
		if slices.Contains(states[i+1:], state) {
			continue
		}
		l, err := r.lineageIn(ctx, bucket, state)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

func (r *run) readClaim(ctx context.Context, bucket string) (*lineage, error) {
	store := r.Stores.of(bucket)
	body, _, err := store.ReadAll(ctx, bucket, receipt.ClaimKey, maxClaimBytes)
	if errors.Is(err, s3store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask whether the bucket is compacted: %w", err)
	}
	claim, state, err := parseClaim(body)
	if err != nil {
		return nil, fmt.Errorf("read the claim %s: %w", name(bucket, receipt.ClaimKey), err)
	}
	return &lineage{store: store, state: state, stateID: claim.StateID, logs: map[string]*groupLog{}}, nil
}

// parseClaim reads which state a claim, or the record of a closed state, names.
func parseClaim(body []byte) (claim receipt.Claim, state s3store.Location, err error) {
	if err := json.Unmarshal(body, &claim); err != nil {
		return claim, state, err
	}
	if claim.Version != receipt.FormatVersion {
		return claim, state, fmt.Errorf("format version %d; this s3compact reads %d: use a newer one", claim.Version, receipt.FormatVersion)
	}
	state, err = s3store.ParseLocation(claim.State)
	if state.Key != "" && !strings.HasSuffix(state.Key, "/") {
		state.Key += "/"
	}
	return claim, state, err
}

// closedStates are the states that records in the bucket name, which close leaves,
// in the order in which they were closed.
func (r *run) closedStates(ctx context.Context, bucket string) (states []string, err error) {
	store := r.Stores.of(bucket)
	var keys []string
	err = store.List(ctx, bucket, s3store.ListOptions{Prefix: receipt.ClosedPrefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			keys = append(keys, o.Key)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the closed states of bucket %s: %w", bucket, err)
	}
	var closed []receipt.Claim
	for _, key := range keys {
		body, _, err := store.ReadAll(ctx, bucket, key, maxClaimBytes)
		if err != nil {
			return nil, fmt.Errorf("read which state was closed: %w", err)
		}
		c, state, err := parseClaim(body)
		if err != nil {
			return nil, fmt.Errorf("read which state was closed, %s: %w", name(bucket, key), err)
		}
		c.State = state.String()
		closed = append(closed, c)
	}
	slices.SortStableFunc(closed, func(a, b receipt.Claim) int { return a.Time.Compare(b.Time) })
	for _, c := range closed {
		states = append(states, c.State)
	}
	return states, nil
}

// locate finds where an original is now: inside a finished output, or, after
// a restore, under its own key again. nil: nowhere.
func (r *run) locate(ctx context.Context, o *original) (*original, error) {
	l, err := r.lineageOf(ctx, o.bucket)
	if err != nil {
		return nil, err
	}
	if l != nil {
		moved, err := l.locate(ctx, o)
		if err != nil || moved != nil {
			return moved, err
		}
	}
	if !o.inside() {
		return nil, nil
	}
	info, err := r.Stores.of(o.bucket).Head(ctx, o.bucket, o.key)
	if gone(err) || err == nil && info.ETag != o.etag && !o.sameBytes(&info) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	back := *o
	back.at, back.atETag, back.offset = objectID{o.bucket, o.key}, info.ETag, 0
	back.pieces, back.text, back.packed = nil, nil, 0
	if o.plain {
		back.gzip, back.crc64 = false, ""
	}
	return &back, nil
}

// sameBytes says whether an object under the original's key has the bytes that
// the receipt of its output tells, whatever its ETag is: what a restore puts back
// has another one where the ETag is no MD5 sum.
func (o *original) sameBytes(info *s3store.Info) bool {
	return info.SizeBytes == o.size && o.storedCRC64 != "" && info.CRC64NVME == o.storedCRC64
}

// locate looks through the logs of the groups that the original can belong to:
// that of each directory on its way.
func (l *lineage) locate(ctx context.Context, o *original) (*original, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gids := []string{o.gid}
	if o.gid == "" {
		gids = gids[:0]
		for i := range o.key {
			if o.key[i] == '/' {
				gids = append(gids, receipt.GID(l.stateID, o.key[:i+1]))
			}
		}
		gids = append(gids, receipt.GID(l.stateID, ""))
	}
	// A log that was read before may have grown.
	for _, fresh := range []bool{false, true} {
		for _, gid := range gids {
			log, cached := l.logs[gid]
			if cached == fresh && fresh || !cached {
				var err error
				if log, err = l.readLog(ctx, gid); err != nil {
					return nil, err
				}
			}
			moved, err := l.find(ctx, log, o)
			if err != nil || moved != nil {
				return moved, err
			}
		}
	}
	return nil, nil
}

// find looks for an original in the finished outputs of a log, newest first.
func (l *lineage) find(ctx context.Context, log *groupLog, o *original) (*original, error) {
	for i := range log.outputs {
		out := &log.outputs[i]
		at, ok := log.index(i)[o.origin]
		if !ok || out.dead {
			continue
		}
		if out.etag == "" {
			info, err := l.store.Head(ctx, out.id.bucket, out.id.key)
			if gone(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if info.SizeBytes != out.size {
				continue
			}
			out.etag = info.ETag
		}
		if out.id == o.at && out.etag == o.atETag {
			continue // where it was not found
		}
		moved := at
		moved.atETag = out.etag
		return &moved, nil
	}
	return nil, nil
}

// plannedOriginals are the originals that a line of a list stands for, in the
// order in which they lie in the output.
func (r *run) plannedOriginals(ctx context.Context, s *planSource) ([]original, error) {
	l, err := r.lineageIn(ctx, s.Bucket, s.Receipt.State)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	id := objectID{s.Bucket, s.Key}
	log := l.logs[s.Receipt.GID]
	if log == nil || log.find(id) < 0 {
		if log, err = l.readLog(ctx, s.Receipt.GID); err != nil {
			return nil, err
		}
	}
	i := log.find(id)
	if i < 0 {
		return nil, fmt.Errorf("entry %d of the log does not name it", s.Receipt.Entry)
	}
	var out []original
	for _, o := range log.originals(i) {
		if !covered(s.Except, o.offset, o.rangeBytes()) {
			o.atETag = s.ETag
			out = append(out, o)
		}
	}
	return out, nil
}

func covered(ranges []byteRange, offset, size int64) bool {
	for _, r := range ranges {
		if offset >= r[0] && offset+size <= r[0]+r[1] {
			return true
		}
	}
	return false
}
