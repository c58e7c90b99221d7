package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// pipelinesPage is docs/pipelines.md.
func pipelinesPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is the fenced block behind a comment of the page.
func block(t *testing.T, page, name string) string {
	t.Helper()
	m := regexp.MustCompile("<!-- " + name + " -->\n```[a-z]*\n((?s:.*?))```").FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("docs/pipelines.md has no block %s", name)
	}
	return m[1]
}

// TestPipelinesOfThePageAreRead holds each file of docs/pipelines.md against the commands.
func TestPipelinesOfThePageAreRead(t *testing.T) {
	files := regexp.MustCompile("```yaml\n((?s:.*?))```").FindAllStringSubmatch(pipelinesPage(t), -1)
	if len(files) < 3 {
		t.Fatalf("%d files on the page", len(files))
	}
	for _, m := range files {
		if _, err := (&program{}).parsePipeline(t.Context(), "page", []byte(m[1])); err != nil {
			t.Errorf("%v\n%s", err, m[1])
		}
	}
}

// TestFirstSessionOfThePage carries out the session of docs/pipelines.md, and
// compares how its runs end.
func TestFirstSessionOfThePage(t *testing.T) {
	page := pipelinesPage(t)
	l := newPipelineLake(t)
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ENDPOINT_URL_BATCH", "http://127.0.0.1:1") // nothing is sent there
	names := strings.NewReplacer("my-logs", l.bucket, "my-reports", l.reports, "my-tables", l.tables, "min-age: 1h", "min-age: 0s")
	file := names.Replace(block(t, page, "first"))
	if err := os.WriteFile("app.yaml", []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var endings []string
	for line := range strings.Lines(block(t, page, "session")) {
		words := strings.Fields(names.Replace(line))
		if words[0] == "aws" {
			l.write(file)
			continue
		}
		r := s3compact(words[1:]...)
		want := exitRefused // of run, and of status, which tells of it
		if strings.Contains(line, "--dry-run") || strings.Contains(line, "--refusals-ok") {
			want = exitDone
		}
		if r.code != want {
			t.Fatalf("%s: exit %d, want %d: %s", line, r.code, want, tail(r.stderr))
		}
		if strings.HasSuffix(strings.TrimSpace(line), "app.yaml --yes") {
			endings = append(endings, r.stdout[strings.LastIndex(r.stdout, "== pipeline"):])
		}
	}
	if len(endings) != 2 {
		t.Fatalf("%d runs with --yes alone, the page shows the ends of two", len(endings))
	}
	// Times, and what follows from the names of the buckets, differ.
	changing := regexp.MustCompile(`\d+\.\d\d s\n|-[0-9a-f]{12}\.jsonl`)
	back := strings.NewReplacer(l.bucket, "my-logs")
	got := changing.ReplaceAllString(back.Replace(strings.Join(endings, "\n")), "…\n")
	if want := changing.ReplaceAllString(block(t, page, "endings"), "…\n"); got != want {
		t.Errorf("the runs end with\n%s\nand the page says\n%s", got, want)
	}
}
