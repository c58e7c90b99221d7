package compactor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// CloseSummary is what closing a state did.
type CloseSummary struct {
	Groups         int64 `json:"groups"`
	GroupsFinished int64 `json:"groups_finished"` // with nothing open and no dead output left
	UploadsAborted int64 `json:"uploads_aborted"`
	ClaimDeleted   bool  `json:"claim_deleted"` // false where it was gone, or is another state's
}

// Close ends the use of a state: an entry of its layout says that it is closed,
// so that no worker begins anything more with it. Once that has settled, what is
// open in the groups' logs is finished, dead outputs are deleted, uploads that
// dead workers left are aborted, and the claim on the bucket is deleted: then
// another state may compact it. Receipts and outputs stay, for verify and for
// copies of originals, and a record in the bucket says where the receipts are. Before it has settled the error is ErrWaiting; whoever
// calls again goes on.
//
// Of Options it uses State, Concurrency, AssumeAlone, AcceptLoss, SettleAfter,
// Tool, Log and OnRefused.
func Close(ctx context.Context, s Store, o Options) (CloseSummary, error) {
	ctx, ended := withDrain(ctx)
	defer ended()
	var sum CloseSummary
	x, err := openRestore(ctx, s, &RestoreOptions{Options: o})
	if err != nil {
		return sum, err
	}
	if err := x.enforcedForClose(ctx); err != nil {
		return sum, err
	}
	if !x.layout.Closed {
		if err := x.nothingKept(ctx); err != nil {
			return sum, err
		}
		if err := writeClosed(ctx, s, x.o.State); err != nil {
			return sum, err
		}
		enforces := x.enforcement()
		if x, err = openRestore(ctx, s, &RestoreOptions{Options: o}); err != nil { // with the entry that closes it
			return sum, err
		}
		x.enforce(enforces)
	}
	if err := x.closeSettled(ctx); err != nil {
		return sum, err
	}
	ids, err := x.st.groupIDs(ctx)
	if err != nil {
		return sum, err
	}
	sum.Groups = int64(len(ids))
	if sum.GroupsFinished, err = x.finishAll(ctx, ids); err != nil {
		return sum, err
	}
	if sum.UploadsAborted, err = x.abortUploads(ctx); err != nil {
		return sum, err
	}
	noted, err := x.st.dropUploads(ctx, receipt.UploadsPrefix(x.o.State.Key), 0)
	if sum.UploadsAborted += int64(noted); err != nil {
		return sum, err
	}
	if err := x.recordClosed(ctx); err != nil {
		return sum, err
	}
	sum.ClaimDeleted, err = x.releaseClaim(ctx)
	return sum, err
}

