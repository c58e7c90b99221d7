package compactor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// GroupState is how far a group is.
type GroupState string

// The states of a group that has a log.
const (
	GroupDone       GroupState = "done"       // nothing is left to do; after a restore, compact may still have to wait
	GroupOpen       GroupState = "open"       // the next run finishes something first
	GroupUnreadable GroupState = "unreadable" // its log has a gap or an entry that can't be read: nothing is done with it
)

// GroupStatus is what a group's log says.
type GroupStatus struct {
	Prefix string
	GID    string // names the log in the state and the group's outputs
	State  GroupState
	Head   receipt.Kind // of the last entry
	Entry  int          // its number
	Since  time.Time    // when it was stored, by the server's clock
	// SettlesAt is when an entry that has to settle may be acted on; zero: it may.
	SettlesAt time.Time
	Detail    string // why it is open or unreadable

	Outputs     int64 // finished, and live
	OutputBytes int64
	Dead        int64 // outputs declared dead that are still there: readers see their records twice
	Kept        int64 // originals of commits that keep them, as they were committed
	Alone       int64 // objects that nothing else can be joined with: no refusals
	Refused     int64 // objects, changed ones included
	Reasons     map[string]int64
	Refusals    []Refused
}

// StatusSummary is the sum over the groups that have a log.
type StatusSummary struct {
	Groups           int64            `json:"groups"`
	GroupsDone       int64            `json:"groups_done"`
	GroupsOpen       int64            `json:"groups_open"`
	GroupsUnreadable int64            `json:"groups_unreadable"`
	Outputs          int64            `json:"outputs"`
	OutputBytes      int64            `json:"output_bytes"`
	OutputsDead      int64            `json:"outputs_dead"`
	ObjectsKept      int64            `json:"objects_kept"`
	ObjectsRefused   int64            `json:"objects_refused"`
	Reasons          map[string]int64 `json:"reasons,omitempty"` // of those refused
}

func (s *StatusSummary) add(g *GroupStatus) {
	s.Groups++
	switch g.State {
	case GroupDone:
		s.GroupsDone++
	case GroupOpen:
		s.GroupsOpen++
	case GroupUnreadable:
		s.GroupsUnreadable++
	}
	s.Outputs += g.Outputs
	s.OutputBytes += g.OutputBytes
	s.OutputsDead += g.Dead
	s.ObjectsKept += g.Kept
	s.ObjectsRefused += g.Refused
	for reason, n := range g.Reasons {
		if s.Reasons == nil {
			s.Reasons = map[string]int64{}
		}
		s.Reasons[reason] += n
	}
}

// Layout reads the layout of a state. A state that does not exist is s3store.ErrNotFound.
func Layout(ctx context.Context, s Store, state s3store.Location) (receipt.Layout, error) {
	l, _, err := readLayout(ctx, s, state)
	if err != nil {
		err = fmt.Errorf("is %s the state of a compaction? %w", state, err)
	}
	return l, err
}

