package inventory

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestTableTellsPrefixesOfOneHashApart has prefixes of the same length that differ
// in one byte, all under one hash.
func TestTableTellsPrefixesOfOneHashApart(t *testing.T) {
	for n := 1; n <= 40; n++ {
		var table table
		seen := map[uint32]string{}
		for i := -1; i < n; i++ {
			prefix := []byte(strings.Repeat("x", n))
			if i >= 0 {
				prefix[i] = 'y'
			}
			r := run{prefixLen: uint32(n), word: load(prefix, 0, uint32(n)), hash: 99}
			if table.findShort(&r) {
				t.Fatalf("%s is found before it is there, as %s", prefix, table.prefix(r.place))
			}
			place, err := table.group(99, prefix, 0, uint32(n))
			if err != nil {
				t.Fatal(err)
			}
			if other, ok := seen[place]; ok {
				t.Fatalf("%s is taken for %s", prefix, other)
			}
			seen[place] = string(prefix)
			if i < 0 && n <= 8 && (!table.findShort(&r) || r.place != place) {
				t.Errorf("%s is not found where it is looked for first", prefix)
			}
		}
	}
}

// TestTableOfManyGroups fills many chunks with groups of all lengths, twice over.
func TestTableOfManyGroups(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	var table table
	var took int64
	for round := range 2 {
		table.reset()
		var prefixes []string
		places := map[uint32]int{}
		for i := range 30_000 {
			prefix := fmt.Sprintf("%d/%s/", i, strings.Repeat("z", random.IntN(100)))
			place, err := table.group(random.Uint32(), []byte(prefix), 0, uint32(len(prefix)))
			if err != nil {
				t.Fatal(err)
			}
			g := table.at(place)
			if objects, _ := table.small(g); objects != 0 || g.bytes != 0 || g.sizes != [SizeBuckets]uint32{} {
				t.Fatalf("round %d: a new group has sums", round)
			}
			for kind := range uint16(1 + i%3) {
				c := table.kind(g, kind)
				c.objects += int64(i) + 1
			}
			g.bytes, g.sizes[2] = 1, 1
			prefixes = append(prefixes, prefix)
			places[place] = i
		}
		n := 0
		for place := range table.all {
			i, ok := places[place]
			if !ok || string(table.prefix(place)) != prefixes[i] {
				t.Fatalf("round %d: at %d lies %s", round, place, table.prefix(place))
			}
			if objects, _ := table.small(table.at(place)); objects != int64(1+i%3)*(int64(i)+1) {
				t.Fatalf("round %d: %s has %d objects", round, prefixes[i], objects)
			}
			n++
		}
		if n != len(prefixes) || table.n != n {
			t.Errorf("round %d: %d groups of %d, %d are counted", round, n, len(prefixes), table.n)
		}
		if round == 1 && table.bytes() != took {
			t.Errorf("the second round takes %d bytes, the first took %d", table.bytes(), took)
		}
		took = table.bytes()
	}
}
