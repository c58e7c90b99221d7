package parquetconv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

const testSchema = `
version: 1
format: ndjson
columns:
  - {name: id, type: int64, required: true}
  - {name: ts, type: timestamp, path: $.time}
  - {name: name, type: string}
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
`

func gz(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rowsOf are the JSON lines from first to last and how the table shows them.
func rowsOf(first, last int) (text string, shown []string) {
	var b strings.Builder
	for i := first; i <= last; i++ {
		day := i%2 + 1
		fmt.Fprintf(&b, `{"id":%d,"time":"2026-01-%02dT01:02:03Z","name":"n%d"}`+"\n", i, day, i)
		shown = append(shown, fmt.Sprintf("dt=2026-01-%02d id=%d name=n%d", day, i, i))
	}
	return b.String(), shown
}

// testOptions converts src in the bucket data to the table out in the bucket tables.
func testOptions(t testing.TB, store Store) Options {
	t.Helper()
	s, err := schema.Parse([]byte(testSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Stores:  Stores{S3: store},
		Sources: []Source{{Location: s3store.Location{Bucket: "data", Key: "src/"}}},
		Table:   s3store.Location{Bucket: "tables", Key: "out/"}, State: s3store.Location{Bucket: "tables", Key: "out/_s3compact/"},
		Schema: s, BatchBytes: 500, Shards: 1, Concurrency: 4, MemoryBytes: 64 << 20, Tool: "test",
		Log: slog.New(slog.DiscardHandler), Refused: func(Refusal) {}, Planned: func(PlannedBatch) {},
	}
}

func mustRun(t testing.TB, o Options) Summary {
	t.Helper()
	sum, err := Run(context.Background(), o)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return sum
}

// visibleRows reads the rows that are visible, sorted.
func visibleRows(t testing.TB, store Store) []string {
	t.Helper()
	var out []string
	err := store.List(context.Background(), "tables", s3store.ListOptions{Prefix: "out/"}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			if !strings.HasSuffix(o.Key, ".parquet") {
				continue
			}
			b, _, err := store.ReadAll(context.Background(), "tables", o.Key, 1<<30)
			if err != nil {
				return err
			}
			partition := strings.Split(o.Key, "/")[1]
			for _, row := range parquetRows(t, b) {
				out = append(out, partition+" "+row)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func parquetRows(t testing.TB, b []byte) []string {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	fr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	tbl, err := fr.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range int(tbl.NumRows()) {
		var cells []string
		for c := range int(tbl.NumCols()) {
			f := tbl.Schema().Field(c)
			if f.Name == "ts" {
				continue // told by the partition
			}
			at := i
			for _, chunk := range tbl.Column(c).Data().Chunks() {
				if at < chunk.Len() {
					cells = append(cells, f.Name+"="+chunk.ValueStr(at))
					break
				}
				at -= chunk.Len()
			}
		}
		out = append(out, strings.Join(cells, " "))
	}
	return out
}

func sameRows(t testing.TB, store Store, want []string) {
	t.Helper()
	sameLines(t, "rows of the table", visibleRows(t, store), slices.Clone(want))
}
