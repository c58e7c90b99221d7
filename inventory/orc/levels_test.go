package orc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// changed returns message with the number v of the field at the given path of field numbers changed to v+1.
func changed(t *testing.T, message []byte, path ...protowire.Number) []byte {
	t.Helper()
	var out []byte
	found := false
	for len(message) > 0 {
		number, wire, n := protowire.ConsumeTag(message)
		m := protowire.ConsumeFieldValue(number, wire, message[n:])
		if n < 0 || m < 0 {
			t.Fatal("not a message")
		}
		whole, value := message[:n+m], message[n:n+m]
		message = message[n+m:]
		switch {
		case found || number != path[0]:
			out = append(out, whole...)
			continue
		case len(path) > 1:
			b, _ := protowire.ConsumeBytes(value)
			out = appendMessage(out, number, changed(t, b, path[1:]...))
		case wire == protowire.BytesType: // another first byte
			b, _ := protowire.ConsumeBytes(value)
			b = bytes.Clone(b)
			b[0]--
			out = appendMessage(out, number, b)
		default:
			v, _ := protowire.ConsumeVarint(value)
			out = appendUint(out, number, v+2) // one more, of zigzag encoded numbers
		}
		found = true
	}
	if !found {
		t.Fatalf("no field %d", path[0])
	}
	return out
}

// columnOf returns the statistics message of a column in stripe statistics, and a function that puts another in its place.
func columnOf(t *testing.T, stripe []byte, id int) (message []byte, replace func([]byte) []byte) {
	t.Helper()
	var columns [][]byte
	if err := walk(stripe, func(f field) error { columns = append(columns, f.bytes); return nil }); err != nil {
		t.Fatal(err)
	}
	return columns[id], func(m []byte) (out []byte) {
		for i, c := range columns {
			if i == id {
				c = m
			}
			out = appendMessage(out, 1, c)
		}
		return out
	}
}

