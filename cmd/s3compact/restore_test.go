package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

// bodies are all objects that are data, by key.
func (l *lake) bodies() map[string]string {
	l.t.Helper()
	all := map[string]string{}
	for key := range l.data() {
		b, _, err := l.store.ReadAll(l.t.Context(), l.bucket, key, 1<<20)
		if err != nil {
			l.t.Fatal(err)
		}
		all[key] = string(b)
	}
	return all
}

func TestRestoreOfACompactedLake(t *testing.T) {
	l := newLake(t)
	before := l.bodies()
	root := "s3://" + l.bucket + "/"
	if r := s3compact("compact", root, "--yes", "--min-age", "0s", "--min-objects", "8"); r.code != exitRefused {
		t.Fatalf("compact: exit %d: %s", r.code, r.stderr)
	}
	compacted := l.bodies()
	if len(compacted) >= len(before) {
		t.Fatalf("%d objects after the compaction, %d before", len(compacted), len(before))
	}

	dry := s3compact("restore", root, "--dry-run", "--output", "json")
	if dry.code != exitDone {
		t.Fatalf("a dry run: exit %d: %s", dry.code, dry.stderr)
	}
	groups, would := dry.lines(t, "group"), dry.summary(t)
	if len(groups) != 3 || would["outputs"].(float64) < 3 || would["objects_restored"].(float64) < 50 {
		t.Errorf("a dry run says %v, %v", groups, would)
	}
	if !maps.Equal(compacted, l.bodies()) {
		t.Error("a dry run changed something")
	}

	// Copies of one group, then of one key.
	folder := t.TempDir()
	prefix := groups[0]["prefix"].(string)
	r := s3compact("restore", root+prefix, "--to", folder)
	if r.code != exitDone || !strings.HasPrefix(r.stdout, "copied ") {
		t.Fatalf("copies: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	copied := 0
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if copied++; err == nil && string(b) != before[filepath.ToSlash(key)] {
			t.Errorf("the copy of %s is another", key)
		}
		return err
	})
	if err != nil || copied != int(groups[0]["originals"].(float64)) {
		t.Errorf("%d copies, %v", copied, err)
	}
	var key string
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if _, there := compacted[k]; !there {
			key = k
		}
	}
	to := "s3://" + l.bucket + "/_copies/"
	if r := s3compact("restore", "--key", "s3://"+l.bucket+"/"+key, "--to", to); r.code != exitDone {
		t.Fatalf("a copy of a key: exit %d: %s", r.code, r.stderr)
	}
	if b, _, err := l.store.ReadAll(t.Context(), l.bucket, "_copies/"+key, 1<<20); err != nil || !bytes.Equal(b, []byte(before[key])) {
		t.Errorf("the copy of %s has %d bytes, %v", key, len(b), err)
	}

	// All of it. One worker, so nothing has to settle.
	r = s3compact("restore", "--all", "--state", root+"_s3compact/", "--yes", "--assume-alone", "--output", "json")
	if r.code != exitDone {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	sum := r.summary(t)
	if len(r.lines(t, "output")) != int(would["outputs"].(float64)) || sum["objects_restored"] != would["objects_restored"] || sum["bytes"] != would["bytes"] || sum["groups_done"].(float64) != 3 {
		t.Errorf("restored %v, the dry run said %v", sum, would)
	}
	if got := l.bodies(); !maps.Equal(before, got) {
		t.Errorf("%d objects after the restore, %d before the compaction", len(got), len(before))
	}
	if r := s3compact("restore", root, "--yes"); r.code != exitDone || !strings.HasPrefix(r.stdout, "put back 0 objects") {
		t.Errorf("again: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

// TestRestoreWaitsResumably: without --assume-alone a restore waits, and is stopped by its deadline.
func TestRestoreWaitsResumably(t *testing.T) {
	l := newLake(t)
	root := "s3://" + l.bucket + "/"
	s3compact("compact", root, "--yes", "--min-age", "0s")
	r := s3compact("restore", root, "--yes", "--deadline", "3s")
	if r.code != exitResumable || !strings.Contains(r.stderr, "waiting until requests of earlier runs have run out") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if r := s3compact("compact", root, "--yes", "--min-age", "0s"); r.code != exitResumable {
		t.Errorf("a compaction at a restore that has to settle: exit %d: %s", r.code, r.stderr)
	}
}

// TestRestoreTellsWhatIsTaken: exit 3, and the key.
func TestRestoreTellsWhatIsTaken(t *testing.T) {
	l := newLake(t)
	root := "s3://" + l.bucket + "/"
	before := l.bodies()
	s3compact("compact", root, "--yes", "--min-age", "0s")
	compacted := l.bodies()
	var key string
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if _, there := compacted[k]; !there {
			key = k
			break
		}
	}
	if _, err := l.store.Put(t.Context(), l.bucket, key, []byte("newer"), s3store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r := s3compact("restore", root, "--yes", "--assume-alone", "--output", "json")
	refused := r.lines(t, "refused")
	if r.code != exitRefused || len(refused) != 1 || refused[0]["key"] != key || refused[0]["reason"] != "taken" {
		t.Errorf("exit %d, refused %v: %s", r.code, refused, r.stderr)
	}
	if l.bodies()[key] != "newer" {
		t.Error("what is newer was overwritten")
	}
}

// TestRestoreOfNothing: a prefix or key that the state does not know is no success, and a closed state has no dry run either.
func TestRestoreOfNothing(t *testing.T) {
	l := newLake(t)
	root := "s3://" + l.bucket + "/"
	if r := s3compact("compact", root, "--yes", "--min-age", "0s", "--min-objects", "8"); r.code != exitRefused {
		t.Fatalf("compact: exit %d: %s", r.code, r.stderr)
	}
	for _, way := range [][]string{{"--dry-run"}, {"--yes"}, {"--to", t.TempDir()}} {
		r := s3compact(append([]string{"restore", root + "no/such/"}, way...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "has no group under "+root+"no/such/") || r.stdout != "" {
			t.Errorf("%v: exit %d: %s%s", way, r.code, r.stdout, r.stderr)
		}
	}
	r := s3compact("restore", "--key", root+"no", "--to", t.TempDir())
	if r.code != exitFailed || !strings.Contains(r.stderr, `of the key "no"; an original`) {
		t.Errorf("one key: exit %d: %s", r.code, r.stderr)
	}
	r = s3compact("restore", "--key", root+"no", "--key", root+"nor", "--to", t.TempDir())
	if r.code != exitFailed || !strings.Contains(r.stderr, `of the key "no" (nor of 1 more`) {
		t.Errorf("two keys: exit %d: %s", r.code, r.stderr)
	}
	if r := s3compact("close", "--state", root+"_s3compact/", "--yes", "--assume-alone"); r.code != exitDone {
		t.Fatalf("close: exit %d: %s", r.code, r.stderr)
	}
	if r := s3compact("restore", root, "--dry-run"); r.code != exitUsage || !strings.Contains(r.stderr, "closed: take copies") {
		t.Errorf("a dry run on a closed state: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

func TestRestoreRefusesBadCalls(t *testing.T) {
	for call, want := range map[string]string{
		"restore":                                                "restore what?",
		"restore s3://b/p/ --all":                                "restore what?",
		"restore --all --yes":                                    "of which state?",
		"restore s3://b/p/x --yes":                               "a prefix ends in a slash",
		"restore s3://b/p/":                                      "no terminal to ask on",
		"restore --key s3://b/k --yes":                           "--whole-outputs",
		"restore --key k --to x --yes":                           "of which state?",
		"restore --key s3://b/k --key s3://c/k --to x":           "each by itself",
		"restore s3://b/p/ --whole-outputs --yes":                "--whole-outputs goes with --key",
		"restore s3://b/p/ --to x --dry-run":                     "has no --dry-run",
		"restore s3://b/p/ --state s3://b/data/ --yes":           "engines would read it as data",
		"restore s3://b/p/ --yes --memory 1MiB":                  "at least 128MiB",
		"restore s3://b/p/ --yes --concurrency 0":                "--concurrency 0",
		"compact s3://b/p/ --delete-kept --keep-originals --yes": "contradict",
		"compact s3://b/p/ --delete-kept --dry-run":              "has no --dry-run",
	} {
		if r := s3compact(strings.Fields(call)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: exit %d: %s", call, r.code, r.stderr)
		}
	}
}