// nothingKept is an error where originals that were kept lie beside their outputs.
// No other state knows of them: it would join them into outputs once more, and every
// record would be there twice for good. Under a dest readers see outputs alone.
func (x *restorer) nothingKept(ctx context.Context) error {
	if x.o.Dest != nil {
		return nil
	}
	ids, err := x.st.groupIDs(ctx)
	if err != nil {
		return err
	}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(x.o.GroupsAtOnce)
	for _, gid := range ids {
		eg.Go(func() error {
			log, err := x.st.readLogByID(ectx, gid)
			if err != nil || log.entry == nil {
				return err
			}
			g := &group{r: &run{st: x.st}, prefix: log.group, log: log}
			before := log.entry
			if before.Kind == receipt.Commit && log.head > 1 { // the entry before it sums up
				if before, err = x.st.readEntry(ectx, gid, log.head-1); err != nil {
					return err
				}
			}
			outputs := slices.Concat(before.Live, before.TakenApart) // these are live again where a restore gives them up
			if err := g.kept.read(ectx, g, before.Kept, outputs); err != nil {
				return err
			}
			if log.entry.Keep || len(g.kept.hashes) > 0 {
				return fmt.Errorf("group %q: originals that were kept lie beside their outputs, and the next state would join them again, so that every record were there twice: delete them with compact --delete-kept, or the outputs with restore, then close: %w", log.group, ErrUsage)
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx) // a part of the groups says nothing
}

// enforcedForClose asks the endpoint what it enforces: closing relies on
// conditional deletes, and on old signatures being refused.
func (x *restorer) enforcedForClose(ctx context.Context) error {
	for _, r := range x.runs {
		e, err := r.canary(ctx)
		if err != nil {
			return err
		}
		if !e.signature && !x.o.AssumeAlone {
			return fmt.Errorf("this endpoint accepts requests that were signed long ago, so a paused worker could go on with a state that is closed: make sure that none is left, then run again with --assume-alone: %w", ErrUsage)
		}
		x.o.ReadBack = r.o.ReadBack // set where the endpoint stores no checksums
		x.enforce(e)
		return nil
	}
	return fmt.Errorf("state %s: its layout names no group: %w", x.o.State, receipt.ErrFormat)
}

func (x *restorer) enforcement() (e enforcement) {
	for _, r := range x.runs {
		e = r.enforces
	}
	return e
}

func (x *restorer) enforce(e enforcement) {
	for _, r := range x.runs {
		r.enforces = e
		r.o.ReadBack = r.o.ReadBack || !e.checksum
	}
}

// writeClosed appends the layout's last entry, create-only. Another entry may
// come first: then it is the one that is followed.
func writeClosed(ctx context.Context, s Store, at s3store.Location) error {
	for range 20 {
		layout, number, err := readLayout(ctx, s, at)
		if err != nil || layout.Closed {
			return err
		}
		layout.Closed, layout.Wait, layout.Time = true, true, s.ServerTime()
		b, err := json.MarshalIndent(layout, "", "  ")
		if err != nil {
			return err
		}
		_, err = s.Put(ctx, at.Bucket, receipt.LayoutKey(at.Key, number+1), b, s3store.PutOptions{CreateOnly: true})
		if err != nil && !errors.Is(err, s3store.ErrPrecondition) && !errors.Is(err, s3store.ErrConflict) {
			return fmt.Errorf("close the state %s: %w", at, err)
		}
	}
	return fmt.Errorf("state %s: its layout keeps changing; run again", at)
}

// closeSettled says whether whatever earlier workers were allowed has run out;
// the error is ErrWaiting before that. The claim says nothing about it: there may
// not have been one yet, or somebody may have removed it.
func (x *restorer) closeSettled(ctx context.Context) error {
	if x.o.AssumeAlone {
		return nil
	}
	info, err := x.store.Head(ctx, x.o.State.Bucket, receipt.LayoutKey(x.o.State.Key, x.st.number))
	if err != nil {
		return err
	}
	if left := x.st.settle - x.store.ServerTime().Sub(info.LastModified); left > 0 {
		return fmt.Errorf("state %s is closed, and settles in %s: %w", x.o.State, left.Round(time.Second), ErrWaiting)
	}
	return nil
}

// finishAll finishes every group, or says why one can't be.
func (x *restorer) finishAll(ctx context.Context, ids []string) (finished int64, err error) {
	eg := &errgroup.Group{}
	eg.SetLimit(x.o.GroupsAtOnce)
	errs := make([]error, len(ids))
	for i, gid := range ids {
		if ctx.Err() != nil {
			break
		}
		eg.Go(func() error {
			errs[i] = x.finishGroup(ctx, gid)
			return nil
		})
	}
	_ = eg.Wait() // the tasks keep their errors
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	var told []error
	failed := 0
	for _, err := range errs {
		if err == nil {
			finished++
			continue
		}
		if failed++; failed <= maxToldErrors {
			told = append(told, err)
		}
		x.o.Log.Error("a group could not be finished; the bucket's claim stays", "error", err)
	}
	if failed > len(told) {
		told = append(told, fmt.Errorf("and %d more groups, which the log names", failed-len(told)))
	}
	return finished, errors.Join(told...)
}

// finishGroup finishes what is open in a group's log and deletes its dead outputs.
func (x *restorer) finishGroup(ctx context.Context, gid string) error {
	log, err := x.st.readLogByID(ctx, gid)
	if err != nil || log.entry == nil {
		return err
	}
	r := x.runOf(log.group)
	if r == nil {
		return fmt.Errorf("group %q: the layout of the state does not cover it: %w", log.group, receipt.ErrFormat)
	}
	g := &group{r: r, prefix: log.group, log: log}
	for idle := 0; ; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		done, err := g.closeStep(ctx)
		switch {
		case errors.Is(err, errAgain), errors.Is(err, errHeadMoved):
			if idle++; idle >= maxIdleRounds {
				return fmt.Errorf("group %q: other workers kept changing its log; run again: %w", g.prefix, err)
			}
		case err != nil || done:
			return err
		}
		if g.log, err = x.st.readLog(ctx, g.prefix); err != nil {
			return err
		}
	}
}

// closeStep is one pass over what the log's head asks for.
func (g *group) closeStep(ctx context.Context) (done bool, err error) {
	e := g.log.entry
	if ok, left := g.log.settled(g.r.o); !ok {
		return false, fmt.Errorf("group %q: an entry of its log settles in %s: %w", g.prefix, left.Round(time.Second), ErrWaiting)
	}
	switch e.Kind {
	case receipt.Done:
		return true, g.collect(ctx)
	case receipt.Void:
		return false, g.resolveVoid(ctx, e)
	case receipt.Restore:
		_, err := g.finishRestore(ctx, e)
		return false, err
	default:
		return false, g.finishHead(ctx)
	}
}

// abortUploads drops every upload that is named like an output of the state,
// also of a group that no log was begun for: nothing is open any more, and nobody
// may commit one.
func (x *restorer) abortUploads(ctx context.Context) (n int64, err error) {
	out := s3store.Location{Bucket: x.o.Bucket}
	if x.o.Dest != nil {
		out = *x.o.Dest
	}
	var left []s3store.Upload
	err = x.store.ListUploads(ctx, out.Bucket, out.Key, func(u s3store.Upload) error {
		if namedByState(x.st.id, strings.TrimPrefix(u.Key, out.Key)) {
			left = append(left, u)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, u := range left {
		if err := x.store.AbortUpload(ctx, out.Bucket, u.Key, u.ID); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return n, err
		}
		n++
	}
	return n, nil
}

// namedByState says whether a key, as it would be beside its members, is named
// like an output of a group of the state: one of the directories that it lies in.
func namedByState(id, key string) bool {
	gid, _, ok := receipt.ParseOutputName(key)
	for end := 0; ok; end++ {
		if receipt.GID(id, key[:end]) == gid {
			return true
		}
		next := strings.IndexByte(key[end:], '/')
		if next < 0 {
			break
		}
		end += next
	}
	return false
}

// recordClosed names the closed state in the bucket, create-only: without the claim
// nothing else there leads to what its outputs are made of.
func (x *restorer) recordClosed(ctx context.Context) error {
	c := receipt.Claim{Version: receipt.FormatVersion, State: x.st.at.String(), StateID: x.st.id, Time: x.store.ServerTime()}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	key := receipt.ClosedKey(x.st.id)
	_, err = x.store.Put(ctx, x.o.Bucket, key, b, s3store.PutOptions{CreateOnly: true})
	if err != nil && !errors.Is(err, s3store.ErrPrecondition) {
		return fmt.Errorf("name the closed state in s3://%s/%s, which convert reads; the claim stays: allow s3:PutObject there and run again: %w", x.o.Bucket, key, err)
	}
	return nil
}

// releaseClaim deletes the claim on the bucket where it is this state's, on its
// ETag, signed while the layout has no further entry.
func (x *restorer) releaseClaim(ctx context.Context) (bool, error) {
	info, err := x.store.Head(ctx, x.o.Bucket, receipt.ClaimKey)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	b, err := readAll(ctx, x.store, x.o.Bucket, receipt.ClaimKey)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	var held receipt.Claim
	if err := json.Unmarshal(b, &held); err != nil {
		return false, fmt.Errorf("read the claim s3://%s/%s: %w", x.o.Bucket, receipt.ClaimKey, err)
	}
	if held.StateID != x.st.id {
		return false, nil
	}
	date, err := x.st.unchanged(ctx)
	if err != nil {
		return false, err
	}
	err = x.store.Delete(s3store.SignedAt(ctx, date), x.o.Bucket, receipt.ClaimKey, info.ETag)
	if errors.Is(err, s3store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