// TestStatisticsDisagree changes statistics of one level. Whoever relies on any must hear of it; what the values themselves
// show is checked without row indexes too.
func TestStatisticsDisagree(t *testing.T) {
	b := writeInventory(t, 1, orcwrite.Options{RowIndexStride: 100}, 0.2, 250, 250)
	const key, size, modified, latest = 1, 2, 3, 5
	for _, c := range []struct {
		name   string
		id     int
		path   []protowire.Number
		values bool // the values show it
	}{
		{"number of values", size, []protowire.Number{1}, true},
		{"minimum", size, []protowire.Number{2, 1}, true},
		{"maximum", size, []protowire.Number{2, 2}, true},
		{"sum", size, []protowire.Number{2, 3}, true},
		{"shortest key", key, []protowire.Number{4, 1}, false},
		{"bytes of keys", key, []protowire.Number{4, 3}, true},
		{"first time", modified, []protowire.Number{9, 3}, true},
		{"trues", latest, []protowire.Number{5, 1}, true},
	} {
		name := inventoryFields[c.id-1].Name
		for _, level := range []string{"file", "stripe"} {
			t.Run(c.name+" of the "+level, func(t *testing.T) {
				f := openBytes(t, b)
				if level == "file" {
					f.tail.statistics[c.id] = changed(t, f.tail.statistics[c.id], c.path...)
				} else {
					m, replace := columnOf(t, f.tail.metadata[1], c.id)
					f.tail.metadata[1] = replace(changed(t, m, c.path...))
				}
				r, err := f.NewReader(name)
				if err != nil {
					t.Fatal(err)
				}
				err = r.Open(context.Background(), Span{1, 0, 3}, func(RowGroup, []bool) {})
				if want := fmt.Sprintf("orc: stripe 1: column %q: ", name); err == nil || !strings.HasPrefix(err.Error(), want) ||
					!strings.Contains(err.Error(), "do not agree") {
					t.Errorf("with the row index: %v, want %q", err, want)
				}
				if r, err = f.NewReader(name); err != nil {
					t.Fatal(err)
				}
				_, err = readStripe(context.Background(), r, 1)
				if level == "stripe" && c.values {
					if err == nil || !strings.Contains(err.Error(), "not as the stripe statistics describe it") {
						t.Errorf("without the row index: %v", err)
					}
				} else if err != nil {
					t.Errorf("without the row index: %v", err)
				}
			})
		}
		t.Run(c.name+" of a row group", func(t *testing.T) {
			f := openBytes(t, b)
			r, err := f.NewReader(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Open(context.Background(), Span{1, 0, 3}, func(RowGroup, []bool) {}); err != nil {
				t.Fatal(err)
			}
			s := &r.columns[0].index.statistics[1]
			s.Values += int64(btoi(c.path[0] == 1))
			s.MinInt--
			s.Sum++
			for err = nil; err == nil; {
				_, err = r.Next(context.Background())
			}
			if c.values && (err == io.EOF || !strings.Contains(err.Error(), "row group 1 is not as the row index describes it")) {
				t.Errorf("%v", err)
			}
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestUntrustedStatistics has statistics that say nothing that may be relied on.
func TestUntrustedStatistics(t *testing.T) {
	b := writeInventory(t, 1, orcwrite.Options{RowIndexStride: 100}, 0, 250, 250)
	for _, c := range []struct {
		name   string
		change func(f *File)
		known  bool // something is known
		ranges bool // of strings
	}{
		{"nothing is wrong", func(*File) {}, true, true},
		{"no file statistics", func(f *File) { f.tail.statistics = nil }, false, false},
		{"no stripe statistics", func(f *File) { f.tail.metadata = nil }, false, false},
		{"empty stripe statistics", func(f *File) { f.tail.metadata[0] = appendMessage(nil, 1, appendUint(nil, 1, 0)) }, false, false},
		{"Java's first writer", func(f *File) { f.tail.writer = writer{} }, true, false},
		{"Java's writer since HIVE-8732", func(f *File) { f.tail.writer = writer{0, 1} }, true, true},
		{"the C++ writer", func(f *File) { f.tail.writer = writer{1, 6} }, true, true},
		{"the C++ writer of an impossible version", func(f *File) { f.tail.writer = writer{1, 5} }, true, false},
		{"a writer that is not known", func(f *File) { f.tail.writer = writer{6, 6} }, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := openBytes(t, b)
			c.change(f)
			r, err := f.NewReader("key", "size")
			if err != nil {
				t.Fatal(err)
			}
			groups := 0
			rows := drain(t, r, Span{0, 0, 3}, func(g RowGroup, _ []bool) {
				groups++
				key, size := g.Statistics[0], g.Statistics[1]
				if key.Known != c.known || size.Known != c.known || key.HasRange != c.ranges || size.HasRange != c.known || size.HasSum != c.known {
					t.Errorf("row group %d: %+v, %+v", g.Index, key, size)
				}
			})
			if rows != 250 || groups != 3 {
				t.Errorf("%d rows of %d row groups", rows, groups)
			}
		})
	}
	for _, c := range []struct {
		low, high string
		want      bool
	}{
		{"a", "b", true}, {"", "b", true}, {"a", "b\x00", false}, {"a\x00", "b", false}, {"a", "b\uFFFD", false},
	} {
		s := Statistics{Known: true, Values: 1, HasRange: true, Min: []byte(c.low), Max: []byte(c.high)}
		if got := s.trusted(KindString, true).HasRange; got != c.want {
			t.Errorf("from %q to %q: %v", c.low, c.high, got)
		}
	}
	// Times before 1970, and of a clock in another zone.
	for _, c := range []struct {
		kind      Kind
		low       int64
		utc, want bool
	}{
		{KindTimestamp, 0, true, true}, {KindTimestamp, 0, false, false}, {KindTimestamp, -1, true, false}, {KindTimestampInstant, 0, false, true},
	} {
		s := Statistics{Known: true, Values: 1, HasRange: true, MinInt: c.low, MaxInt: 5}
		if got := s.trusted(c.kind, c.utc); got.HasRange != c.want || !got.HasRange && got.MaxInt != 0 {
			t.Errorf("%v from %d: %+v", c.kind, c.low, got)
		}
	}
}

// TestSpanRefusals has files whose stripes claim indexes of which the wanted column has none, or whose index doesn't fit.
func TestSpanRefusals(t *testing.T) {
	b := writeInventory(t, 1, orcwrite.Options{RowIndexStride: 100}, 0, 250)
	f := openBytes(t, b)
	r, err := f.NewReader("key")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Span{{1, 0, 1}, {-1, 0, 1}, {0, 0, 4}, {0, 2, 1}, {0, -1, 1}} {
		if err := r.Open(context.Background(), s, nil); err == nil || !strings.Contains(err.Error(), "no row groups") {
			t.Errorf("%v: %v", s, err)
		}
		if _, err := r.Next(context.Background()); err != errNotOpen {
			t.Errorf("%v: next: %v", s, err)
		}
	}
	if n := drain(t, r, Span{0, 3, 3}, nil); n != 0 {
		t.Errorf("%d rows in an empty span", n)
	}
	f.tail.rowIndexStride = 50
	if r, err = f.NewReader("key"); err != nil {
		t.Fatal(err)
	}
	if err := r.Open(context.Background(), Span{0, 0, 1}, nil); err == nil || !strings.Contains(err.Error(), `column "key": row index: it has 3 entries, the stripe 5 row groups`) {
		t.Errorf("another stride: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.tail.rowIndexStride = 100
	if r, err = f.NewReader(); err != nil {
		t.Fatal(err)
	}
	if n := drain(t, r, Span{0, 1, 3}, nil); n != 150 {
		t.Errorf("%d rows of no columns", n)
	}
	if err := r.Open(ctx, Span{0, 0, 3}, nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(ctx); err == nil || !strings.Contains(err.Error(), "orc: stripe 0: context canceled") {
		t.Errorf("cancelled: %v", err)
	}
	// A stripe whose columns have no row index can be read whole only.
	if r, err = f.NewReader("key"); err != nil {
		t.Fatal(err)
	}
	if n := drain(t, r, Span{0, 0, 3}, nil); n != 250 {
		t.Errorf("%d rows", n)
	}
	for i := range r.footer.streams {
		if r.footer.streams[i].kind == streamRowIndex {
			r.footer.streams[i].kind = 8 // a bloom filter
		}
	}
	if n := drain(t, r, Span{0, 0, 3}, func(g RowGroup, _ []bool) {
		if g.Statistics[0].Known {
			t.Errorf("row group %d: %+v", g.Index, g.Statistics[0])
		}
	}); n != 250 {
		t.Errorf("%d rows", n)
	}
	if err := r.Open(context.Background(), Span{0, 1, 2}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(context.Background()); err == nil || !strings.Contains(err.Error(), `column "key": it has no row index`) {
		t.Errorf("a part without an index: %v", err)
	}
}
