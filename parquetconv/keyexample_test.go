package parquetconv

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// TestPartitionsFromKeys runs the example of docs/convert.md.
func TestPartitionsFromKeys(t *testing.T) {
	page, err := os.ReadFile("../docs/convert.md")
	if err != nil {
		t.Fatal(err)
	}
	_, behind, _ := strings.Cut(string(page), "<!-- example: partitions from keys -->\n```yaml\n")
	text, behind, found := strings.Cut(behind, "```")
	if !found {
		t.Fatal("the page has no such example")
	}
	f := newFolder(t)
	o := f.options(t, func(s Store) Store { return s })
	if o.Schema, err = schema.Parse([]byte(text), nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"app/eu-west-1/2026/01/02/web-7.json.gz", "app/eu-west-1/2026/13/02/bad.json.gz", "elsewhere.json.gz"} {
		path := filepath.Join(f.root, "src", key)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, gz(t, `{"message":"hi"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if sum := mustRun(t, o); sum.RowsOut != 2 || sum.Rejects["syntax"] != 1 {
		t.Errorf("summary %+v", sum)
	}
	for folder, row := range map[string]string{
		"region=eu-west-1/dt=2026-01-02":                                  "message=hi server=web-7",
		"region=__HIVE_DEFAULT_PARTITION__/dt=__HIVE_DEFAULT_PARTITION__": "message=hi server=elsewhere",
	} {
		files, err := filepath.Glob(filepath.Join(f.root, "out", folder, "*.parquet"))
		if err != nil || len(files) != 1 {
			t.Errorf("%s: %v, %v", folder, files, err)
			continue
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := parquetRows(t, b); len(got) != 1 || got[0] != row {
			t.Errorf("%s: %q, want %q", folder, got, row)
		}
	}
	if !strings.Contains(behind, "the server `web-7` and stand in `region=eu-west-1/dt=2026-01-02/`") {
		t.Error("the page says otherwise")
	}
}

// TestSourceKeyOfAFile is its path, as schema check shows it too; also in the rejects.
func TestSourceKeyOfAFile(t *testing.T) {
	f := newFolder(t)
	file := filepath.Join(f.root, "src", "a.json")
	if err := os.WriteFile(file, []byte("{\"id\":1}\n{\"id\":\"x\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := f.options(t, func(s Store) Store { return s })
	var err error
	if o.Schema, err = schema.Parse([]byte("version: 1\ncolumns:\n  - {name: id, type: int64, on_bad: reject}\n  - {name: key, type: string, expr: _source_key}\n"), nil); err != nil {
		t.Fatal(err)
	}
	mustRun(t, o)
	out := filepath.Join(f.root, "out")
	files, err := filepath.Glob(filepath.Join(out, "*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := parquetRows(t, b); len(got) != 1 || got[0] != "id=1 key="+file {
		t.Errorf("rows %q", got)
	}
	rejects, err := filepath.Glob(filepath.Join(out, "_s3compact", "rejects", "*.jsonl.gz"))
	if err != nil || len(rejects) != 1 {
		t.Fatalf("rejects %v, %v", rejects, err)
	}
	body, err := os.ReadFile(rejects[0])
	if err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	line, err := io.ReadAll(zr)
	if err != nil || !strings.Contains(string(line), fmt.Sprintf(`"key":%q`, file)) {
		t.Errorf("rejects %s, %v", line, err)
	}
}

// TestSourceKeyIsTheOriginals: compaction does not change what a row's source is called.
func TestSourceKeyIsTheOriginals(t *testing.T) {
	store, keys, _ := lake(t)
	c := compactGroup(t, store, "src/a/")
	c.join("src/a/", keys...)
	c.remove(keys...)
	c.done()
	o := testOptions(t, store)
	var err error
	if o.Schema, err = schema.Parse([]byte("version: 1\ncolumns:\n  - {name: id, type: int64}\n  - {name: key, type: string, expr: _source_key}\npartitions:\n  - {name: n, type: string, expr: \"regexp_extract(_source_key, '([0-9])[.]json', 1)\"}\n"), nil); err != nil {
		t.Fatal(err)
	}
	mustRun(t, o)
	var want []string
	for i, key := range keys {
		for row := range 3 {
			want = append(want, fmt.Sprintf("n=%d id=%d key=%s", i, i*10+row, key))
		}
	}
	sameRows(t, store, want)
}
