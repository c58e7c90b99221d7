package compactor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

func TestPlanAbsorption(t *testing.T) {
	output := func(name string, size int64, contentType string) absorbable {
		return absorbable{receipt.OutputRef{Key: name, Size: size}, receipt.Output{Attributes: s3store.Attributes{ContentType: contentType, StorageClass: "STANDARD"}}}
	}
	const mib = 1 << 20
	for _, tt := range []struct {
		name string
		all  []absorbable
		want []string
	}{
		{"nothing", nil, nil},
		{"one", []absorbable{output("a.gz", 10, "")}, nil},
		{"two of one size", []absorbable{output("b.gz", 10, ""), output("a.gz", 10, "")}, []string{"a.gz", "b.gz"}},
		{"a small one beside a large one", []absorbable{output("a.gz", 10, ""), output("b.gz", 1, "")}, nil},
		{"two small ones beside a large one", []absorbable{output("a.gz", 10, ""), output("b.gz", 1, ""), output("c.gz", 1, "")}, []string{"b.gz", "c.gz"}},
		{"enough small ones", []absorbable{output("a.gz", 4, ""), output("b.gz", 2, ""), output("c.gz", 1, ""), output("d.gz", 1, "")}, []string{"a.gz", "b.gz", "c.gz", "d.gz"}},
		{"no more than fit", []absorbable{output("a.gz", 40*mib, ""), output("b.gz", 30*mib, ""), output("c.gz", 31*mib, "")}, []string{"b.gz", "c.gz"}},
		{"those to be copied come first", []absorbable{output("a.gz", 4*mib, ""), output("b.gz", 6*mib, ""), output("c.gz", 5*mib, "")}, []string{"b.gz", "c.gz", "a.gz"}},
		{"other headers", []absorbable{output("a.gz", 10, "x"), output("b.gz", 10, "y")}, nil},
		{"other partitions", []absorbable{output("dt=1/a.gz", 10, ""), output("dt=2/b.gz", 10, "")}, nil},
		{"other extensions", []absorbable{output("a.json.gz", 10, ""), output("b.log.gz", 10, "")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, a := range planAbsorption(tt.all, "", 64*mib, minCopyBytes) {
				got = append(got, a.ref.Key)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("absorbs %q, want %q", got, tt.want)
			}
		})
	}
}

// TestIncrementsCostNLogN: an increment a day, each of them compacted again only so often.
func TestIncrementsCostNLogN(t *testing.T) {
	const days, target = 1000, 1 << 30
	var live []absorbable
	var rewritten, most int
	for day := range days {
		live = append(live, absorbable{receipt.OutputRef{Key: fmt.Sprintf("d/%04d.gz", day), Size: 100}, receipt.Output{}})
		for {
			chosen := planAbsorption(live, "", target, minCopyBytes)
			if chosen == nil {
				break
			}
			merged := absorbable{ref: receipt.OutputRef{Key: fmt.Sprintf("d/%04d-%d.gz", day, len(live))}}
			for _, c := range chosen {
				merged.ref.Size += c.ref.Size
				rewritten += int(c.ref.Size)
				live = slices.DeleteFunc(live, func(a absorbable) bool { return a.ref.Key == c.ref.Key })
			}
			live = append(live, merged)
		}
		most = max(most, len(live))
	}
	if most > 18 || rewritten > days*100*18 { // the logarithm of 1000 to the base 1.5 is 17
		t.Errorf("%d outputs at once and %d bytes written again for %d days of 100 bytes", most, rewritten, days)
	}
}

// addDay writes objects of another day and returns their records with those before.
func addDay(b *bucket, day int) {
	for i := range 3 {
		b.put(fmt.Sprintf("app/day%02d-%d.json.gz", day, i), gz(record("app/", 1000*day+i, 1)))
	}
}

