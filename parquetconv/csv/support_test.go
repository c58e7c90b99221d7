package csv

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// outcome is what became of a record: a row's values, or why it was rejected.
type outcome struct {
	offset int64
	length int32
	values []string // as valueOf shows them
	reject *scan.Reject
}

func (o outcome) String() string {
	if o.reject == nil {
		return fmt.Sprintf("%d: %s", o.offset, strings.Join(o.values, "|"))
	}
	return fmt.Sprintf("%d!%d %s %s", o.offset, o.reject.FaultAt, strings.TrimPrefix(o.reject.Column+"."+o.reject.Reason, "."), o.reject.Raw)
}

// null stands for null in an outcome.
const null = "<null>"

func valueOf(a arrow.Array, row int) string {
	if a.IsNull(row) {
		return null
	}
	if d, ok := a.(*array.Dictionary); ok {
		return d.Dictionary().(*array.String).Value(d.GetValueIndex(row))
	}
	return a.ValueStr(row)
}

// scanner makes one from a schema file without its version and format.
func scanner(t testing.TB, text string, o scan.Options) *Scanner {
	t.Helper()
	s, err := schema.Parse([]byte("version: 1\nformat: csv\n"+text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var columns []scan.Column
	for _, c := range s.Columns {
		columns = append(columns, scan.Column{Name: c.Name, Type: c.Type, Path: c.Path, Time: c.Time, OnBad: c.OnBad, Required: c.Required, Extra: c.Extra})
	}
	o.Unknown = s.Unknown
	sc, err := New(columns, s.CSV, o)
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// scanAll scans a source in pieces of a size, which grows where a record needs it.
func scanAll(t testing.TB, s *Scanner, text []byte, piece int) (out []outcome, err error) {
	t.Helper()
	s.Begin(1, 0)
	end := min(piece, len(text))
	for start := 0; ; {
		view := bytes.Clone(text[start:end])
		n, err := s.Scan(view, end == len(text))
		clear(view) // nothing of it may be kept
		if err != nil {
			return out, err
		}
		if n < 0 || n > len(view) {
			t.Fatalf("done with %d bytes of %d", n, len(view))
		}
		start += n
		if full := s.Full(); full || end == len(text) {
			out = append(out, outcomes(t, s.Take())...)
			if full {
				continue
			}
			if start < end {
				t.Fatalf("%d bytes are left at the end", end-start)
			}
			return out, nil
		}
		end = min(len(text), max(end+piece, start+2*(end-start)))
	}
}

// outcomes are those of a block, in the order of the source.
func outcomes(t testing.TB, b *scan.Block) (out []outcome) {
	t.Helper()
	for row := range b.Rows {
		o := outcome{offset: b.Offsets[row], length: b.Lengths[row]}
		for _, c := range b.Columns {
			o.values = append(o.values, valueOf(c, row))
		}
		out = append(out, o)
	}
	for i := range b.Rejects {
		out = append(out, outcome{offset: b.Rejects[i].Offset, reject: &b.Rejects[i]})
	}
	if int64(len(out)) != b.RowsIn {
		t.Fatalf("%d rows and %d rejects of %d rows", b.Rows, len(b.Rejects), b.RowsIn)
	}
	slices.SortStableFunc(out, func(a, b outcome) int { return int(a.offset - b.offset) })
	return out
}
