package inventory

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
)

// lists is a Lister of the live ones of these objects.
func lists(objects []object) pages {
	var p pages
	for _, o := range objects {
		if o.old || o.marker || o.noSize {
			continue
		}
		l := listed(o.key, o.size)
		l.LastModified, l.StorageClass = o.modified, o.class
		p.pages = append(p.pages, s3store.Page{Objects: []s3store.Object{l}})
	}
	return p
}

func TestSurveyReportEqualsTheListing(t *testing.T) {
	objects := sampleObjects()
	sel := selection(func(s *Selection) { s.MinObjects = 8 })
	var rows []row
	for _, p := range lists(objects).pages {
		for _, o := range p.Objects {
			rows = append(rows, row{o.Key, o.SizeBytes, o.LastModified, o.StorageClass})
		}
	}
	want := planOf(summedAt(t, sel, time.UnixMilli(1791075600000), rows...)).Plan()
	if len(want.Hotspots) != 2 || want.Totals.Objects != 45 {
		t.Fatalf("%d hotspots of %d objects: the sample is not what this test is about", len(want.Hotspots), want.Totals.Objects)
	}
	half := len(objects) / 2
	for _, tc := range []struct {
		name, format string
		files        [][]byte
	}{
		{"ORC", "ORC", [][]byte{orcData(t, "source", objects, 1000)}},
		{"ORC of many stripes and files", "ORC", [][]byte{orcData(t, "source", objects[:half], 7), orcData(t, "source", objects[half:], 1)}},
		{"gzip CSV", "CSV", [][]byte{gzipped(csvData(objects))}},
		{"plain CSV", "CSV", [][]byte{csvData(objects)}},
		{"CSV of many files and gzip members", "CSV", [][]byte{
			append(gzipped(csvData(objects[:5])), gzipped(csvData(objects[5:half]))...), csvData(objects[half:]), {}, gzipped(nil),
		}},
	} {
		for _, concurrency := range []int{0, 1, 3} {
			tr := newTree(t, tc.format, tc.files...)
			var m meter
			got, err := planOfReport(t.Context(), nil, tr.config(), sel, ReportOptions{Concurrency: concurrency, Progress: &m, VerifyChecksums: true})
			if err != nil {
				t.Errorf("%s, %d at once: %v", tc.name, concurrency, err)
				continue
			}
			source := Source{Kind: "inventory", Report: tr.manifestPath(), ID: "daily", Created: time.UnixMilli(1791075600000).UTC(), Format: tc.format, Ignored: 4,
				Unreported: []string{"EncryptionStatus", "IntelligentTieringAccessTier", "ObjectLockMode", "ReplicationStatus"}}
			if d := cmp.Diff(source, got.Source); d != "" {
				t.Errorf("%s: source (-want +got):\n%s", tc.name, d)
			}
			got.Source, got.Bucket = want.Source, want.Bucket
			timeless(&got.PlanHeader)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, %d at once (-want +got):\n%s", tc.name, concurrency, d)
			}
			if m.objects != int64(len(objects)) || m.totalBytes == 0 || tc.format == "CSV" && m.bytes != m.totalBytes {
				t.Errorf("%s: progress of %d rows and %d bytes, want %d rows of %d bytes", tc.name, m.objects, m.bytes, len(objects), m.totalBytes)
			}
		}
	}
}