func TestOutputsAreCompactedAgain(t *testing.T) {
	b := newBucket(t)
	for day := range 9 {
		addDay(b, day)
		before := b.records("")
		sum, refused := b.mustCompact(b.options(), "app/")
		if sum.ObjectsIn != 3 || sum.ObjectsDeleted != 3 || len(refused) != 0 {
			t.Errorf("day %d: %+v, refused %v", day, sum, refused)
		}
		sameRecords(t, fmt.Sprintf("day %d", day), before, b.records(""))
		if n := len(b.outputs("app/")); n > 4 {
			t.Errorf("day %d: %d outputs", day, n)
		}
		verify(t, b, int64(len(b.outputs("app/"))), 0)
	}
	again, _ := b.mustCompact(b.options(), "app/")
	if again.Outputs != 0 || again.OutputsAbsorbed != 0 {
		t.Errorf("nothing is left to be done, but %+v", again)
	}
}

// TestLargeOutputsAreCopied: what has 5 MiB and more is not read.
func TestLargeOutputsAreCopied(t *testing.T) {
	for _, where := range []string{"beside", "dest"} {
		t.Run(where, func(t *testing.T) {
			b := newBucket(t)
			o := b.options()
			o.Selection.SmallSizeBytes = 16 << 20
			prefix := "app/"
			if where == "dest" {
				o.Dest = &s3store.Location{Bucket: b.name, Key: "joined/"}
				prefix = "joined/app/"
			}
			ops := map[string]int{}
			f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
				if _, _, ok := receipt.ParseOutputName(c.key); ok {
					ops[c.op]++
				}
				return true, nil
			}}
			want := map[string]int{}
			for day := range 2 {
				for i := range 2 {
					b.put(fmt.Sprintf("app/%d-%d.json.gz", day, i), noise(uint64(10*day+i), 3<<20))
				}
				maps.Copy(want, b.records("app/"))
				if _, refused, err := b.compact(f, o, "app/"); err != nil || len(refused) != 0 {
					t.Fatalf("%v, refused %v", err, refused)
				}
			}
			if ops["copy"] != 2 || ops["get"] != 0 || ops["delete"] == 0 {
				t.Errorf("requests of outputs: %v, want 2 copies, no get", ops)
			}
			sameRecords(t, "in the end", want, b.records(""))
			if got := b.outputs(prefix); len(got) != 1 || len(b.outputs("")) != 1 {
				t.Errorf("outputs: %v", b.outputs(""))
			}
			verify(t, b, 1, 0)
		})
	}
}

// TestEndpointWithoutCopies: outputs are read where parts can't be copied.
func TestEndpointWithoutCopies(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "copy" {
			return false, fmt.Errorf("copy: %w", s3store.ErrUnsupported)
		}
		return true, nil
	}}
	want := map[string]int{}
	for day := range 2 {
		for i := range 8 {
			b.put(fmt.Sprintf("app/%d-%d.json.gz", day, i), noise(uint64(10*day+i), 900_000))
		}
		maps.Copy(want, b.records("app/"))
		if _, refused, err := b.compact(f, o, "app/"); err != nil || len(refused) != 0 {
			t.Fatalf("%v, refused %v", err, refused)
		}
	}
	sameRecords(t, "in the end", want, b.records(""))
	verify(t, b, 1, 0)
}

// twoOutputs is a group with two live outputs that are worth to be compacted again.
func twoOutputs(t *testing.T) (b *bucket, before map[string]int) {
	t.Helper()
	b = newBucket(t)
	addDay(b, 1)
	b.mustCompact(b.options(), "app/")
	addDay(b, 2)
	before = b.records("")
	creates := 0
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "create" && strings.HasPrefix(c.key, "app/") {
			creates++
		}
		return creates < 2, map[bool]error{true: errLost}[creates >= 2]
	}}
	if _, _, err := b.compact(f, b.options(), "app/"); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	if n := len(b.outputs("app/")); n != 2 {
		t.Fatalf("%d outputs", n)
	}
	return b, before
}

