package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/demodata/report"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// pipelineLake is a lake with an inventory, a bucket for tables and a pipeline
// over them, which lies in the bucket of the tables.
type pipelineLake struct {
	*lake
	reports, tables string // buckets
	days            int    // reports so far
	file, text      string // the pipeline's location, and what it says
}

func newPipelineLake(t *testing.T) *pipelineLake {
	t.Helper()
	l := &pipelineLake{lake: newLake(t)}
	server := s3test.Start(t)
	l.reports, l.tables = server.Bucket(t), server.Bucket(t)
	l.put(l.tables, "_schemas/app.yaml", []byte(logSchema))
	l.report()
	l.write(fmt.Sprintf(`version: 1
name: app-logs
hotspots:
  inventory: s3://%s/inventory/%s/daily/
  match: "*.gz"
compact:
  min-age: 0s
convert:
  sources: [s3://%[2]s/]
  to: s3://%[3]s/app/
  schema: s3://%[3]s/_schemas/app.yaml
batch:
  queue: spot
  image: REGISTRY/s3compact:1.0
  array-size: 100
`, l.reports, l.bucket, l.tables))
	return l
}

// write puts a pipeline where everybody finds it.
func (l *pipelineLake) write(text string) {
	l.put(l.tables, "_pipelines/app.yaml", []byte(text))
	l.file, l.text = "s3://"+l.tables+"/_pipelines/app.yaml", text
}

// edit changes the pipeline in one place.
func (l *pipelineLake) edit(old, changed string) { l.write(strings.Replace(l.text, old, changed, 1)) }

func (l *pipelineLake) put(bucket, key string, body []byte) {
	l.t.Helper()
	if _, err := l.store.Put(l.t.Context(), bucket, key, body, s3store.PutOptions{}); err != nil {
		l.t.Fatal(err)
	}
}

// report publishes the inventory report of another day.
func (l *pipelineLake) report() {
	l.t.Helper()
	client := s3test.Start(l.t).Client()
	r := report.Report{
		SourceBucket: l.bucket, DestinationBucket: l.reports, Prefix: "inventory", ConfigID: "daily", Format: report.ORC,
		Created: time.Date(2026, 10, 4+l.days, 1, 0, 0, 0, time.UTC),
	}
	l.days++
	if _, err := r.Write(l.t.Context(), report.List(l.t.Context(), client, l.bucket, false), demodata.ToBucket(client, l.reports)); err != nil {
		l.t.Fatal(err)
	}
}

// add puts new objects of one record each under a prefix.
func (l *pipelineLake) add(prefix string, objects int) {
	l.t.Helper()
	for i := range objects {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		fmt.Fprintf(w, `{"time":"2026-10-20T00:00:%02dZ","app_id":7,"request_id":"%s%d","status":200}`+"\n", i, prefix, i)
		if err := w.Close(); err != nil {
			l.t.Fatal(err)
		}
		l.put(l.bucket, fmt.Sprintf("%snew-%03d.json.gz", prefix, i), b.Bytes())
	}
}

// run carries the pipeline out.
func (l *pipelineLake) run(args ...string) ran {
	return ran{l.t, s3compact(append([]string{"run", l.file, "--output", "json"}, args...)...)}
}

// keys are those of all three buckets with their ETags.
func (l *pipelineLake) keys() map[string]string {
	l.t.Helper()
	all := map[string]string{}
	for _, bucket := range []string{l.bucket, l.reports, l.tables} {
		one := lake{t: l.t, bucket: bucket, store: l.store}
		for key, o := range one.list() {
			all[bucket+"/"+key] = o.ETag
		}
	}
	return all
}

// plans are the keys of the pipeline's plans.
func (l *pipelineLake) plans() []string {
	l.t.Helper()
	all := slices.Sorted(maps.Keys(l.list()))
	return slices.DeleteFunc(all, func(key string) bool { return !strings.HasPrefix(key, "_s3compact/pipelines/app-logs/") })
}

// ran is a run of a pipeline with JSON lines.
type ran struct {
	t *testing.T
	result
}

// ending is the line that closes the output.
func (r ran) ending() pipelineLine {
	r.t.Helper()
	last := r.stdout[strings.LastIndex(strings.TrimRight(r.stdout, "\n"), "\n")+1:]
	var l pipelineLine
	if err := json.Unmarshal([]byte(last), &l); err != nil || l.Type != "pipeline" || l.ExitCode != r.code {
		r.t.Fatalf("exit %d, the last line is %q: %v; %s", r.code, last, err, tail(r.stderr))
	}
	return l
}

// codes are the exit codes of the steps, as "hotspots=0 compact=3".
func (r ran) codes() string {
	r.t.Helper()
	var s []string
	for _, step := range r.ending().Steps {
		s = append(s, fmt.Sprintf("%s=%d", step.Step, step.ExitCode))
	}
	return strings.Join(s, " ")
}

// of is the summary of a step.
func (r ran) of(step string) map[string]any {
	r.t.Helper()
	at := ""
	for text := range strings.Lines(r.stdout) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			r.t.Fatalf("%q is no JSON: %v", text, err)
		}
		switch {
		case line["type"] == "step":
			at = line["step"].(string)
		case line["type"] == "summary" && at == step:
			return line
		}
	}
	r.t.Fatalf("no summary of %s in %q (stderr %s)", step, r.stdout, tail(r.stderr))
	return nil
}
