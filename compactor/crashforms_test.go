package compactor

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestFormsKilledAtEveryRequest kills runs that compress at each of their requests
// in turn, every other one carried out. Reruns put everything right, and plain text
// comes back byte for byte.
func TestFormsKilledAtEveryRequest(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"plain text":   func(*Options) {},
		"recompressed": func(o *Options) { o.Recompress, o.AcceptContentOnly = 6, true },
	} {
		t.Run(name, func(t *testing.T) {
			scene := func() (b *bucket, o Options, originals map[string][]byte) {
				b = newBucket(t)
				b.put("app/0.json.gz", gz(record("app/", 0, 1)))
				for i := 1; i < 4; i++ {
					b.put(fmt.Sprintf("app/%d.json", i), []byte(record("app/", i, 1)+"\n"))
				}
				b.put("app/open.json", []byte(record("app/", 100, 1)))
				o = b.textOptions()
				change(&o)
				return b, o, b.bodies()
			}
			b, o, _ := scene()
			undisturbed := &faultyStore{Client: b.store}
			if _, _, err := b.compact(undisturbed, o, "app/"); err != nil {
				t.Fatal(err)
			}
			for n := range undisturbed.calls {
				carriedOut := (n%2 == 1) != (o.Recompress > 0)
				when := fmt.Sprintf("killed at request %d, carried out: %t", n, carriedOut)
				b, o, originals := scene()
				f := &faultyStore{Client: b.store, before: func(i int, _ call) (bool, error) {
					switch {
					case i < n:
						return true, nil
					case i == n:
						return carriedOut, errLost
					}
					return false, errLost
				}}
				_, _, _ = b.compact(f, o, "app/")
				nothingLost(t, when, countLines(originals), countLines(b.bodies()))
				for tries := 0; ; tries++ {
					_, _, err := b.compact(b.store, o, "app/")
					if err == nil {
						break
					}
					if !errors.Is(err, ErrWaiting) || tries == 100 {
						t.Fatalf("%s: the rerun: %v", when, err)
					}
					time.Sleep(50 * time.Millisecond)
				}
				sameRecords(t, when, countLines(originals), countLines(b.bodies()))
				if left := b.bodies(); len(left) != 1 {
					t.Fatalf("%s: %d objects are left", when, len(left))
				}
				if o.Recompress == 0 && n%8 < 2 {
					b.mustRestore(b.restoreOptions())
					sameBodies(t, when, originals, b.bodies())
				}
			}
		})
	}
}

// bodies are all objects of app/.
func (b *bucket) bodies() map[string][]byte {
	b.t.Helper()
	all := map[string][]byte{}
	for key := range b.list("app/") {
		all[key] = b.get(key)
	}
	return all
}

func sameBodies(t *testing.T, when string, want, got map[string][]byte) {
	t.Helper()
	for key, body := range want {
		if string(got[key]) != string(body) {
			t.Fatalf("%s: %s is not as it was", when, key)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d objects, want %d", when, len(got), len(want))
	}
}
