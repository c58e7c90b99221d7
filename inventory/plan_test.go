package inventory

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/s3compact/s3compact/internal/s3store"
)

func samplePlan(t testing.TB) *Plan {
	t.Helper()
	at := time.Date(2026, 10, 3, 1, 2, 3, 0, time.UTC)
	g := summed(t, selection(nil), row{"a/1", 5, at, "STANDARD"}, row{"a/<2>&", 6, at, "STANDARD"}, row{"b/ü/1", 7, at, "GLACIER"}, row{"c", 8, at, "STANDARD"})
	return newSurvey("bucket", "", Source{Kind: "inventory", Report: "s3://reports/manifest.json", ID: "daily", Created: at, Format: "ORC"}, g).Plan()
}

func written(t testing.TB, p *Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanReadsBackAsWritten(t *testing.T) {
	want := samplePlan(t)
	got, err := ReadPlan(strings.NewReader(written(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("plan (-written +read):\n%s", d)
	}
}

func TestPlanWithoutHotspotsIsFine(t *testing.T) {
	p, err := ReadPlan(strings.NewReader(written(t, planOf(summed(t, selection(nil))).Plan())))
	if err != nil || len(p.Hotspots) != 0 {
		t.Errorf("%d hotspots, error %v", len(p.Hotspots), err)
	}
}

func TestReadPlanRefuses(t *testing.T) {
	whole := written(t, samplePlan(t))
	lines := strings.SplitAfter(whole, "\n")
	for _, tc := range []struct{ name, plan, want string }{
		{"nothing", "", "empty"},
		{"no header", strings.Join(lines[1:], ""), "no plan header"},
		{"no JSON", "PK\x03\x04", "no plan header"},
		{"another version", strings.Replace(whole, `"version":1`, `"version":2`, 1), "version 2, but this s3compact reads version 1"},
		{"cut at a line", strings.Join(lines[:2], ""), "the file is cut"},
		{"cut in a line", whole[:len(whole)-20], "line 4"},
		{"one more line", whole + lines[1], "twice"},
		{"no bucket", strings.Replace(whole, `"bucket":"bucket"`, `"bucket":""`, 1), "no bucket"},
		{"bad thresholds", strings.Replace(whole, `"min_objects":1`, `"min_objects":0`, 1), "thresholds"},
		{"bad grouping", strings.Replace(whole, `"group_by":"dir"`, `"group_by":"file"`, 1), "write dir, or depth=N"},
		{"another version's types", strings.Replace(whole, `"version":1`, `"version":2,"bucket":["a","b"]`, 1), "version 2"},
		{"no slash", strings.Replace(whole, `"prefix":"a/"`, `"prefix":"a"`, 1), "does not end in a slash"},
		{"no group", strings.Replace(strings.Replace(whole, `"group_by":"dir"`, `"group_by":"depth=1"`, 1), `"prefix":"c/"`, `"prefix":"c/d/"`, 1), "no group of depth=1"},
		{"outside", strings.Replace(whole, `"scope":""`, `"scope":"z/"`, 1), `outside the plan's scope "z/"`},
		{"another type", strings.Replace(whole, `"type":"hotspot"`, `"type":"coldspot"`, 1), `"coldspot"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := ReadPlan(strings.NewReader(tc.plan))
			if p != nil || !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("plan %v, error %v, want an ErrPlan that says %q", p != nil, err, tc.want)
			}
		})
	}
}

// planStore is a Getter of one object.
type planStore struct{ key, body string }

func (s planStore) Get(_ context.Context, bucket, key string, _ s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	if bucket+"/"+key != s.key {
		return nil, s3store.Info{}, s3store.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(s.body)), s3store.Info{}, nil
}

// loadPlan loads a plan with all its hotspots.
func loadPlan(t *testing.T, store Getter, location string) (*Plan, error) {
	p := &Plan{}
	header, err := LoadPlan(t.Context(), store, location, func(h *Hotspot) error {
		p.Hotspots = append(p.Hotspots, *h)
		return nil
	})
	if err == nil {
		p.PlanHeader = *header
	}
	return p, err
}

func TestScanPlanStopsWhereItIsTold(t *testing.T) {
	enough, n := errors.New("enough"), 0
	_, err := ScanPlan(strings.NewReader(written(t, samplePlan(t))), func(*Hotspot) error {
		if n++; n == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || errors.Is(err, ErrPlan) || n != 2 {
		t.Errorf("%d hotspots, error %v", n, err)
	}
}

func TestLoadPlan(t *testing.T) {
	want := samplePlan(t)
	text := written(t, want)
	path := filepath.Join(t.TempDir(), "plan.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store := planStore{"bucket/plans/1", text}
	for _, location := range []string{path, "s3://bucket/plans/1"} {
		got, err := loadPlan(t, store, location)
		if err != nil {
			t.Errorf("%s: %v", location, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-written +read):\n%s", location, d)
		}
	}
	for location, wantErr := range map[string]string{
		path + ".absent":         "no such file",
		"s3://bucket/plans/2":    "not found",
		"s3://bucket/plans/":     "is a folder",
		"s3:///plans/1":          "names no bucket",
		filepath.Dir(path) + "/": "is a directory",
	} {
		if _, err := loadPlan(t, store, location); err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: error %v, want one that says %q", location, err, wantErr)
		}
	}
	_, err := loadPlan(t, planStore{"bucket/plans/1", text[:100]}, "s3://bucket/plans/1")
	if !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), "s3://bucket/plans/1") {
		t.Errorf("a cut plan: error %v, want an ErrPlan that names the plan", err)
	}
}

func FuzzReadPlan(f *testing.F) {
	whole := written(f, samplePlan(f))
	f.Add([]byte(whole))
	f.Add([]byte(whole[:len(whole)/2]))
	f.Add([]byte(strings.Replace(whole, `"prefix":"a/"`, `"prefix":"a"`, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadPlan(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := ReadPlan(strings.NewReader(written(t, p)))
		if err != nil {
			t.Fatalf("a plan that was read does not read again: %v", err)
		}
		if d := cmp.Diff(p, again, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("plan (-first +second reading):\n%s", d)
		}
	})
}