func TestReportsAreFound(t *testing.T) {
	objects := sampleObjects()
	from := func(location string) (*Plan, string, error) {
		var log bytes.Buffer
		p, err := planOfReport(t.Context(), nil, location, selection(nil), ReportOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
		return p, log.String(), err
	}
	tr := newTree(t, "CSV", csvData(objects))

	t.Run("newest complete", func(t *testing.T) {
		tr.write(configFolder+"/2026-10-05T01-00Z/"+manifestName, []byte("{half"))
		tr.write(configFolder+"/2026-10-06T01-00Z/"+checksumName, []byte("alone"))
		tr.manifest.CreationTimestamp = "1"
		tr.writeManifest("2026-10-03T01-00Z")
		p, log, err := from(tr.config())
		if err != nil || p.Source.Report != tr.manifestPath() {
			t.Fatalf("error %v, report %v, want %s", err, p, tr.manifestPath())
		}
		for _, skipped := range []string{"2026-10-05T01-00Z", "2026-10-06T01-00Z"} {
			if !strings.Contains(log, "level=WARN") || !strings.Contains(log, skipped) {
				t.Errorf("no warning of the incomplete report %s in the log:\n%s", skipped, log)
			}
		}
	})
	t.Run("folder of a report", func(t *testing.T) {
		p, _, err := from(filepath.Dir(tr.manifestPath()))
		if err != nil || p.Source.Report != tr.manifestPath() || p.Source.ID != "daily" {
			t.Errorf("error %v, plan %+v", err, p)
		}
	})
	t.Run("manifest without checksum", func(t *testing.T) {
		tr.remove(configFolder + "/" + reportName + "/" + checksumName)
		p, log, err := from(tr.manifestPath())
		if err != nil || p.Totals.Objects != 45 || !strings.Contains(log, "manifest.checksum is missing") {
			t.Errorf("error %v, log %s", err, log)
		}
	})
	t.Run("data beside the manifest", func(t *testing.T) {
		dir := t.TempDir()
		for name, to := range map[string]string{tr.manifestPath(): manifestName, tr.path(configFolder + "/data/0.csv"): "0.csv"} {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, to), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, _, err := from(filepath.Join(dir, manifestName))
		if err != nil || p.Totals.Objects != 45 || p.Source.ID != "" {
			t.Errorf("error %v, plan %+v", err, p)
		}
	})
	t.Run("relative path", func(t *testing.T) {
		t.Chdir(filepath.Dir(tr.manifestPath()))
		if p, _, err := from(manifestName); err != nil || p.Totals.Objects != 45 {
			t.Errorf("error %v, plan %+v", err, p)
		}
	})
	t.Run("no objects", func(t *testing.T) {
		empty := newTree(t, "ORC")
		if p, _, err := from(empty.config()); err != nil || p.Totals != (Totals{}) {
			t.Errorf("error %v, plan %+v", err, p)
		}
	})
}

func TestSurveyReportRefuses(t *testing.T) {
	objects := sampleObjects()
	orcFile, csvFile := orcData(t, "source", objects, 10), csvData(objects)
	data := configFolder + "/data/0."
	remanifest := func(change func(*manifest)) func(*tree) {
		return func(tr *tree) { change(&tr.manifest); tr.writeManifest(reportName) }
	}
	// redo replaces the data file by other bytes, with a manifest that knows them.
	redo := func(b []byte) func(*tree) {
		return func(tr *tree) { other := newTree(tr.t, tr.manifest.FileFormat, b); *tr = *other }
	}
	damage := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 0x40
		return b
	}
	for _, tc := range []struct {
		name, format string
		change       func(*tree)
		want         []string
	}{
		{"data file missing", "ORC", func(tr *tree) { tr.remove(data + "orc") }, []string{"data/0.orc", manifestName, "it is missing"}},
		{"data file is a folder", "ORC", func(tr *tree) { tr.remove(data + "orc"); tr.write(data+"orc/x", nil) }, []string{"it is missing"}},
		{"data file cut", "CSV", func(tr *tree) { tr.write(data+"csv", csvFile[:100]) }, []string{"has 100 bytes, but the manifest says"}},
		{"ORC damaged", "ORC", func(tr *tree) { tr.write(data+"orc", damage(orcFile, 200)) }, []string{"data/0.orc", "MD5", "the manifest says"}},
		{"CSV damaged", "CSV", func(tr *tree) { tr.write(data+"csv", damage(csvFile, 4)) }, []string{"data/0.csv", "MD5"}},
		{"CSV damaged so that it can't be read", "CSV", func(tr *tree) { tr.write(data+"csv", damage(csvFile, 0)) }, []string{"MD5", "line 1"}},
		{"ORC corrupt", "ORC", redo(damage(orcFile, len(orcFile)-5)), []string{"data/0.orc", manifestName, "orc"}},
		{"no ORC", "ORC", redo([]byte("PAR1 this is no ORC file PAR1")), []string{"data/0.orc", "orc"}},
		{"ORC with an impossible time", "ORC", redo(orcData(t, "source", []object{{key: "a", modified: time.Unix(1<<40, 0)}}, 1)), []string{"data/0.orc", "row 0", "9999"}},
		{"gzip cut", "CSV", redo(gzipped(csvFile)[:300]), []string{"data/0.csv", "unexpected EOF"}},
		{"bytes behind the gzip", "CSV", redo(append(gzipped(csvFile), "junk"...)), []string{"data/0.csv", "gzip"}},
		{"few fields", "CSV", redo([]byte("\"source\",\"a\"\n")), []string{"line 1", "2 fields, but fileSchema names 11 columns"}},
		{"bad size", "CSV", redo(bytes.Replace(csvFile, []byte(`"1000"`), []byte(`"1k"`), 1)), []string{"line 1", `size "1k"`}},
		{"bad time", "CSV", redo(bytes.Replace(csvFile, []byte(`2026-10-03T12:01`), []byte(`2026-10-03 12:01`), 1)), []string{"line 2", "RFC 3339"}},
		{"time that no plan can hold", "CSV", redo(bytes.Replace(csvFile, []byte(`2026-10-03T12:01:00.123Z`), []byte(`9999-12-31T23:59:59-01:00`), 1)), []string{"line 2", "9999"}},
		{"bad key", "CSV", redo(bytes.Replace(csvFile, []byte(`app%2Flogs%2F02`), []byte(`app%2Flogs%2G02`), 1)), []string{"line 3", "not URL-encoded"}},
		{"bad flag", "CSV", redo(bytes.Replace(csvFile, []byte(`"true"`), []byte(`"yes"`), 1)), []string{"line 1", "neither true nor false"}},
		{"missing column", "CSV", remanifest(func(m *manifest) { m.FileSchema = "Bucket, Key, Size, ETag" }),
			[]string{"lastmodifieddate is missing", "inventory configuration", "data/0.csv", manifestName}},
		{"column twice", "CSV", remanifest(func(m *manifest) { m.FileSchema += ", size" }), []string{"twice"}},
		{"wrong checksum of the manifest", "CSV", func(tr *tree) { tr.write(configFolder+"/"+reportName+"/"+checksumName, []byte("0123\n")) },
			[]string{manifestName, `manifest.checksum says "0123"`, "fetch the report again"}},
		{"unknown format", "CSV", remanifest(func(m *manifest) { m.FileFormat = "Avro" }), []string{`"Avro"`, "ORC, Parquet and CSV are read", manifestName}},
		{"no Parquet", "CSV", remanifest(func(m *manifest) { m.FileFormat = "Parquet" }), []string{"data/0.csv", "parquet:"}},
		{"file twice", "CSV", remanifest(func(m *manifest) { m.Files = append(m.Files, m.Files[0]) }), []string{"named twice"}},
		{"file with a path", "CSV", remanifest(func(m *manifest) { m.Files[0].Key = "../../x" }), []string{"not looked for"}},
		{"no MD5", "CSV", remanifest(func(m *manifest) { m.Files[0].MD5 = "x" }), []string{"no MD5"}},
		{"no time", "CSV", remanifest(func(m *manifest) { m.CreationTimestamp = "yesterday" }), []string{"creationTimestamp"}},
		{"no reports", "CSV", func(tr *tree) { tr.remove(configFolder + "/" + reportName) }, []string{"no complete report", "data, hive"}},
		{"no folder", "CSV", func(tr *tree) { tr.remove(configFolder) }, []string{"no such file"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := orcFile
			if tc.format == "CSV" {
				b = csvFile
			}
			tr := newTree(t, tc.format, b)
			tc.change(tr)
			p, err := planOfReport(t.Context(), nil, tr.config(), selection(nil), ReportOptions{Concurrency: 2})
			if p != nil || err == nil {
				t.Fatalf("plan %v, error %v, want an error", p, err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestSurveyReportStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the user")
	cancel(stopped)
	for _, format := range []string{"CSV", "ORC"} {
		b := csvData(sampleObjects())
		if format == "ORC" {
			b = orcData(t, "source", sampleObjects(), 10)
		}
		p, err := planOfReport(ctx, nil, newTree(t, format, b).config(), selection(nil), ReportOptions{})
		if p != nil || !errors.Is(err, stopped) {
			t.Errorf("%s: plan %v, error %v", format, p, err)
		}
	}
}

func TestValidateLocation(t *testing.T) {
	for location, want := range map[string]string{
		"s3://b/x/daily/":               "",
		"s3://b/":                       "",
		"s3://b":                        "",
		"s3://b/x/manifest.json":        "",
		"s3://b/manifest.json":          "",
		"reports/daily":                 "",
		"s3://b/x/daily":                "close a folder with a slash (s3://b/x/daily/)",
		"s3://b/x/not-a-manifest.json2": "names neither",
		"s3:///x/":                      "names no bucket",
		"":                              "empty",
	} {
		err := ValidateLocation(location)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", location, err, want)
		}
	}
}
