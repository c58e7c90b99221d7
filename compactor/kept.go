package compactor

import (
	"context"
	"hash/maphash"
	"slices"

	"github.com/s3compact/s3compact/internal/receipt"
)

// keptSet are the members that commits with keep have joined and that stay.
// Memory: 8 bytes for each, a hash of key and ETag. Two objects of one hash
// would make the second one stay as it is, unjoined; among ten million that has
// a chance of one in 300,000.
type keptSet struct {
	seed    maphash.Seed
	hashes  []uint64 // sorted
	entries []int    // numbers of those read
}

// read adds the members of commits, by their numbers, that it does not have.
// What lies in no live output any more is free again: a restore took it apart.
func (k *keptSet) read(ctx context.Context, g *group, commits []int, live []receipt.OutputRef) error {
	isLive := make(map[string]bool, len(live))
	for _, o := range live {
		isLive[o.Key] = true
	}
	if k.entries == nil {
		k.seed = maphash.MakeSeed()
	}
	before := len(k.hashes)
	for _, n := range commits {
		if slices.Contains(k.entries, n) {
			continue
		}
		e, err := g.r.st.readEntry(ctx, g.log.gid, n)
		if err != nil {
			return err
		}
		for i := range e.Members {
			if m := &e.Members[i]; isLive[e.Outputs[m.Output].Key] {
				k.hashes = append(k.hashes, k.hash(m.Key, m.ETag))
			}
		}
		k.entries = append(k.entries, n)
	}
	if len(k.hashes) > before {
		slices.Sort(k.hashes)
	}
	return nil
}

func (k *keptSet) hash(key, etag string) uint64 {
	return maphash.String(k.seed, key+"\x00"+etag)
}

func (k *keptSet) has(key, etag string) bool {
	if len(k.hashes) == 0 {
		return false
	}
	_, ok := slices.BinarySearch(k.hashes, k.hash(key, etag))
	return ok
}
