//go:build interop

package orcwrite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/interop"
)

const readWithPyarrow = `
import datetime, json, sys
import pyarrow as pa, pyarrow.orc as orc
f = orc.ORCFile(sys.argv[1])
assert f.nstripes == int(sys.argv[2]), f.nstripes
epoch = datetime.datetime(1970, 1, 1)
for i in range(f.nstripes):
    t = f.read_stripe(i)
    cols = []
    for name in t.schema.names:
        c = t.column(name) if hasattr(t, "column") else t[name]
        if pa.types.is_timestamp(c.type):
            c = c.cast(pa.timestamp("ns")).cast(pa.int64())
        cols.append(c.to_pylist())
    print(json.dumps(cols))
print(json.dumps([str(f.schema.field(n).type) for n in f.schema.names]))
`

// TestPyarrowReadsWhatWasWritten: the reader of Apache ORC (C++) sees the same
// values, nulls and types.
func TestPyarrowReadsWhatWasWritten(t *testing.T) {
	python := interop.Python(t)
	for _, o := range []Options{{Compression: None}, {Compression: Zlib}, {Compression: Snappy}, {Compression: Zlib, BlockBytes: 100, RowIndexStride: 50}} {
		for _, stripeRows := range [][]int{{1}, {5000, 1, 777}, {}} {
			t.Run(fmt.Sprint(o.Compression, o.BlockBytes, stripeRows), func(t *testing.T) {
				file, stripes := testFile(t, o, stripeRows)
				path := filepath.Join(t.TempDir(), "x.orc")
				if err := os.WriteFile(path, file, 0o600); err != nil {
					t.Fatal(err)
				}
				lines := bytes.Split(bytes.TrimSpace(interop.Run(t, python, readWithPyarrow, path, fmt.Sprint(len(stripes)))), []byte("\n"))
				if len(lines) != len(stripes)+1 {
					t.Fatalf("%d lines of answer", len(lines))
				}
				for i, want := range stripes {
					var got []json.RawMessage
					if err := json.Unmarshal(lines[i], &got); err != nil {
						t.Fatal(err)
					}
					for col := range want {
						compareWithPyarrow(t, testFields[col], &want[col], stripeRows[i], got[col])
					}
				}
				if types, want := string(lines[len(stripes)]), `["int64", "int32", "string", "string", "bool", "timestamp[ns]", "string", "timestamp[ns]"]`; types != want {
					t.Errorf("types %s, want %s", types, want)
				}
			})
		}
	}
}

func compareWithPyarrow(t *testing.T, f Field, want *Column, rows int, answer json.RawMessage) {
	t.Helper()
	var got []any
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got) != rows {
		t.Fatalf("column %s: %d values, want %d", f.Name, len(got), rows)
	}
	for i := range rows {
		wanted := "<nil>"
		if want.present(i) {
			switch f.Kind {
			case Boolean:
				wanted = fmt.Sprint(want.Bools[i])
			case Int, Long:
				wanted = fmt.Sprint(want.Ints[i])
			case String:
				wanted = want.Strings[i]
			case Timestamp:
				wanted = fmt.Sprint(want.Times[i].Sub(time.Unix(0, 0)).Nanoseconds())
			}
		}
		if fmt.Sprint(got[i]) != wanted {
			t.Fatalf("column %s row %d: %v, want %v", f.Name, i, got[i], wanted)
		}
	}
}
