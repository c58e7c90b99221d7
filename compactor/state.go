package compactor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// state is an open state: its layout as read, and the claim held.
type state struct {
	store  Store
	at     s3store.Location
	id     string
	bucket string // of the data
	settle time.Duration

	turns     turns             // guards what follows
	groupings map[string]string // of the layout as last read
	number    int               // of its last entry
	seen      time.Time         // server's Date when there was no further entry
	seenHere  time.Time         // and this machine's monotonic clock then
}

// newState is a state whose layout was read.
func newState(s Store, o *Options, layout receipt.Layout, number int) *state {
	return &state{store: s, at: o.State, id: layout.StateID, bucket: layout.Bucket, settle: o.SettleAfter, groupings: layout.Groupings, number: number}
}

// readLayout reads a state's layout. A state that does not exist is s3store.ErrNotFound.
func readLayout(ctx context.Context, s Store, at s3store.Location) (receipt.Layout, int, error) {
	last := 0
	err := s.List(ctx, at.Bucket, s3store.ListOptions{Prefix: receipt.LayoutPrefix(at.Key)}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			name := strings.TrimSuffix(o.Key[strings.LastIndexByte(o.Key, '/')+1:], ".json")
			n, err := strconv.Atoi(name)
			if err != nil || n != last+1 {
				return fmt.Errorf("state %s: the layout has a gap or a foreign object at %s; stop all workers and look into it", at, o.Key)
			}
			last = n
		}
		return nil
	})
	if err != nil {
		return receipt.Layout{}, 0, err
	}
	if last == 0 {
		return receipt.Layout{}, 0, fmt.Errorf("state %s: no layout there: %w", at, s3store.ErrNotFound)
	}
	l, err := getLayout(ctx, s, at, last)
	return l, last, err
}

func getLayout(ctx context.Context, s Store, at s3store.Location, number int) (receipt.Layout, error) {
	key := receipt.LayoutKey(at.Key, number)
	b, err := readAll(ctx, s, at.Bucket, key)
	if err != nil {
		return receipt.Layout{}, err
	}
	var l receipt.Layout
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("read s3://%s/%s: %w", at.Bucket, key, err)
	}
	if l.Version != receipt.FormatVersion {
		return l, fmt.Errorf("s3://%s/%s: format version %d, this s3compact reads %d: use a newer one", at.Bucket, key, l.Version, receipt.FormatVersion)
	}
	return l, nil
}

// openState opens the state for writing: makes it where there is none, adds
// the scope's grouping to the layout, and claims the bucket. Every write is
// create-only, so that workers that start at once agree.
func openState(ctx context.Context, s Store, o *Options) (*state, error) {
	if err := CheckState(o.State); err != nil {
		return nil, err
	}
	dest := ""
	if o.Dest != nil {
		dest = o.Dest.String()
	}
	for range 20 {
		layout, number, err := readLayout(ctx, s, o.State)
		switch {
		case errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket):
			layout, number = receipt.Layout{Version: receipt.FormatVersion, StateID: randomID(), Bucket: o.Bucket, Dest: dest}, 0
		case err != nil:
			return nil, err
		}
		next, err := extend(layout, o, dest)
		if err != nil {
			return nil, fmt.Errorf("state %s: %w", o.State, err)
		}
		if number > 0 && maps.Equal(next.Groupings, layout.Groupings) {
			st := newState(s, o, layout, number)
			return st, st.claim(ctx, o.Bucket)
		}
		if number == 0 {
			// A call that can only be refused leaves no state, whose settings would stay.
			held, err := readClaim(ctx, s, o.Bucket)
			switch {
			case err == nil && held.State != o.State.String():
				return nil, claimedBy(o.Bucket, held)
			case ignoreNotFound(err) != nil:
				return nil, err
			}
		}
		next.Time = s.ServerTime()
		b, err := json.MarshalIndent(next, "", "  ")
		if err != nil {
			return nil, err
		}
		_, err = s.Put(ctx, o.State.Bucket, receipt.LayoutKey(o.State.Key, number+1), b, s3store.PutOptions{CreateOnly: true})
		if err != nil && !errors.Is(err, s3store.ErrPrecondition) && !errors.Is(err, s3store.ErrConflict) {
			return nil, fmt.Errorf("write the layout of the state: %w", err)
		}
		// Written, or somebody else was first: either way what is there now holds.
	}
	return nil, fmt.Errorf("state %s: its layout keeps changing; is another version of s3compact at work?", o.State)
}

