package compactor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// RecordShard notes in the state that a run of a plan's shard began or came to
// its end. What an earlier run noted is replaced: nothing relies on it but Plans.
func RecordShard(ctx context.Context, s Store, state s3store.Location, e receipt.ShardEvent, r receipt.ShardRun) error {
	r.Version, r.Time = receipt.FormatVersion, s.ServerTime()
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	key := receipt.ShardKey(state.Key, r.PlanID, r.Shard, r.Shards, e)
	if _, err := s.Put(ctx, state.Bucket, key, b, s3store.PutOptions{Attributes: s3store.Attributes{ContentType: "application/json"}}); err != nil {
		return fmt.Errorf("note in the state that shard %d/%d %s: %w", r.Shard, r.Shards, e, err)
	}
	return nil
}

// CarriedOut is a plan that was carried out, or is.
type CarriedOut struct {
	Plan   s3store.Location // the plan as it was given
	Kept   bool             // it is there
	Began  time.Time        // when it came into the state
	Shards []ShardTimes     // by their numbers, as the newest run divided the plan; none: it is not known
}

// ShardTimes is when the last runs of a shard began and came to their end, by
// the server's clock; zero: none did.
type ShardTimes struct{ Started, Finished time.Time }

// Plans reads which plans a state holds, oldest first. It sends one LIST for each
// 1,000 objects below the state's plans/, and holds about 100 bytes a shard.
func Plans(ctx context.Context, s Store, state s3store.Location) ([]CarriedOut, error) {
	root := receipt.PlansPrefix(state.Key)
	type division struct {
		newest time.Time
		shards []ShardTimes
	}
	type found struct {
		plan      CarriedOut
		divisions map[int]*division // by the number of shards
	}
	plans := map[string]*found{}
	err := s.List(ctx, state.Bucket, s3store.ListOptions{Prefix: root}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			what, ok := receipt.ParsePlanObject(strings.TrimPrefix(o.Key, root))
			if !ok {
				continue // somebody's own file
			}
			f := plans[what.Name]
			if f == nil {
				f = &found{divisions: map[int]*division{}}
				f.plan.Plan = s3store.Location{Bucket: state.Bucket, Key: root + what.Name + ".jsonl"}
				plans[what.Name] = f
			}
			if what.Event == "" {
				f.plan.Kept, f.plan.Began = true, o.LastModified
				continue
			}
			d := f.divisions[what.Shards]
			if d == nil {
				d = &division{shards: make([]ShardTimes, what.Shards)}
				f.divisions[what.Shards] = d
			}
			if o.LastModified.After(d.newest) {
				d.newest = o.LastModified
			}
			if what.Event == receipt.Started {
				d.shards[what.Shard].Started = o.LastModified
			} else {
				d.shards[what.Shard].Finished = o.LastModified
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the plans of the state: %w", err)
	}
	var all []CarriedOut
	for _, name := range sortedKeys(plans) {
		f := plans[name]
		var newest *division
		for _, n := range slices.Sorted(maps.Keys(f.divisions)) {
			if d := f.divisions[n]; newest == nil || !d.newest.Before(newest.newest) {
				newest = d
			}
		}
		if newest != nil {
			f.plan.Shards = newest.shards
		}
		all = append(all, f.plan)
	}
	slices.SortStableFunc(all, func(a, b CarriedOut) int {
		return cmp.Or(a.Began.Compare(b.Began), strings.Compare(a.Plan.Key, b.Plan.Key))
	})
	return all, nil
}
