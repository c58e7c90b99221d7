package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestRejectLimits(t *testing.T) {
	for _, c := range []struct {
		text           string
		rejected, read int64
		batchEnd, want bool
	}{
		{"0", 0, 10, true, false},
		{"0", 1, 10, false, true},
		{"5", 5, 10, true, false},
		{"5", 6, 10, false, true},
		{"0%", 1, 1_000_000, true, true},
		{"50%", 5, 10, true, false},
		{"50%", 6, 10, false, false},
		{"50%", 6, 10, true, true},
		{"0.5%", 5, 1000, true, false},
		{"0.5%", 6, 1000, true, true},
		{"100%", 10, 10, true, false},
		{"29%", 29, 100, true, false}, // 0.29 × 100 is less than 29 in floating point
		{"29%", 30, 100, true, true},
		{"0.07%", 7, 10_000, true, false},
	} {
		l, err := ParseRejectLimit(c.text)
		if err != nil || l.String() != c.text {
			t.Errorf("%s: %v, error %v", c.text, l, err)
		}
		if got := l.passed(c.rejected, c.read, c.batchEnd); got != c.want {
			t.Errorf("%s: %d of %d, at the end %v: %v", c.text, c.rejected, c.read, c.batchEnd, got)
		}
	}
	if (RejectLimit{}).passed(1<<60, 1<<60, true) {
		t.Error("no limit was passed")
	}
	for _, text := range []string{"", "%", "-1", "101%", "-1%", "1.5", "NaN%", "1 %", "x"} {
		if l, err := ParseRejectLimit(text); err == nil {
			t.Errorf("%q is %v", text, l)
		}
	}
}

// TestTooManyRejectsStopTheRun: batches that were committed stay, the one at hand leaves nothing, and the next run goes on.
func TestTooManyRejectsStopTheRun(t *testing.T) {
	c := newCorpus()
	for i := range 4 {
		key := fmt.Sprintf("src/%d.json.gz", i)
		text, shown := rowsOf(i*100, i*100+49)
		c.rows[key] = shown
		if i == 2 {
			text += strings.Repeat("no json\n", 30)
		}
		c.put(key, gz(t, text))
	}
	for _, limit := range []string{"29", "10%"} {
		c.clean()
		o := testOptions(t, c.store)
		o.BatchBytes = 1
		var err error
		if o.MaxRejects, err = ParseRejectLimit(limit); err != nil {
			t.Fatal(err)
		}
		sum, err := Run(context.Background(), o)
		if !errors.Is(err, errTooManyRejects) || !strings.Contains(err.Error(), "30 of the 180") || !strings.Contains(err.Error(), "invalid_json 30") || !strings.Contains(err.Error(), "src/2.json.gz at byte") {
			t.Fatalf("%s: error %v", limit, err)
		}
		if sum.Batches != 2 || len(c.store.uploads) != 0 {
			t.Errorf("%s: %+v, %d uploads", limit, sum, len(c.store.uploads))
		}
		sameRows(t, c.store, slices.Concat(c.rows["src/0.json.gz"], c.rows["src/1.json.gz"]))
		o.MaxRejects, _ = ParseRejectLimit("30")
		if sum := mustRun(t, o); sum.RowsRejected != 30 {
			t.Errorf("%s: %+v", limit, sum)
		}
		sameRows(t, c.store, slices.Concat(c.rows["src/0.json.gz"], c.rows["src/1.json.gz"], c.rows["src/2.json.gz"], c.rows["src/3.json.gz"]))
	}
}

// TestRejectsOfABrokenSourceDoNotStopTheRun: what a broken source seems to hold is not held against the others.
func TestRejectsOfABrokenSourceDoNotStopTheRun(t *testing.T) {
	c := newCorpus()
	text, shown := rowsOf(0, 49)
	c.rows["src/0.json.gz"] = shown
	c.put("src/0.json.gz", gz(t, text))
	broken := append(gz(t, strings.Repeat("no json\n", 3000)), gz(t, "{}")...)
	broken[len(broken)-5] ^= 1
	c.put("src/1.json.gz", broken)
	o := testOptions(t, c.store)
	o.BatchBytes = 1 << 30
	o.tuneBudget = func(b *budget) { b.wholeBytes, b.segmentBytes, b.chunkText, b.blockBytes = 10, 16, 1000, 1000 }
	o.MaxRejects, _ = ParseRejectLimit("5")
	if sum := mustRun(t, o); sum.RowsRejected != 0 || sum.Refused != 1 {
		t.Errorf("%+v", sum)
	}
	sameRows(t, c.store, shown)
}

// TestOnChangedFail: nothing is converted, not even of a list that is half done.
func TestOnChangedFail(t *testing.T) {
	store, _ := seeded(t)
	o := testOptions(t, store)
	o.Shards = 2
	mustRun(t, o)
	rows := visibleRows(t, store)
	o.Shard, o.FailOnChanged = 1, true
	text, _ := rowsOf(5000, 5001)
	before := store.objects["data/src/0.json.gz"]
	store.objects["data/src/0.json.gz"] = gz(t, text)
	var refused []string
	o.Refused = func(r Refusal) { refused = append(refused, r.Key+" "+r.Reason) }
	if sum, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "1 sources changed after they were converted, such as s3://data/src/0.json.gz") || sum.Batches != 0 {
		t.Errorf("%+v, error %v", sum, err)
	}
	if !slices.Contains(refused, "src/0.json.gz changed") {
		t.Errorf("refused %q", refused)
	}
	sameRows(t, store, rows)
	store.objects["data/src/0.json.gz"] = before
	// One whose batch is still to come was not converted: its batch refuses it.
	store.objects["data/src/4.json.gz"] = gz(t, text)
	if sum := mustRun(t, o); sum.Batches == 0 {
		t.Errorf("%+v", sum)
	}
}
