// Package demodata makes the access logs that the demo and the tests work on:
// gzip JSON lines as an edge proxy writes them, one directory for each
// application, with the objects that real buckets hold besides (broken ones,
// empty ones, markers). All of it follows from a seed, however many workers
// make it, and the truth about every object is returned beside it.
package demodata

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Spec says what to make. The same Spec makes the same bytes on every machine.
type Spec struct {
	Seed     uint64
	Start    time.Time // of the first object's records
	Days     int       // over which each prefix's objects are spread
	Prefixes []Prefix
}

// Prefix is one directory of objects, all of one application.
type Prefix struct {
	AppID         int   // the directory's name
	Objects       int   // good objects
	MeanSizeBytes int64 // stored (gzip) bytes of a good object, on average
	Large         bool  // compress lightly, for objects of many megabytes that must be made fast

	NoFinalNewline int // how many of the good objects do not end with a newline
	TwoMembers     int // how many of them consist of two gzip members

	Extra []Kind // what the directory holds besides its good objects
}

// ReferenceAppID is the prefix of the reference case: 502 objects, 33.7 MB.
const ReferenceAppID = 14184

// What the reference prefix holds.
const (
	referenceObjects    = 502
	referenceTotalBytes = 33_700_000
)

// defaultSeed is the seed of Default and Small.
const defaultSeed = 20261003

var defaultStart = time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC)

// Default is the demo's bucket: a dozen hot prefixes of small objects, one of
// them the reference prefix, one with few objects, one with large ones, and in
// some of the hot ones what must be refused or left alone. scale multiplies the
// objects of the hot prefixes but the reference one.
func Default(scale float64) Spec {
	hot := []Prefix{
		{AppID: 10027, Objects: 220, Extra: []Kind{Truncated, TrailingBytes}},
		{AppID: 10933, Objects: 170, Extra: []Kind{Empty, Success}},
		{AppID: 11750, Objects: 140, Extra: []Kind{FolderMarker}},
		{AppID: 12408, Objects: 110, Extra: []Kind{BadCRC, BadLength}},
		{AppID: 13311, Objects: 90},
		{AppID: 14902, Objects: 75},
		{AppID: 15530, Objects: 60, Extra: []Kind{NotGzip}},
		{AppID: 16077, Objects: 48},
		{AppID: 17245, Objects: 36},
		{AppID: 18116, Objects: 28},
		{AppID: 19403, Objects: 20},
	}
	for i := range hot {
		p := &hot[i]
		p.Objects = max(1, int(math.Round(float64(p.Objects)*scale)))
		p.MeanSizeBytes = 40 << 10
		p.NoFinalNewline = p.Objects / 20
		p.TwoMembers = p.Objects / 30
	}
	return Spec{
		Seed: defaultSeed, Start: defaultStart, Days: 7,
		Prefixes: append(hot,
			Prefix{
				AppID: ReferenceAppID, Objects: referenceObjects, MeanSizeBytes: referenceTotalBytes / referenceObjects,
				NoFinalNewline: 12, TwoMembers: 8,
			},
			Prefix{AppID: 20991, Objects: 5, MeanSizeBytes: 40 << 10},
			Prefix{AppID: 21500, Objects: 2, MeanSizeBytes: 70 << 20, Large: true},
		),
	}
}

// Small is a bucket for tests: so many prefixes of so many objects of about so
// many stored bytes, one object in ten without a final newline and one in ten
// of two members. A test adds Extra and whatever else it needs.
func Small(prefixes, objects int, meanSizeBytes int64) Spec {
	s := Spec{Seed: defaultSeed, Start: defaultStart, Days: 3}
	for i := range prefixes {
		s.Prefixes = append(s.Prefixes, Prefix{
			AppID: 10001 + i, Objects: objects, MeanSizeBytes: meanSizeBytes,
			NoFinalNewline: objects / 10, TwoMembers: objects / 10,
		})
	}
	return s
}

// item is one object to be made.
type item struct {
	key         string
	kind        Kind
	appID       int
	large       bool
	targetBytes int64     // wanted stored size
	start       time.Time // of its first record
	span        time.Duration
	seed        uint64
}

// items lists all objects of the spec in key order.
func (s Spec) items() ([]item, error) {
	var all []item
	for _, p := range s.Prefixes {
		if p.Objects < 0 || p.NoFinalNewline+p.TwoMembers > p.Objects {
			return nil, fmt.Errorf("demo data: prefix %d/: %d objects cannot hold %d without a final newline and %d of two members",
				p.AppID, p.Objects, p.NoFinalNewline, p.TwoMembers)
		}
		all = append(all, s.prefixItems(p)...)
	}
	slices.SortFunc(all, func(a, b item) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(all); i++ {
		if all[i].key == all[i-1].key {
			return nil, fmt.Errorf("demo data: the key %s twice; each application id and each kind of marker may be there once", all[i].key)
		}
	}
	return all, nil
}

func (s Spec) prefixItems(p Prefix) []item {
	rng := rand.New(rand.NewPCG(s.Seed, uint64(p.AppID)))
	sizes := objectSizes(rng, p.Objects, p.MeanSizeBytes)
	kinds := goodKinds(p)
	n := len(sizes) + len(p.Extra)
	step := time.Duration(s.Days) * 24 * time.Hour / time.Duration(max(1, n))
	items := make([]item, 0, n)
	for i := range n {
		it := item{appID: p.AppID, large: p.Large, start: s.Start.Add(time.Duration(i) * step), span: step}
		// The extra objects take the places in the middle.
		switch middle := len(sizes) / 2; {
		case i < middle:
			it.kind, it.targetBytes = kinds[i], sizes[i]
		case i < middle+len(p.Extra):
			it.kind, it.targetBytes = p.Extra[i-middle], p.MeanSizeBytes
		default:
			it.kind, it.targetBytes = kinds[i-len(p.Extra)], sizes[i-len(p.Extra)]
		}
		it.key = it.kind.key(p.AppID, it.start, i+1)
		it.seed = seedOf(s.Seed, it.key)
		items = append(items, it)
	}
	return items
}

// goodKinds spreads the odd ones evenly among the good objects.
func goodKinds(p Prefix) []Kind {
	kinds := make([]Kind, p.Objects)
	odd := p.NoFinalNewline + p.TwoMembers
	for i := range odd {
		kind := NoFinalNewline
		if i%2 == 1 && i/2 < p.TwoMembers || i >= 2*p.NoFinalNewline {
			kind = TwoMembers
		}
		kinds[(i*p.Objects+p.Objects/2)/odd] = kind
	}
	return kinds
}

// objectSizes draws sizes around the mean, log-normal like those of a log
// shipper that closes a file after a time or a size, and scales them so that
// their sum is as wanted.
func objectSizes(rng *rand.Rand, n int, mean int64) []int64 {
	const sigma, least, most = 0.35, 0.3, 3.0
	factors := make([]float64, n)
	sum := 0.0
	for i := range factors {
		factors[i] = min(most, max(least, math.Exp(sigma*rng.NormFloat64())))
		sum += factors[i]
	}
	sizes := make([]int64, n)
	for i, f := range factors {
		sizes[i] = int64(float64(mean) * f * float64(n) / sum)
	}
	return sizes
}

// seedOf gives each object a seed of its own, so that it does not matter which
// worker makes it, and when.
func seedOf(seed uint64, key string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", seed, key)
	return h.Sum64()
}
