package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// batchPipeline has a batch section with a flag of every kind.
const batchPipeline = `version: 1
name: app-logs
hotspots:
  inventory: s3://reports/logs/daily/
compact:
  gzip: multi
convert:
  sources: [s3://logs/app/]
  to: s3://tables/app/
batch:
  queue: spot
  image: REGISTRY/s3compact:1.0
  array-size: 100
  timeout: 1h
  env: [A=1, B=2]
`

// pipelineOnS3 puts a pipeline on the server.
func pipelineOnS3(t *testing.T, text string) (location string) {
	t.Helper()
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	store, err := s3store.Open(t.Context(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), bucket, "_pipelines/app.yaml", []byte(text), s3store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	return "s3://" + bucket + "/_pipelines/app.yaml"
}

// TestSubmitPipelineGolden holds the requests of a dry run against a file.
func TestSubmitPipelineGolden(t *testing.T) {
	at := pipelineOnS3(t, batchPipeline)
	r := s3compact("submit", "--dry-run", "--array-size", "16", at, "--deadline", "50m")
	if r.code != exitDone || r.stderr != "" {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	golden(t, "submit-pipeline.json", strings.ReplaceAll(r.stdout, at, "s3://tables/_pipelines/app.yaml"))
}

func TestSubmitPipelineTellsTheJobs(t *testing.T) {
	at := pipelineOnS3(t, strings.Replace(batchPipeline, "  timeout: 1h\n", "", 1))
	url, operations := batchServer(t, 200)
	server := s3test.Start(t)
	server.Setenv(t) // batchServer has set other credentials
	r := s3compact("submit", "--endpoint-url", url, "--name", "night", "--output", "json", at)
	if r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	var got []submittedLine
	for text := range strings.Lines(r.stdout) {
		var l submittedLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	want := []submittedLine{
		{"submitted", "4711", "arn:job", "night-hotspots", "spot", "arn:definition", 1, nil},
		{"submitted", "4711", "arn:job", "night-compact", "spot", "arn:definition", 100, []string{"4711"}},
		{"submitted", "4711", "arn:job", "night-convert", "spot", "arn:definition", 100, []string{"4711"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	if n := len(*operations); n != 6 {
		t.Errorf("operations %v", *operations)
	}
	if r := s3compact("submit", "--endpoint-url", url, at); !strings.Contains(r.stdout, "submitted s3compact-app-logs-convert, an array job of 100 after 4711, to") {
		t.Errorf("as text: %+v", r)
	}
}

// TestSubmitPipelineTellsWhatIsUnderWay: jobs that were submitted before an error are named.
func TestSubmitPipelineTellsWhatIsUnderWay(t *testing.T) {
	at := pipelineOnS3(t, batchPipeline)
	url := failingBatchServer(t, 2)
	s3test.Start(t).Setenv(t)
	r := s3compact("submit", "--endpoint-url", url, at, "--deadline", "50m")
	if r.code != exitFailed || !strings.Contains(r.stderr, "submitted before it: job-1;") || !strings.Contains(r.stdout, "job-1") {
		t.Errorf("%+v", r)
	}
}

// failingBatchServer answers like AWS Batch, and refuses the nth registration.
func failingBatchServer(t *testing.T, nth int) (url string) {
	t.Helper()
	registered, submitted := 0, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body := `{"jobDefinitionArn":"arn:definition"}`
		if strings.HasSuffix(r.URL.Path, "registerjobdefinition") {
			if registered++; registered == nth {
				w.WriteHeader(http.StatusBadRequest)
				body = `{"message":"no more definitions","code":"ClientException"}`
			}
		} else {
			submitted++
			body = fmt.Sprintf(`{"jobId":"job-%d","jobArn":"arn:job"}`, submitted)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestSubmitPipelineRefuses(t *testing.T) {
	for _, c := range []struct {
		name         string
		old, changed string   // in the pipeline
		args, extra  []string // before and behind it
		err          string
	}{
		{"only", "", "", nil, []string{"--only", "compact"}, "leave --only out"},
		{"shard", "", "", nil, []string{"--shard=0/2"}, "leave --shard out"},
		{"yes", "", "", nil, []string{"--yes"}, "leave --yes out"},
		{"a dry run of run", "", "", nil, []string{"--dry-run"}, "leave --dry-run out"},
		{"refusals", "", "", nil, []string{"--refusals-ok=false"}, "leave --refusals-ok out"},
		{"an unknown flag", "", "", nil, []string{"--queue", "q"}, "unknown flag --queue for run"},
		{"an argument", "", "", nil, []string{"more"}, "more stands behind the pipeline"},
		{"help", "", "", nil, []string{"--help"}, "s3compact run --help"},
		{"a queue that is none", "queue: spot", "queue: ''", nil, nil, "name the job queue"},
		{"too many children", "", "", []string{"--array-size", "10001"}, nil, "array size 10001"},
		{"image and definition", "", "", []string{"--job-definition", "d"}, nil, "--image and --job-definition"},
		{"a source on this machine", "s3://logs/app/", "logs/", nil, nil, "line 7, convert: logs/ is on this machine"},
		{"a table on this machine", "s3://tables/app/", "tables/", nil, nil, "line 9, convert: to tables/ is on this machine"},
		{"a report on this machine", "s3://reports/logs/daily/", "reports/", nil, nil, "line 4, hotspots: inventory reports/ is on this machine"},
		{"a page", "compact:", "  report: r.html\ncompact:", nil, nil, "line 5, hotspots: report is a file of one machine"},
		{"an unknown flag in the file", "gzip: multi", "gizp: multi", nil, nil, "unknown flag gizp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := pipelineOnS3(t, strings.Replace(batchPipeline, c.old, c.changed, 1))
			r := s3compact(append(append(append([]string{"submit", "--dry-run"}, c.args...), at), c.extra...)...)
			if r.code != exitUsage || !strings.Contains(r.stderr, c.err) || r.stdout != "" {
				t.Errorf("exit %d, want 2 and an error with %q\nstdout: %s\nstderr: %s", r.code, c.err, r.stdout, r.stderr)
			}
		})
	}
	if r := s3compact("submit", "--queue", "q", "pipeline.yaml"); r.code != exitUsage || !strings.Contains(r.stderr, "copy it to S3 (aws s3 cp pipeline.yaml s3://BUCKET/_pipelines/)") {
		t.Errorf("a file of this machine: %+v", r)
	}
	at := pipelineOnS3(t, batchPipeline)
	if r := s3compact("submit", "--dry-run", at); r.code != exitDone || !strings.Contains(r.stderr, "shorter --deadline") {
		t.Errorf("a timeout without a deadline: exit %d, %s", r.code, r.stderr)
	}
	if r := s3compact("submit", "--dry-run", at+"l"); r.code != exitFailed || !strings.Contains(r.stderr, "read the pipeline") {
		t.Errorf("a pipeline that is not there: exit %d, %s", r.code, r.stderr)
	}
}
