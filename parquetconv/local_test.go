package parquetconv

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv/localdir"
)

// folder is a local source and table.
type folder struct{ root string }

func newFolder(t *testing.T) folder {
	t.Helper()
	f := folder{root: t.TempDir()}
	if err := os.Mkdir(filepath.Join(f.root, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f folder) options(t *testing.T, wrap func(Store) Store) Options {
	t.Helper()
	key, err := localdir.Key(f.root)
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions(t, nil)
	o.Stores = Stores{Local: wrap(localdir.New(key + "/out/_s3compact/tmp"))}
	o.Sources = []Source{{Location: s3store.Location{Key: key + "/src/"}}}
	o.Table = s3store.Location{Key: key + "/out/"}
	o.State = s3store.Location{Key: key + "/out/_s3compact/"}
	return o
}

func (f folder) rows(t *testing.T) (rows []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(f.root, "out", "dt=*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range parquetRows(t, b) {
			rows = append(rows, filepath.Base(filepath.Dir(name))+" "+row)
		}
	}
	slices.Sort(rows)
	return rows
}

// TestLocalFaultAtEveryCallThenRerun is the same promise on a file system.
func TestLocalFaultAtEveryCallThenRerun(t *testing.T) {
	plain := func(s Store) Store { return s }
	for _, kind := range []fault{killBefore, killAfter, loseAnswer} {
		for at := 1; ; at++ {
			f := newFolder(t)
			var want []string
			for i, name := range []string{"a.json.gz", "b.ndjson"} {
				text, shown := rowsOf(i*10, i*10)
				body := []byte(text)
				if strings.HasSuffix(name, ".gz") {
					body = gz(t, text)
				}
				if err := os.WriteFile(filepath.Join(f.root, "src", name), body, 0o600); err != nil {
					t.Fatal(err)
				}
				want = append(want, shown...)
			}
			slices.Sort(want)
			var faulty *faultyStore
			o := f.options(t, func(s Store) Store {
				faulty = &faultyStore{Store: s, at: at, kind: kind}
				return faulty
			})
			o.BatchBytes = 1
			_, err := Run(context.Background(), o)
			if faulty.calls < at {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			for range 2 {
				o = f.options(t, plain)
				o.BatchBytes = 1
				mustRun(t, o)
			}
			if got := f.rows(t); !slices.Equal(got, want) {
				t.Fatalf("fault %d at call %d: rows %q, want %q", kind, at, got, want)
			}
			if left, _ := os.ReadDir(filepath.Join(f.root, "out", "_s3compact", "tmp")); len(left) != 0 {
				t.Fatalf("fault %d at call %d: left %v", kind, at, left)
			}
		}
	}
}

func TestAFileThatChangedIsRefused(t *testing.T) {
	f := newFolder(t)
	name := filepath.Join(f.root, "src", "a.json")
	text, shown := rowsOf(1, 3)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := func(s Store) Store { return s }
	mustRun(t, f.options(t, plain))
	if err := os.WriteFile(name, []byte(text+text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := f.options(t, plain)
	var refused []string
	o.Refused = func(r Refusal) { refused = append(refused, r.Reason) }
	mustRun(t, o)
	slices.Sort(shown)
	if got := f.rows(t); !slices.Equal(got, shown) || !slices.Equal(refused, []string{"changed"}) {
		t.Errorf("rows %q, refused %q", got, refused)
	}
}
