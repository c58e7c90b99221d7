package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/inventory"
)

// TestForecastIsWhatCompactSends holds the requests of an estimate against those
// that compact sends for it: they differ by the start of the run alone, which is
// the same whatever there is to do.
func TestForecastIsWhatCompactSends(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	type requests struct{ Get, Put, List, Head int64 }
	// run is what was forecast for the data, and what was sent beyond it.
	run := func(t *testing.T, spec demodata.Spec, selection ...string) (forecast inventory.Compacting, beyond requests) {
		t.Helper()
		bucket := server.Bucket(t)
		if _, err := spec.Generate(context.Background(), demodata.ToBucket(server.Client(), bucket)); err != nil {
			t.Fatal(err)
		}
		where := "s3://" + bucket + "/"
		plan := where + "_plans/plan.jsonl"
		found := s3compact(append([]string{"hotspots", "--listing", where, "--match", "*.gz", "--plan", plan, "--output", "json"}, selection...)...)
		if found.code != exitDone {
			t.Fatalf("hotspots: %+v", found)
		}
		var summary struct{ Estimate inventory.Estimate }
		decode(t, found.summary(t), &summary)
		done := s3compact("compact", "--plan", plan, "--yes", "--min-age", "0s", "--output", "json")
		if done.code != exitDone {
			t.Fatalf("compact: %+v", done)
		}
		var sent struct {
			Requests s3store.Requests
			Outputs  int64
			In       int64 `json:"objects_in"`
		}
		decode(t, done.summary(t), &sent)
		e, r := summary.Estimate.Compacting, sent.Requests
		if sent.In != e.Objects || sent.Outputs != e.Outputs {
			t.Errorf("compact joined %d objects into %d, forecast %d into %d", sent.In, sent.Outputs, e.Objects, e.Outputs)
		}
		return e, requests{r.Get - e.Get, r.Put - e.Put, r.List - e.List, r.Head - e.Head}
	}
	var start requests
	for i, tc := range []struct {
		name      string
		spec      demodata.Spec
		selection []string
	}{
		{"one small group", demodata.Small(1, 10, 1<<10), nil},
		{"many groups", demodata.Small(9, 30, 4<<10), nil},
		{"parts", demodata.Small(2, 12, 2<<20), nil},
		{"several outputs", demodata.Small(2, 12, 1<<20), []string{"--target-size", "5MiB"}},
		{"several pages", demodata.Small(1, 2300, 512), nil},
		{"grouped by depth", demodata.Small(4, 25, 2<<10), []string{"--group-by", "depth=1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, beyond := run(t, tc.spec, tc.selection...)
			if i == 0 {
				start = beyond
			}
			if beyond != start {
				t.Errorf("beyond the forecast %+v compact sent %+v, for one small group %+v", e, beyond, start)
			}
		})
	}
}

// decode reads a line of JSON, as it was decoded once, into v.
func decode(t *testing.T, line map[string]any, v any) {
	t.Helper()
	b, err := json.Marshal(line)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}