func TestKilledWhileOutputsAreCompactedAgain(t *testing.T) {
	b, _ := twoOutputs(t)
	f := &faultyStore{Client: b.store}
	if _, _, err := b.compact(f, b.options(), "app/"); err != nil {
		t.Fatal(err)
	}
	calls := f.calls
	for _, carriedOut := range []bool{false, true} {
		for n, c := range calls {
			reads := c.op == "list" || c.op == "get" || c.op == "head" || c.op == "probe"
			if strings.Contains(c.key, "canary") || reads && carriedOut {
				continue
			}
			b, before := twoOutputs(t)
			f := &faultyStore{Client: b.store, before: func(i int, _ call) (bool, error) {
				if i < n {
					return true, nil
				}
				return i == n && carriedOut, errLost
			}}
			_, _, _ = b.compact(f, b.options(), "app/")
			when := fmt.Sprintf("killed at request %d (%v), carried out: %t", n, c, carriedOut)
			nothingLost(t, when, before, b.records(""))
			if refused := compactSettled(t, when, b); len(refused) != 0 {
				t.Fatalf("%s: refused %v", when, refused)
			}
			sameRecords(t, when, before, b.records(""))
			if n := len(b.outputs("app/")); n != 1 {
				t.Fatalf("%s: %d outputs are left", when, n)
			}
			verify(t, b, 1, 0)
		}
	}
}

// TestOutputChangedBeforeItIsCompactedAgain: what somebody put in its place stays.
func TestOutputChangedBeforeItIsCompactedAgain(t *testing.T) {
	b, _ := twoOutputs(t)
	key := b.outputs("app/")[0]
	fresh := gz(record("other", 1, 1))
	b.put(key, fresh)
	_, _, err := b.compact(b.store, b.options(), "app/")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.outputs("app/")) != 2 || string(b.get(key)) != string(fresh) {
		t.Errorf("outputs are %v", b.outputs("app/"))
	}
}

// TestOutputChangedBeforeItsDelete: both versions stay, and it is told.
func TestOutputChangedBeforeItsDelete(t *testing.T) {
	b, before := twoOutputs(t)
	key := b.outputs("app/")[0]
	fresh := record("other", 1, 1)
	f := onCall(b, "delete", key, func() { b.put(key, gz(fresh)) })
	_, refused, err := b.compact(f, b.options(), "app/")
	if err != nil {
		t.Fatal(err)
	}
	before[fresh] = 1
	sameRecords(t, "in the end", before, b.records(""))
	if refused[key] == "" {
		t.Errorf("refused %v", refused)
	}
}

func TestKeptOutputsAreNotAbsorbed(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Keep = true
	for day := range 3 {
		addDay(b, day)
		b.mustCompact(o, "app/")
	}
	if n := len(b.outputs("app/")); n != 3 {
		t.Fatalf("%d outputs with --keep-originals", n)
	}
	addDay(b, 4)
	b.mustCompact(b.options(), "app/")
	if n := len(b.outputs("app/")); n != 4 {
		t.Errorf("%d outputs after a run without it: those whose members are kept must stay", n)
	}
}

// TestAbsorbedReceiptsKeepLineage: the entry names the absorbed outputs, with their commits, and no originals of theirs.
func TestAbsorbedReceiptsKeepLineage(t *testing.T) {
	b, _ := twoOutputs(t)
	b.mustCompact(b.options(), "app/")
	entries := b.entries("app/")
	commit, done := entries[len(entries)-2], entries[len(entries)-1]
	if commit.Kind != receipt.Commit || len(commit.Members) != 2 || len(done.Live) != 1 || done.Live[0].Commit != commit.Number {
		t.Fatalf("commit %+v, done %+v", commit, done)
	}
	for _, m := range commit.Members {
		of := entries[m.Commit-1]
		if !m.Absorbed() || of.Outputs[0].Key != m.Key || of.Outputs[0].CRC64 != m.CRC64 || len(of.Members) != 3 {
			t.Errorf("member %+v of entry %+v", m, of)
		}
	}
}
