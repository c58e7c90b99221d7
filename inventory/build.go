package inventory

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Progress is told how far a long reading is. An implementation is safe for
// concurrent use; a nil Progress is told nothing.
type Progress interface {
	// Total says how much there is, once it is known; 0 is unknown.
	Total(objects, bytes int64)
	// Add says that so much more was read: rows, and bytes of the report.
	Add(objects, bytes int64)
}

type noProgress struct{}

func (noProgress) Total(int64, int64) {}
func (noProgress) Add(int64, int64)   {}

func orNone(p Progress) Progress {
	if p == nil {
		return noProgress{}
	}
	return p
}

// newPlan makes the plan of what was summed up.
func newPlan(bucket, scope string, source Source, g *groups) *Plan {
	var id [16]byte
	rand.Read(id[:]) // never fails: documented in crypto/rand
	source.Ignored = g.ignored
	p := &Plan{
		PlanHeader: PlanHeader{
			Type: "plan", Version: PlanVersion, ID: hex.EncodeToString(id[:]), Bucket: bucket, Scope: scope,
			Source: source, Thresholds: g.sel, Created: time.Now().UTC().Truncate(time.Second),
			Totals: Totals{Objects: g.objects, Bytes: g.bytes, Groups: int64(len(g.byPrefix))},
		},
		Hotspots: g.hotspots(),
	}
	t := &p.Totals
	t.Hotspots = int64(len(p.Hotspots))
	for i := range p.Hotspots {
		h := &p.Hotspots[i]
		t.HotspotObjects += h.Objects
		t.HotspotBytes += h.Bytes
		t.Outputs += h.Outputs
	}
	return p
}