// extend is the layout with the scope's grouping in it.
func extend(l receipt.Layout, o *Options, dest string) (receipt.Layout, error) {
	switch {
	case l.Bucket != o.Bucket:
		return l, fmt.Errorf("it belongs to bucket %s, not %s; give each bucket a --state of its own: %w", l.Bucket, o.Bucket, ErrUsage)
	case l.Dest != dest:
		return l, fmt.Errorf("its outputs go %s, not %s, and that can't be changed: give the same --dest, or none, as the first run: %w", destination(l.Dest), destination(dest), ErrUsage)
	case l.Closed:
		return l, fmt.Errorf("it is closed; use another --state: %w", ErrUsage)
	}
	grouping := o.Selection.GroupBy.String()
	for prefix, g := range l.Groupings {
		if g != grouping && (strings.HasPrefix(prefix, o.Scope) || strings.HasPrefix(o.Scope, prefix)) {
			return l, fmt.Errorf("it compacts %q by %s, so %q can't be compacted by %s: use --group-by %s: %w", prefix, g, o.Scope, grouping, g, ErrUsage)
		}
		if g == grouping && strings.HasPrefix(o.Scope, prefix) {
			return l, nil // covered already
		}
	}
	l.Groupings = maps.Clone(l.Groupings)
	if l.Groupings == nil {
		l.Groupings = map[string]string{}
	}
	l.Groupings[o.Scope] = grouping
	return l, nil
}

// destination is where a layout puts outputs, in words.
func destination(dest string) string {
	if dest == "" {
		return "beside their members"
	}
	return "to " + dest
}

// claim makes this state the one that compacts the bucket, or finds that another one is.
func (st *state) claim(ctx context.Context, bucket string) error {
	c := receipt.Claim{Version: receipt.FormatVersion, State: st.at.String(), StateID: st.id, Time: st.store.ServerTime()}
	exists, _, err := st.store.Probe(ctx, bucket, receipt.ClaimKey)
	if err != nil {
		return fmt.Errorf("look for the claim on bucket %s: %w", bucket, err)
	}
	if !exists {
		b, err := json.MarshalIndent(c, "", "  ")
		if err != nil {
			return err
		}
		_, err = st.store.Put(ctx, bucket, receipt.ClaimKey, b, s3store.PutOptions{CreateOnly: true})
		if err != nil && !errors.Is(err, s3store.ErrPrecondition) && !errors.Is(err, s3store.ErrConflict) {
			return fmt.Errorf("claim bucket %s: %w", bucket, err)
		}
	}
	held, err := readClaim(ctx, st.store, bucket)
	if err != nil {
		return err
	}
	if held.StateID != st.id {
		return claimedBy(bucket, held)
	}
	return nil
}

// readClaim reads which state compacts the bucket. None is s3store.ErrNotFound.
func readClaim(ctx context.Context, s Store, bucket string) (receipt.Claim, error) {
	var held receipt.Claim
	b, err := readAll(ctx, s, bucket, receipt.ClaimKey)
	if err != nil {
		return held, fmt.Errorf("read the claim on bucket %s: %w", bucket, err)
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&held); err != nil {
		return held, fmt.Errorf("read the claim s3://%s/%s: %w", bucket, receipt.ClaimKey, err)
	}
	return held, nil
}

func claimedBy(bucket string, held receipt.Claim) error {
	return fmt.Errorf("bucket %s is compacted by the state %s; use it with --state: %w", bucket, held.State, ErrUsage)
}

// unchanged is the server's Date at which the layout was last seen to have no
// further entry that concerns the scope; asked again after half of authorityTime.
func (st *state) unchanged(ctx context.Context) (time.Time, error) {
	if err := st.turns.take(ctx); err != nil {
		return time.Time{}, err
	}
	defer st.turns.give()
	if !st.seen.IsZero() && time.Since(st.seenHere) < authorityTime/2 {
		return st.seen, nil
	}
	for {
		exists, date, err := st.store.Probe(ctx, st.at.Bucket, receipt.LayoutKey(st.at.Key, st.number+1))
		if err != nil {
			return time.Time{}, fmt.Errorf("look at the layout: %w", err)
		}
		if !exists {
			st.seen, st.seenHere = date, time.Now()
			return date, nil
		}
		next, err := getLayout(ctx, st.store, st.at, st.number+1)
		if err != nil {
			return time.Time{}, err
		}
		for prefix, g := range st.groupings {
			if next.Groupings[prefix] != g || next.Closed || next.StateID != st.id {
				return time.Time{}, fmt.Errorf("state %s: its layout was changed or closed meanwhile; start again", st.at)
			}
		}
		st.groupings, st.number = next.Groupings, st.number+1
	}
}

// groupIDs lists the groups that have a log.
func (st *state) groupIDs(ctx context.Context) ([]string, error) {
	root := receipt.GroupsPrefix(st.at.Key)
	var ids []string
	err := st.store.List(ctx, st.at.Bucket, s3store.ListOptions{Prefix: root, Delimiter: "/"}, func(p s3store.Page) error {
		for _, prefix := range p.Prefixes {
			ids = append(ids, strings.TrimSuffix(strings.TrimPrefix(prefix, root), "/"))
		}
		return nil
	})
	slices.Sort(ids)
	return ids, err
}

// begun is the groups that have a log, by their ids.
func (st *state) begun(ctx context.Context) (map[string]bool, error) {
	ids, err := st.groupIDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the logs of the state %s: %w", st.at, err)
	}
	begun := make(map[string]bool, len(ids))
	for _, id := range ids {
		begun[id] = true
	}
	return begun, nil
}

// randomID is 128 random bits.
func randomID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// ignoreNotFound is nil for a state that does not exist; a missing bucket stays an error.
func ignoreNotFound(err error) error {
	if errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket) {
		return nil
	}
	return err
}
