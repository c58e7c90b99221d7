package infer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// converted is what the scanner makes of the texts with a schema.
type converted struct {
	rows, bad, extra int64
	rejects          []string
}

// convert reads the texts with a schema, as a conversion does. A cut text is
// left where its last whole line or row ends.
func convert(t *testing.T, s *Sample, text []byte) converted {
	t.Helper()
	sch, err := schema.Parse(text, nil)
	if err != nil {
		t.Fatalf("the schema is refused: %v\n%s", err, text)
	}
	var columns []scan.Column
	for _, c := range sch.Columns {
		columns = append(columns, scan.Column{Name: c.Name, Type: c.Type, Path: c.Path, Time: c.Time, OnBad: c.OnBad, Required: c.Required, Extra: c.Extra})
	}
	sc, err := scan.New(columns, scan.Options{Unknown: sch.Unknown, Layout: sch.Layout, RowsAt: sch.RowsAt})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var out converted
	for i, source := range s.Texts {
		sc.Begin(i, 0)
		rest := source.Bytes
		if source.Cut && sch.Layout == schema.LayoutLines {
			rest = rest[:bytes.LastIndexByte(rest, '\n')+1]
		}
		for {
			n, err := sc.Scan(rest, !source.Cut)
			if err != nil {
				t.Fatal(err)
			}
			full := sc.Full()
			if b := sc.Take(); b != nil {
				out.add(b)
			}
			if rest = rest[n:]; !full {
				break
			}
		}
	}
	return out
}

func (c *converted) add(b *scan.Block) {
	c.rows += int64(b.Rows)
	for i, n := range b.BadValues {
		if c.bad += n; n > 0 {
			c.rejects = append(c.rejects, fmt.Sprintf("%d bad values in column %d", n, i))
		}
	}
	for _, r := range b.Rejects {
		c.rejects = append(c.rejects, r.Reason+" "+r.Column+": "+string(r.Raw))
	}
	last := b.Columns[len(b.Columns)-1]
	c.extra += int64(last.Len() - last.NullN())
}

// fits holds a schema that was inferred from a sample against the sample: it
// loads every row that was looked at, with every value, and nothing is left over.
func fits(t *testing.T, s *Sample) {
	t.Helper()
	text, err := Schema(s, nil)
	if errors.Is(err, ErrNoRows) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	f, _ := commonForm(s)
	seen := look(s, f.layout, f.names())
	var bad int64
	for _, n := range seen.bad.count {
		bad += n
	}
	got := convert(t, s, text)
	if got.rows != seen.tree.root.seen || got.bad > 0 {
		t.Fatalf("%d rows, %d bad values; the sample has %d rows and %d that are none: %q\n%s", got.rows, got.bad, seen.tree.root.seen, bad, got.rejects, text)
	}
	sch, _ := schema.Parse(text, nil)
	r, err := Check(s, sch)
	if err != nil {
		t.Fatal(err)
	}
	if r.RowsIn-r.RowsRejected != got.rows || len(r.Nulls) > 0 || len(r.Unread) > 0 && seen.tree.root.forgotten == 0 {
		t.Fatalf("the check says otherwise than the scanner: %+v\n%s", r, text)
	}
	if got.extra > 0 && seen.tree.root.forgotten == 0 {
		t.Fatalf("%d rows have members without a column\n%s", got.extra, text)
	}
}

func TestTheCorporaFit(t *testing.T) {
	for name, s := range corpora() {
		if s.Format != schema.FormatCSV {
			t.Run(name, func(t *testing.T) { fits(t, s) })
		}
	}
}

// TestRandomRowsFit infers from random rows with every kind of value in every mix.
func TestRandomRowsFit(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		var texts []string
		profile := make([]int, 6)
		for i := range profile {
			profile[i] = r.IntN(12)
		}
		for i := range 1 + r.IntN(4) {
			var b strings.Builder
			for range 1 + r.IntN(20) {
				b.WriteString(randomRow(r, profile) + []string{"\n", "\r\n", "", " \n\n"}[r.IntN(4)])
			}
			texts = append(texts, fmt.Sprintf("k%d.json", i), b.String())
		}
		s := sampleOf(texts...)
		for i := range s.Texts {
			if r.IntN(3) == 0 {
				s.Texts[i].Bytes, s.Texts[i].Cut = s.Texts[i].Bytes[:r.IntN(len(s.Texts[i].Bytes))], true
			}
		}
		fits(t, s)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func randomRow(r *rand.Rand, profile []int) string {
	var members []string
	for i, p := range profile {
		if r.IntN(5) > 0 {
			if r.IntN(10) == 0 {
				p = r.IntN(12)
			}
			members = append(members, fmt.Sprintf("%q:%s", []string{"a", "A", "b c", "ts", "x.y", "é"}[i], randomValue(r, p, 0)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func randomValue(r *rand.Rand, kind, depth int) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	if depth > 3 {
		kind %= 7
	}
	switch kind {
	case 0:
		return pick("true", "false", "null")
	case 1:
		return pick("0", "-1", "9223372036854775807", "-9223372036854775808", "42", "null")
	case 2:
		return pick("0.5", "1e3", "-0.0", "1e-400", "7")
	case 3:
		return pick("1", "9223372036854775808", "1e400", "123456789012345678901234567890.5", "0.1")
	case 4:
		return pick(`""`, `"x"`, `"\u00e9\n"`, `"日本"`, `"12"`)
	case 5:
		return pick(`"2026-01-02T03:04:05Z"`, `"2026-01-02t03:04:05.123456789+02:00"`, `"2026-01-02T03:04:05-23:59"`)
	case 6:
		return pick(`"2026-01-02 03:04:05"`, `"2026-01-02 03:04:05.5"`, `"2026-01-02"`)
	case 7:
		return fmt.Sprintf("[%s,%s]", randomValue(r, 1+r.IntN(8), depth+1), randomValue(r, 1, depth+1))
	case 8:
		return fmt.Sprintf(`{"p":%s,"q":%s}`, randomValue(r, r.IntN(12), depth+1), randomValue(r, 5, depth+1))
	case 9:
		return fmt.Sprintf(`{"k%d":1}`, r.IntN(100))
	case 10:
		return pick("[]", "{}", "[[]]", "[null]", `[{"a":1},{"b":[2]}]`)
	}
	return randomValue(r, r.IntN(11), depth+1)
}

// FuzzSchema infers from arbitrary text.
func FuzzSchema(f *testing.F) {
	for _, s := range corpora() {
		for _, t := range s.Texts {
			f.Add(t.Bytes[:min(len(t.Bytes), 600)], false)
			f.Add(t.Bytes[:min(len(t.Bytes), 300)], true)
		}
	}
	f.Add([]byte("{\"Records\":[]}{\"Records\":[{\"a\":1}]}"), false)
	f.Add([]byte("\xef\xbb\xbf{\"a\":1}{\"a\":2} x\n{\"a\": {\"b\":\"\\ud800\"}}"), false)
	f.Fuzz(func(t *testing.T, text []byte, cut bool) {
		s := sampleOf("k=1/a.json", string(text))
		s.Texts[0].Cut = cut
		fits(t, s)
	})
}
