package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// taken is an output whose originals are wanted, with all of them.
type taken struct {
	ref       receipt.OutputRef
	originals []receipt.Member // in the order in which they lie in the output; Offset counts from its first byte
	commits   []int            // of each original, the number of the entry that joined it
	// contentOnly: the output is recompressed. It holds the originals' content, so
	// that none of them can be given back byte for byte.
	contentOnly bool
}

// originalsStay says whether a restore that gives the output up leaves the originals
// that are beside it: they were kept by one of the entries with these numbers, or
// their bytes are nowhere else, so that no restore has put them there.
func (t *taken) originalsStay(kept []int) bool {
	return t.contentOnly || slices.Contains(kept, t.ref.Commit)
}

// twice are the keys of which the output holds originals with different bytes:
// it absorbed outputs of different times.
func (t *taken) twice() map[string]bool {
	first := make(map[string]*receipt.Member, len(t.originals))
	var keys map[string]bool
	for i := range t.originals {
		m := &t.originals[i]
		switch f := first[m.Key]; {
		case f == nil:
			first[m.Key] = m
		case f.Size != m.Size || f.CRC64 != m.CRC64:
			if keys == nil {
				keys = map[string]bool{}
			}
			keys[m.Key] = true
		}
	}
	return keys
}

// newest is the place among the originals of the newest one of each key: that
// which was joined last.
func (t *taken) newest() map[string]int {
	at := make(map[string]int, len(t.originals))
	for i := range t.originals {
		key := t.originals[i].Key
		if j, there := at[key]; !there || t.commits[i] >= t.commits[j] {
			at[key] = i
		}
	}
	return at
}

// receipts reads the commits of one group's log, which outputs refer to.
// Memory: cachedCommits entries.
type receipts struct {
	st     *state
	gid    string
	cached map[int]*receipt.Entry
}

// cachedCommits are the entries kept for the outputs that refer to them too:
// those of one attempt share an entry, and absorbed ones are read in turn.
const cachedCommits = 4

func newReceipts(st *state, gid string) *receipts {
	return &receipts{st: st, gid: gid, cached: map[int]*receipt.Entry{}}
}

func (r *receipts) entry(ctx context.Context, number int) (*receipt.Entry, error) {
	if e := r.cached[number]; e != nil {
		return e, nil
	}
	e, err := r.st.readEntry(ctx, r.gid, number)
	if err != nil {
		return nil, err
	}
	if len(r.cached) >= cachedCommits {
		clear(r.cached)
	}
	r.cached[number] = e
	return e, nil
}

// take finds the first originals of an output: those of an output that it
// absorbed in place of that one, however deep. Memory: about 1 KB an original.
func (r *receipts) take(ctx context.Context, ref receipt.OutputRef) (*taken, error) {
	t := &taken{ref: ref}
	end, err := r.appendTo(ctx, t, ref.Key, ref.Commit, 0)
	if err == nil && end > ref.Size {
		err = fmt.Errorf("its members end at byte %d of %d: %w", end, ref.Size, receipt.ErrFormat)
	}
	if err != nil {
		return nil, fmt.Errorf("the receipt of output s3://%s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return t, nil
}

// appendTo adds the originals of the output that an entry names, which lies at
// a byte of the output that is taken. It returns where the last one ends.
func (r *receipts) appendTo(ctx context.Context, t *taken, key string, commit int, at int64) (end int64, err error) {
	e, err := r.entry(ctx, commit)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(e.Outputs, func(o receipt.Output) bool { return o.Key == key })
	if i < 0 || e.Kind != receipt.Commit {
		return 0, fmt.Errorf("entry %d does not describe it: %w", commit, receipt.ErrFormat)
	}
	end = at
	textOnly := e.Outputs[i].Gzip == receipt.Recompressed
	t.contentOnly = t.contentOnly || textOnly
	for _, m := range e.Members {
		if m.Output != i {
			continue
		}
		if textOnly { // no bytes of the output are its own
			t.originals, t.commits = append(t.originals, m), append(t.commits, commit)
			continue
		}
		offset, length := placed(&m)
		if at+offset < end {
			return 0, fmt.Errorf("entry %d: member %s lies inside the one before it: %w", commit, m.Key, receipt.ErrFormat)
		}
		if m.Absorbed() {
			if m.Commit >= commit {
				return 0, fmt.Errorf("entry %d absorbs an output of entry %d: %w", commit, m.Commit, receipt.ErrFormat)
			}
			if end, err = r.appendTo(ctx, t, m.Key, m.Commit, at+offset); err != nil {
				return 0, err
			}
			continue
		}
		m.Offset = at + m.Offset
		t.originals, t.commits = append(t.originals, m), append(t.commits, commit)
		end = at + offset + length
	}
	return end, nil
}

// placed is where a member's bytes lie in the output of its entry.
func placed(m *receipt.Member) (offset, length int64) { return m.Offset, m.RangeBytes() }

// standing is how the key of an original stands.
type standing int

const (
	vacant standing = iota // nothing is there
	back                   // the original's bytes are there
	newer                  // something else is there
)

// stands says what lies under the original's key, as [group.thereNow] shows it: on
// the original's ETag it is the original, else its length and checksum decide,
// which are asked for.
func (g *group) stands(ctx context.Context, m *receipt.Member, at map[string]s3store.Object) (standing, string, error) {
	switch o, there := at[m.Key]; {
	case !there:
		return vacant, "", nil
	case o.SizeBytes != m.Size:
		return newer, "", nil
	case o.ETag == m.ETag:
		return back, m.ETag, nil
	}
	return g.looked(ctx, m)
}

// looked is stands without a listing. The ETag is that of the object that was proven.
func (g *group) looked(ctx context.Context, m *receipt.Member) (standing, string, error) {
	s := g.r.store
	info, err := s.Head(ctx, g.r.o.Bucket, m.Key)
	switch {
	case errors.Is(err, s3store.ErrNotFound):
		return vacant, "", nil
	case err != nil:
		return vacant, "", err
	case info.SizeBytes != m.Size:
		return newer, "", nil
	case info.CRC64NVME != "" && !g.r.o.ReadBack:
		if info.CRC64NVME != m.CRC64 {
			return newer, "", nil
		}
		return back, info.ETag, nil
	}
	crc, n, err := readBack(ctx, s, g.r.o.Bucket, m.Key, info.ETag)
	switch {
	case errors.Is(err, s3store.ErrPrecondition), errors.Is(err, s3store.ErrNotFound):
		return newer, "", nil // changed while it was read
	case err != nil:
		return vacant, "", err
	case n != m.Size || validate.EncodeCRC64(crc) != m.CRC64:
		return newer, "", nil
	}
	return back, info.ETag, nil
}
