package inventory

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"iter"
	"math"
	"slices"
	"time"
)

// Survey is what a source showed: the header of its plan, and its groups. They
// stay in the compact form in which they were summed up, some 200 bytes each;
// a Hotspot is made of one when it is looked at.
type Survey struct {
	PlanHeader
	groups *groups
	// hot are the hotspots in the plan's order: objects (as far as they fit) in the
	// upper half, where the group is in the lower.
	hot []uint64
}

// newSurvey sums up the groups, once all workers have flushed.
func newSurvey(bucket, scope string, source Source, g *groups) *Survey {
	var id [16]byte
	rand.Read(id[:]) // never fails: documented in crypto/rand
	source.Ignored = g.ignored
	s := &Survey{
		PlanHeader: PlanHeader{
			Type: "plan", Version: PlanVersion, ID: hex.EncodeToString(id[:]), Bucket: bucket, Scope: scope,
			Source: source, Thresholds: g.sel, Created: time.Now().UTC().Truncate(time.Second),
			Totals: Totals{Objects: g.objects, Bytes: g.bytes},
		},
		groups: g,
	}
	s.choose()
	return s
}

// choose finds the hotspots, sorts them and counts them.
func (s *Survey) choose() {
	t := &s.Totals
	for hot := range s.all {
		table, place := s.at(hot)
		t.Groups++
		if objects, bytes := table.small(table.at(place)); s.groups.sel.Hot(objects, bytes) {
			t.Hotspots++
			t.HotspotObjects += objects
			t.HotspotBytes += bytes
			t.Outputs += s.groups.sel.Outputs(bytes)
		}
	}
	s.hot = make([]uint64, 0, t.Hotspots)
	for hot := range s.all {
		table, place := s.at(hot)
		if objects, bytes := table.small(table.at(place)); s.groups.sel.Hot(objects, bytes) {
			s.hot = append(s.hot, uint64(min(objects, math.MaxUint32))<<32|hot)
		}
	}
	slices.SortFunc(s.hot, s.compare)
}

// all are all groups, in the form of hot but without their objects.
func (s *Survey) all(yield func(hot uint64) bool) {
	for i := range s.groups.shards {
		for place := range s.groups.shards[i].all {
			if !yield(uint64(i)<<(32-shardBits) | uint64(place)) {
				return
			}
		}
	}
}

// compare orders hotspots: most objects first, then by prefix.
func (s *Survey) compare(a, b uint64) int {
	if c := cmp.Compare(b>>32, a>>32); c != 0 {
		return c
	}
	tableA, placeA := s.at(a)
	tableB, placeB := s.at(b)
	if a>>32 == math.MaxUint32 {
		objectsA, _ := tableA.small(tableA.at(placeA))
		objectsB, _ := tableB.small(tableB.at(placeB))
		if c := cmp.Compare(objectsB, objectsA); c != 0 {
			return c
		}
	}
	return bytes.Compare(tableA.prefix(placeA), tableB.prefix(placeB))
}

// at is where the group lies that an element of hot names.
func (s *Survey) at(hot uint64) (t *table, place uint32) {
	const mask = 1<<(32-shardBits) - 1
	return &s.groups.shards[uint32(hot)>>(32-shardBits)].table, uint32(hot) & mask
}

// Hotspots are the groups that the thresholds call hot, most objects first, then
// by prefix. Each is valid until the next one: its memory is used again.
func (s *Survey) Hotspots() iter.Seq[*Hotspot] {
	return func(yield func(*Hotspot) bool) {
		var h Hotspot
		for _, hot := range s.hot {
			s.fill(&h, hot)
			if !yield(&h) {
				return
			}
		}
	}
}

// Groups are all groups, hot or not, in no order, in the form of hotspots. Each
// is valid until the next one: its memory is used again.
func (s *Survey) Groups() iter.Seq[*Hotspot] {
	return func(yield func(*Hotspot) bool) {
		var h Hotspot
		for hot := range s.all {
			s.fill(&h, hot)
			if !yield(&h) {
				return
			}
		}
	}
}

// fill makes the Hotspot of a group.
func (s *Survey) fill(h *Hotspot, hot uint64) {
	t, place := s.at(hot)
	g := t.at(place)
	h.reset(string(t.prefix(place)))
	h.AllBytes = g.bytes
	h.SizeHistogram = t.histogram(place)
	for _, objects := range h.SizeHistogram {
		h.AllObjects += objects
	}
	for c := range t.kinds(g) {
		h.add(&s.groups.kinds.kinds[c.kind], c)
	}
	slices.SortFunc(h.Kinds, compareKinds)
	h.Outputs = s.groups.sel.Outputs(h.Bytes)
	if g.first.objects > 0 {
		h.Oldest, h.Newest = time.UnixMilli(g.oldest).UTC(), time.UnixMilli(g.newest).UTC()
	}
}
