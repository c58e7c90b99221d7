package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// grouplog is one group's log as it was read: entries 1 to head exist.
type grouplog struct {
	st     *state
	gid    string
	group  string
	head   int            // number of the last entry, 0: none
	entry  *receipt.Entry // the head, nil for an empty log
	stored time.Time      // when the head was stored, by the server's clock
}

// readLog reads a group's log.
func (st *state) readLog(ctx context.Context, group string) (*grouplog, error) {
	l, err := st.readLogByID(ctx, receipt.GID(st.id, group))
	if err != nil {
		return nil, fmt.Errorf("group %q: %w", group, err)
	}
	l.group = group
	return l, nil
}

// readLogByID reads a log's numbers and its head. A gap, or an entry of a newer format, is an error.
func (st *state) readLogByID(ctx context.Context, gid string) (*grouplog, error) {
	l := &grouplog{st: st, gid: gid}
	prefix := receipt.LogPrefix(st.at.Key, gid)
	err := st.store.List(ctx, st.at.Bucket, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			n, ok := receipt.EntryNumber(o.Key)
			if !ok || n != l.head+1 {
				return fmt.Errorf("entry %d of the log is missing, or s3://%s/%s is foreign; nothing is done with the group until that is put right", l.head+1, st.at.Bucket, o.Key)
			}
			l.head, l.stored = n, o.LastModified
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the log s3://%s/%s: %w", st.at.Bucket, prefix, err)
	}
	if l.head > 0 {
		l.entry, err = st.readEntry(ctx, l.gid, l.head)
		if err != nil {
			return nil, err
		}
		l.group = l.entry.Group
	}
	return l, nil
}

func (st *state) readEntry(ctx context.Context, gid string, number int) (*receipt.Entry, error) {
	key := receipt.EntryKey(st.at.Key, gid, number)
	b, err := readAll(ctx, st.store, st.at.Bucket, key)
	if err != nil {
		return nil, err
	}
	e, err := receipt.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", st.at.Bucket, key, err)
	}
	return e, st.checkPlace(e, gid, number)
}

// readOutputs reads an entry only as far as its outputs.
func (st *state) readOutputs(ctx context.Context, gid string, number int) ([]receipt.Output, error) {
	key := receipt.EntryKey(st.at.Key, gid, number)
	body, _, err := st.store.Get(ctx, st.at.Bucket, key, s3store.GetOptions{})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	e, err := receipt.DecodeOutputs(body)
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", st.at.Bucket, key, err)
	}
	return e.Outputs, st.checkPlace(e, gid, number)
}

// checkPlace says whether an entry is of the place where it was found.
func (st *state) checkPlace(e *receipt.Entry, gid string, number int) error {
	if e.Number != number || e.GID != gid || e.StateID != st.id {
		return fmt.Errorf("entry %s is one of another place: %w", receipt.EntryKey(st.at.Key, gid, number), receipt.ErrFormat)
	}
	return nil
}

// groupOf is the group that a log belongs to, from its first entry.
func (st *state) groupOf(ctx context.Context, gid string) (string, error) {
	h, err := st.readHeader(ctx, gid, 1)
	if err != nil {
		return "", err
	}
	return h.Group, nil
}

// moved says whether the log has a further entry by now.
func (l *grouplog) moved(ctx context.Context) (bool, error) {
	exists, _, err := l.st.store.Probe(ctx, l.st.at.Bucket, receipt.EntryKey(l.st.at.Key, l.gid, l.head+1))
	return exists, err
}

// free says whether a new attempt may start.
func (l *grouplog) free() bool { return l.entry == nil || l.entry.Free() }

// settled says whether the head may be acted on; if not, how long to wait.
func (l *grouplog) settled(o *Options) (bool, time.Duration) {
	if l.entry == nil || !l.entry.Wait || o.AssumeAlone {
		return true, 0
	}
	left := l.st.settle - l.st.store.ServerTime().Sub(l.stored)
	return left <= 0, left
}

