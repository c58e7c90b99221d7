package compactor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// staleUpload is the age at which an upload that no commit names is taken for
// left over. An attempt that takes so long does not commit, see maxAttemptAge.
const staleUpload = 24 * time.Hour

// Sweep aborts uploads below the scope that a dead worker of this state left:
// older than a day, named like an output of one of the groups, and not named
// by the head of its log, or noted in the state as a restore's. It also removes
// what canaries left. It returns how many uploads it aborted.
func Sweep(ctx context.Context, s Store, o Options, groups []string) (aborted int, err error) {
	o.setDefaults()
	layout, number, err := readLayout(ctx, s, o.State)
	if err != nil {
		return 0, ignoreNotFound(err)
	}
	st := newState(s, &o, layout, number)
	ours := make(map[string]bool, len(groups))
	for _, g := range groups {
		ours[receipt.GID(layout.StateID, g)] = true
	}
	for _, b := range o.buckets() {
		n, err := sweepCanaries(ctx, s, b)
		if aborted += n; err != nil {
			return aborted, err
		}
	}
	n, err := st.dropUploads(ctx, receipt.UploadsPrefix(o.State.Key), staleUpload)
	if aborted += n; err != nil {
		return aborted, err
	}
	bucket, prefix := o.Bucket, o.Scope
	if o.Dest != nil {
		bucket, prefix = o.Dest.Bucket, o.Dest.Key+o.Scope
	}
	var stale []s3store.Upload
	err = s.ListUploads(ctx, bucket, prefix, func(u s3store.Upload) error {
		if gid, _, ok := receipt.ParseOutputName(u.Key); ok && ours[gid] && s.ServerTime().Sub(u.Initiated) > staleUpload {
			stale = append(stale, u)
		}
		return nil
	})
	if err != nil {
		return aborted, err
	}
	for _, u := range stale {
		gid, _, _ := receipt.ParseOutputName(u.Key)
		log, err := st.readLogByID(ctx, gid)
		if err != nil {
			return aborted, err
		}
		if log.names(u.Key) {
			continue
		}
		if err := s.AbortUpload(ctx, bucket, u.Key, u.ID); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return aborted, err
		}
		aborted++
	}
	return aborted, nil
}

// names says whether the head is an open commit of this output.
func (l *grouplog) names(output string) bool {
	if l.free() {
		return false
	}
	for _, o := range l.entry.Outputs {
		if o.Key == output {
			return true
		}
	}
	return false
}

// buckets are those that a run writes to, each once.
func (o *Options) buckets() []string {
	all := []string{o.Bucket, o.State.Bucket}
	if o.Dest != nil {
		all = append(all, o.Dest.Bucket)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