// Status reads from the state alone how far each group with a log is. It
// writes nothing, and changes nothing. each is called for one group at a time,
// in no order. Beside one LIST for each 1,000 entries of all logs it reads the
// last entry of each group, of an open one also those before it back to the
// last that sums up, the first bytes of commits that keep their originals, and
// asks for each output that was declared dead whether it is still there.
// Memory: one or two entries for each of Options.Concurrency groups at work.
func Status(ctx context.Context, s Store, o Options, each func(*GroupStatus)) (StatusSummary, error) {
	o.setDefaults()
	var sum StatusSummary
	layout, number, err := readLayout(ctx, s, o.State)
	if err != nil {
		return sum, fmt.Errorf("is %s the state of a compaction? %w", o.State, err)
	}
	st := newState(s, &o, layout, number)
	var mu sync.Mutex // guards sum and calls of each
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(o.Concurrency)
	listErr := st.heads(ectx, func(h logHead) {
		eg.Go(func() error {
			g, err := st.status(ectx, &o, h)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sum.add(g)
			each(g)
			return nil
		})
	})
	err = eg.Wait() // what fails first also ends the listing
	if err == nil {
		err = listErr
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return sum, err
}

// logHead is the end of a log as a listing shows it.
type logHead struct {
	gid    string
	number int
	stored time.Time
	flaw   string // what is wrong with the log's numbers
}

// heads lists the ends of all logs in one listing, in the order of the groups'
// ids: far fewer requests than one listing for each group.
func (st *state) heads(ctx context.Context, each func(logHead)) error {
	root := receipt.GroupsPrefix(st.at.Key)
	var h logHead
	emit := func() {
		if h.gid != "" {
			each(h)
		}
	}
	err := st.store.List(ctx, st.at.Bucket, s3store.ListOptions{Prefix: root}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			gid, _, below := strings.Cut(strings.TrimPrefix(o.Key, root), "/")
			if !below {
				continue // no log's
			}
			if gid != h.gid {
				emit()
				h = logHead{gid: gid}
			}
			n, ok := receipt.EntryNumber(o.Key)
			if !ok || n != h.number+1 {
				if h.flaw == "" {
					h.flaw = fmt.Sprintf("entry %d is missing, or s3://%s/%s is foreign", h.number+1, st.at.Bucket, o.Key)
				}
				continue
			}
			h.number, h.stored = n, o.LastModified
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("list the logs of the state: %w", err)
	}
	emit()
	return nil
}

// status reads one group's log as far as it has to.
func (st *state) status(ctx context.Context, o *Options, h logHead) (*GroupStatus, error) {
	g := &GroupStatus{GID: h.gid, State: GroupDone, Entry: h.number, Since: h.stored}
	if h.flaw != "" {
		return st.unreadable(ctx, g, h.flaw), nil
	}
	e, err := st.readEntry(ctx, h.gid, h.number)
	switch {
	case errors.Is(err, receipt.ErrFormat):
		return st.unreadable(ctx, g, err.Error()), nil
	case err != nil:
		return nil, err
	}
	g.Prefix, g.Head = e.Group, e.Kind
	log := &grouplog{st: st, gid: h.gid, head: h.number, entry: e, stored: h.stored}
	if ok, _ := log.settled(o); !ok {
		g.SettlesAt = h.stored.Add(st.settle)
		g.Detail = "waits until earlier requests have run out"
	}
	switch {
	case !log.free():
		g.State = GroupOpen
		if g.Detail == "" {
			g.Detail = openDetail(e)
		}
	case g.Detail != "": // of a restore; nothing of it is left to do
		g.Detail = "its originals are back; compact leaves it until earlier requests have run out"
	}
	sums, err := st.lastSum(ctx, h.gid, e)
	switch {
	case errors.Is(err, receipt.ErrFormat):
		return st.unreadable(ctx, g, err.Error()), nil
	case err != nil:
		return nil, err
	case sums == nil:
		return g, nil
	}
	g.sum(sums)
	for _, n := range sums.Kept {
		header, err := st.readHeader(ctx, h.gid, n)
		if err != nil {
			return nil, err
		}
		if header.Reason == "" { // else a restore gave back: its members are among those of an earlier entry
			g.Kept += int64(header.Members)
		}
	}
	for _, d := range sums.Dead {
		there, _, err := st.store.Probe(ctx, d.Bucket, d.Key)
		if err != nil {
			return nil, err
		}
		if there {
			g.Dead++
		}
	}
	if g.Dead > 0 && g.State == GroupDone {
		g.State, g.Detail = GroupOpen, "outputs that were given up or taken apart are still there; compact deletes them"
	}
	return g, nil
}

// openDetail says what the next run does with a head that is not free.
func openDetail(e *receipt.Entry) string {
	switch e.Kind {
	case receipt.Commit:
		return "committed: its outputs are still to be completed or its originals to be deleted"
	case receipt.Void:
		return "given up: " + e.Reason
	case receipt.Restore:
		return "originals are being put back"
	}
	return fmt.Sprintf("an entry %q, which this version does not know", e.Kind)
}

// readHeader reads what an entry is, from its first bytes.
func (st *state) readHeader(ctx context.Context, gid string, number int) (*receipt.Header, error) {
	const enough = 16 << 10 // of the compressed header line
	key := receipt.EntryKey(st.at.Key, gid, number)
	body, _, err := st.store.Get(ctx, st.at.Bucket, key, s3store.GetOptions{LengthBytes: enough})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	h, err := receipt.DecodeHeader(body)
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", st.at.Bucket, key, err)
	}
	return h, nil
}

// lastSum is the last entry, at e or before it, that sums up what was before it; nil where there is none.
func (st *state) lastSum(ctx context.Context, gid string, e *receipt.Entry) (*receipt.Entry, error) {
	for e.Kind != receipt.Done && e.Kind != receipt.Void {
		if e.Number == 1 {
			return nil, nil
		}
		var err error
		if e, err = st.readEntry(ctx, gid, e.Number-1); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// sum takes over what an entry says of the group.
func (g *GroupStatus) sum(e *receipt.Entry) {
	for _, o := range e.Live {
		g.Outputs++
		g.OutputBytes += o.Size
	}
	note := func(r receipt.Refusal) {
		if r.Reason == reasonAlone {
			g.Alone++
			return
		}
		g.Refused++
		if g.Reasons == nil {
			g.Reasons = map[string]int64{}
		}
		g.Reasons[r.Reason]++
		g.Refusals = append(g.Refusals, Refused{Key: r.Key, Reason: r.Reason, Detail: r.Detail})
	}
	for _, r := range e.Refused {
		note(r)
	}
	for _, r := range e.Changed {
		note(r)
	}
}

func (st *state) unreadable(ctx context.Context, g *GroupStatus, why string) *GroupStatus {
	g.State = GroupUnreadable
	g.Detail = fmt.Sprintf("its log %s can't be read: %s; nothing is done with the group until that is put right", s3store.Location{Bucket: st.at.Bucket, Key: receipt.LogPrefix(st.at.Key, g.GID)}, why)
	if g.Prefix == "" {
		g.Prefix, _ = st.groupOf(ctx, g.GID) // the name is a courtesy
	}
	return g
}