// authority is the right to commit, complete and delete for a short time: its
// date signs those requests, so that S3 itself refuses them once it is old.
type authority struct {
	log *grouplog

	turns turns     // guards what follows
	date  time.Time // of the server
	here  time.Time // this machine's monotonic clock when it was taken
}

// errHeadMoved: another worker wrote the next entry; this one starts again.
var errHeadMoved = errors.New("another worker moved the log's head")

// sign makes ctx carry the authority, taken anew where it is older than
// authorityTime: only while the log and the layout have no next entry.
func (a *authority) sign(ctx context.Context) (context.Context, error) {
	if err := a.turns.take(ctx); err != nil {
		return nil, err
	}
	defer a.turns.give()
	if a.date.IsZero() || time.Since(a.here) >= authorityTime {
		if err := a.take(ctx); err != nil {
			return nil, err
		}
	}
	return s3store.SignedAt(ctx, a.date), nil
}

// expired makes the next sign take the authority anew: S3 found it too old.
func (a *authority) expired() {
	_ = a.turns.take(context.Background()) // whoever has it ends with a context of its own
	defer a.turns.give()
	a.date = time.Time{}
}

func (a *authority) take(ctx context.Context) error {
	l := a.log
	layout, err := l.st.unchanged(ctx)
	if err != nil {
		return err
	}
	moved, date, err := l.st.store.Probe(ctx, l.st.at.Bucket, receipt.EntryKey(l.st.at.Key, l.gid, l.head+1))
	if err != nil {
		return fmt.Errorf("look at the head of the log: %w", err)
	}
	if moved {
		return errHeadMoved
	}
	if layout.Before(date) {
		date = layout
	}
	a.date, a.here = date, time.Now()
	return nil
}

// append writes the next entry, create-only. ours is false when another
// worker's entry is there; an error means that nobody knows. On success the
// log's head is the new entry.
func (l *grouplog) append(ctx context.Context, e *receipt.Entry) (ours bool, err error) {
	e.Number, e.Bucket, e.Group, e.GID, e.StateID = l.head+1, l.st.bucket, l.group, l.gid, l.st.id
	e.Time = l.st.store.ServerTime()
	body, err := e.Encode()
	if err == nil && len(body) > maxRecordBytes { // nobody could read it
		err = errRecordTooLarge(l.st.at.Bucket, receipt.EntryKey(l.st.at.Key, l.gid, e.Number))
	}
	if err != nil {
		return false, err
	}
	for wait := conflictWait; ; wait *= 2 {
		ours, err = l.put(ctx, e, body)
		// 409: another write of the entry is under way, or was; it may come to nothing.
		if !errors.Is(err, s3store.ErrConflict) || wait > lastConflictWait {
			break
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	if err != nil {
		return false, fmt.Errorf("write entry %d of the log of group %q: %w", e.Number, l.group, err)
	}
	if ours {
		l.head, l.entry, l.stored = e.Number, e, e.Time
	}
	return ours, nil
}

// The waits between tries of an entry that S3 answers with 409.
const (
	conflictWait     = 100 * time.Millisecond
	lastConflictWait = 3 * time.Second
)

// put sends an entry once. Refused as existing, or without an answer, what is there decides.
func (l *grouplog) put(ctx context.Context, e *receipt.Entry, body []byte) (ours bool, err error) {
	key := receipt.EntryKey(l.st.at.Key, l.gid, e.Number)
	attributes := s3store.Attributes{ContentType: "application/gzip"}
	_, err = l.st.store.Put(ctx, l.st.at.Bucket, key, body, s3store.PutOptions{CreateOnly: true, Attributes: attributes})
	if err == nil || errors.Is(err, s3store.ErrExpired) || errors.Is(err, s3store.ErrDenied) {
		return err == nil, err
	}
	there, gerr := l.st.readEntry(ctx, l.gid, e.Number)
	switch {
	case gerr == nil:
		return there.Nonce == e.Nonce, nil
	case errors.Is(err, s3store.ErrPrecondition):
		return false, gerr
	}
	return false, err
}
