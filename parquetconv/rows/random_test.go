package rows

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/naive"
	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

var (
	cases = flag.Int("cases", 300, "how many schemas TestRandom makes")
	seed  = flag.Uint64("seed", 1, "of TestRandom")
)

// generator makes schemas, and texts whose rows drift away from them.
type generator struct {
	rng *rand.Rand
	b   strings.Builder
}

func (g *generator) pick(of ...string) string { return of[g.rng.IntN(len(of))] }

// onBad is what a column may say of bad values. At most one column fails, so
// that it is certain which row does first.
func (g *generator) onBad(mayFail *bool) string {
	switch n := g.rng.IntN(24); {
	case n < 2:
		return ", on_bad: reject"
	case n == 2:
		return ", required: true"
	case n == 3 && *mayFail:
		*mayFail = false
		return ", on_bad: fail"
	}
	return ""
}

var pathColumns = []string{
	"name: id, type: int64", "name: n, type: int32", "name: s, type: string", "name: t, type: string, path: $.s", "name: b, type: boolean", "name: f, type: float", "name: d, type: double", `name: dec, type: "decimal(12,3)"`,
	"name: bin, type: binary", "name: day, type: date", "name: ts, type: timestamp", "name: at, type: timestamp, time: epoch_s", "name: ms, type: timestamp, path: $.at, time: epoch_ms", `name: log, type: timestamp, time: "%d/%b/%Y:%H:%M:%S %z"`,
	"name: j, type: json", "name: deep, type: string, path: $.a.b", `name: first, type: int64, path: "$.list[0]"`, `name: whole, type: json, path: $.list`, `name: list, type: "list<int64>"`, `name: tags, type: "map<string,string>", path: $.a`, `name: rec, type: "struct<b:string,n:int32>", path: $.a`,
	`name: times, type: "list<timestamp>", path: $.list, time: epoch_us`,
}

// expressions by type.
var expressions = [][2]string{
	{"int64", "n * 2"}, {"int64", "n"}, {"int64", "n * 9223372036854775807"}, {"int64", "10 / n"}, {"int64", "length(s)"}, {"int64", "_source_offset + 1"}, {"int64", "_source_offset"}, {"int64", "null"}, {"int64", "cast(s as int64)"}, {"int64", "cast(x as int64)"},
	{"int32", "cast(id as int32)"}, {"string", "s"}, {"string", "upper(s)"}, {"string", "s || deep"}, {"string", "coalesce(deep, s, 'none')"}, {"string", "split_part(s, '-', 2)"}, {"string", "_source_key"}, {"string", "_source_etag || _batch_id"}, {"string", "cast(j as string)"}, {"string", "x1"}, {"string", "split_part(_source_key, '/', 1)"},
	{"string", "case when n > 5 then s when b then deep else 'rest' end"}, {"boolean", "b and n > 1"}, {"boolean", "s is null"}, {"boolean", "s in ('a', 'b', null)"}, {"double", "cast(x as double) * 1000"}, {"double", "d / n"}, {"double", "f"}, {"date", "cast(ts as date)"}, {"date", "cast(day as date)"}, {"date", "cast(s as date)"}, {"timestamp", "date_trunc('hour', ts)"}, {"timestamp", "ts"}, {"json", "j"},
	{"decimal(12,3)", "dec"}, {"binary", "bin"}, {"json", "x"},
}

func (g *generator) schema() (*schema.Schema, string) {
	mayFail := true
	var columns, partitions []string
	unknown := g.pick("ignore", "ignore", "ignore", "keep", "keep", "reject")
	text := func() string {
		t := "version: 1\nunknown_fields: " + unknown + "\ncolumns:\n  - {" + strings.Join(columns, "}\n  - {") + "}\n"
		if len(partitions) > 0 {
			t += "partitions:\n  - {" + strings.Join(partitions, "}\n  - {") + "}\n"
		}
		return t
	}
	for _, c := range pathColumns {
		if g.rng.IntN(2) == 0 {
			columns = append(columns, c+g.onBad(&mayFail))
		}
	}
	columns = append(columns, "name: z, type: int64")
	// What a random choice of columns does not allow is left out.
	for i := range g.rng.IntN(6) {
		e := expressions[g.rng.IntN(len(expressions))]
		before, failed := columns, mayFail
		columns = append(columns[:len(columns):len(columns)], fmt.Sprintf("name: x%d, type: %q, expr: %q%s", i, e[0], e[1], g.onBad(&mayFail)))
		if _, err := schema.Parse([]byte(text()), nil); err != nil {
			columns, mayFail = before, failed
		}
	}
	for i := range g.rng.IntN(4) {
		e := expressions[g.rng.IntN(len(expressions))]
		p := fmt.Sprintf("name: p%d, type: %q, expr: %q", i, e[0], e[1])
		if g.rng.IntN(4) == 0 {
			p = "name: " + g.pick("s", "n", "b", "day", "ts", "x0", "id")
		}
		before := partitions
		partitions = append(partitions[:len(partitions):len(partitions)], p)
		if _, err := schema.Parse([]byte(text()), nil); err != nil {
			partitions = before
		}
	}
	s, err := schema.Parse([]byte(text()), nil)
	if err != nil {
		panic(err)
	}
	return s, text()
}

func (g *generator) value(name string) string {
	if g.rng.IntN(10) == 0 { // drift
		return g.pick("null", "null", "1", "1.5", `"1"`, `"x"`, "true", "{}", "[]", `{"b":1}`, "[1,\"x\"]", "1e400", "12345678901234567890", `{"b":"y","b2":{"c":[1,2]}}`, `""`)
	}
	switch name {
	case "id", "n", "z":
		return fmt.Sprint(g.rng.IntN(12) - 2)
	case "s":
		return g.pick(`"a"`, `"b"`, `"c-d"`, `"é/ü=\u0001"`, `"2026-01-02"`, `"77"`, `""`, fmt.Sprintf(`"user-%d"`, g.rng.IntN(1000)))
	case "b":
		return g.pick("true", "false")
	case "f", "d", "dec":
		return g.pick("0.125", "-7", "1e3", "3.1415", "0", "99.999")
	case "bin":
		return g.pick(`"AP8="`, `""`)
	case "day":
		return g.pick(`"2026-01-02"`, `"1969-12-31"`)
	case "ts":
		return g.pick(`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:59:59.123456789+02:00"`, `"1969-12-31T23:59:59.5Z"`)
	case "at":
		return g.pick("1767323045", "1767323045.25", "-1", "0", "1767323045123")
	case "log":
		return g.pick(`"10/Oct/2000:13:55:36 -0700"`, `"01/Jan/2026:00:00:00 +0000"`)
	case "a":
		return g.pick(`{"b":"y"}`, `{"b":"z","n":3}`, `{}`, `{"n":1,"b":"y"}`)
	case "list":
		return g.pick("[1,2]", "[]", "[7]", "[null,3]")
	}
	return g.pick("1", "2.5", `"text"`, `{"q":[1, 2]}`, "[]", "false")
}

// text makes some lines; some of them are broken.
func (g *generator) text() []byte {
	g.b.Reset()
	if g.rng.IntN(8) == 0 {
		g.b.WriteString("\xef\xbb\xbf")
	}
	for range g.rng.IntN(40) {
		var row strings.Builder
		row.WriteByte('{')
		first := true
		for _, name := range []string{"id", "n", "s", "b", "f", "d", "dec", "bin", "day", "ts", "at", "log", "j", "a", "list", "x", "x1", "z", "unknown"} {
			if g.rng.IntN(8) == 0 || name == "unknown" && g.rng.IntN(10) > 0 {
				continue
			}
			if !first {
				row.WriteString(g.pick(",", ",", ", "))
			}
			first = false
			row.WriteString(`"` + name + `"` + g.pick(":", ":", " : ") + g.value(name))
		}
		if g.rng.IntN(40) == 0 {
			row.WriteString(g.pick(`,"s":"again"`, `,"s":"again","s":1`, ",\"y\":\"\xff\"", `,"y":"\ud800"`, `,`, `,"y":tru`))
		}
		row.WriteByte('}')
		text := row.String()
		if g.rng.IntN(40) == 0 {
			text = text[:g.rng.IntN(len(text))]
		}
		g.b.WriteString(text)
		g.b.WriteString(g.pick("\n", "\n", "\n", "\r\n", "\n\n", "", " ", " x\n"))
	}
	return []byte(g.b.String())
}

// same compares what the decoder and package naive make of some sources.
func same(t *testing.T, s *schema.Schema, texts [][]byte, blockBytes, piece int) (seen shown) {
	t.Helper()
	var want shown
	want.bad = make([]int64, len(s.Columns))
	var wantFail *naive.Fail
	failSource := 0
	source := func(i int) Source {
		return Source{Key: fmt.Sprintf("logs/%d.json", i/2), ETag: fmt.Sprintf("%032x", i)}
	}
	const batch = "00000001-000007"
	for i, text := range texts {
		r := naive.Read(s, naive.Source{Key: source(i).Key, ETag: source(i).ETag, BatchID: batch, Text: text})
		for _, row := range r.Rows {
			var cells []string
			for _, c := range row.Cells {
				cells = append(cells, naive.Show(c, 0))
			}
			want.rows = append(want.rows, fmt.Sprintf("%d ", i+100)+strings.Join(cells, "|")+" in "+row.Partition)
		}
		for _, e := range r.Rejects {
			want.rejects = append(want.rejects, fmt.Sprintf("%d %d %s %s", i+100, e.Offset, e.Reason, e.Column))
			want.raws = append(want.raws, e.Raw)
		}
		for c, n := range r.BadValues {
			want.bad[c] += n
		}
		if r.Fail != nil {
			wantFail, failSource = r.Fail, i+100
			break
		}
	}

	d := newDecoder(t, s, Options{BatchID: batch, BlockBytes: blockBytes})
	var got shown
	var err error
	for i, text := range texts {
		if err = decodeAll(t, d, i+100, source(i), text, piece, func(b *Block) { got.add(t, s, b) }); err != nil {
			break
		}
	}
	if err == nil {
		var b *Block
		if b, err = d.Take(); err == nil {
			got.add(t, s, b)
		}
	}
	var fail *FailError
	if errors.As(err, &fail) || wantFail != nil {
		if fail == nil || wantFail == nil || fail.Source != failSource || fail.Offset != wantFail.Offset || fail.Column != wantFail.Column || fail.Bad.Error() != wantFail.Bad.Error() {
			t.Fatalf("failed with %v, want %+v in source %d", err, wantFail, failSource)
		}
		return got
	}
	if err != nil {
		t.Fatal(err)
	}
	if g, w := strings.Join(got.rows, "\n"), strings.Join(want.rows, "\n"); g != w {
		t.Fatalf("rows\n%s\nwant\n%s\nrejects %q, want %q", g, w, got.rejects, want.rejects)
	}
	if g, w := strings.Join(got.rejects, "\n"), strings.Join(want.rejects, "\n"); g != w {
		t.Fatalf("rejects\n%s\nwant\n%s", g, w)
	}
	for i, raw := range want.raws {
		if got.raws[i] != raw[:min(len(raw), scan.MaxRawBytes)] {
			t.Fatalf("reject %s of %q, want %q", got.rejects[i], got.raws[i], raw)
		}
	}
	if fmt.Sprint(got.bad) != fmt.Sprint(want.bad) {
		t.Fatalf("bad values %v, want %v", got.bad, want.bad)
	}
	return got
}

// TestRandom holds the decoder against package naive.
func TestRandom(t *testing.T) {
	g := &generator{rng: rand.New(rand.NewPCG(*seed, 0))}
	var rows, rejects, bad int
	for i := range *cases {
		s, text := g.schema()
		var texts [][]byte
		for range 1 + g.rng.IntN(4) {
			texts = append(texts, g.text())
		}
		blockBytes, piece := 1<<g.rng.IntN(20)+1, 1+g.rng.IntN(2000)
		t.Run("", func(t *testing.T) {
			seen := same(t, s, texts, blockBytes, piece)
			rows += len(seen.rows)
			rejects += len(seen.rejects)
			for _, n := range seen.bad {
				bad += int(n)
			}
		})
		if t.Failed() {
			t.Fatalf("case %d, blocks of %d, pieces of %d:\n%s\n%q", i, blockBytes, piece, text, texts)
		}
	}
	t.Logf("%d rows, %d rejects, %d bad values", rows, rejects, bad)
	if rows < 5**cases || rejects < *cases || bad < *cases {
		t.Errorf("only %d rows, %d rejects, %d bad values in %d cases", rows, rejects, bad, *cases)
	}
}

// everything has a column of every kind of work; a row is rejected for all reasons.
const everything = `
columns:
  - {name: id, type: int64, required: true}
  - {name: n, type: int32, on_bad: reject}
  - {name: s, type: string}
  - {name: deep, type: json, path: $.a.b}
  - {name: list, type: "list<struct<x:double,y:string>>"}
  - {name: tags, type: "map<string,int64>", path: $.a}
  - {name: at, type: timestamp, time: epoch_ms}
  - {name: log, type: timestamp, time: "%d/%b/%Y:%H:%M:%S %z"}
  - {name: ratio, type: double, expr: "cast(id as double) / (n - 1)", on_bad: reject}
  - {name: upper, type: string, expr: "upper(s)", required: true}
  - {name: whence, type: string, expr: "_source_key || '@' || cast(_source_offset as string)"}
  - {name: small, type: int32, expr: "cast(id as int32)"}
partitions:
  - {name: day, type: date, expr: "cast(at as date)"}
  - {name: part, type: string, expr: "cast(other as string)"}
  - {name: s}
unknown_fields: keep
`

// FuzzSame holds the decoder against package naive.
func FuzzSame(f *testing.F) {
	for _, text := range []string{
		`{"id":1,"n":2,"s":"x","a":{"b":[1, 2]},"list":[{"x":1.5,"y":"é"},null],"at":1767323045123,"log":"10/Oct/2000:13:55:36 -0700","other":"p/q","more":{}}` + "\n",
		`{"id":1,"n":1,"s":"x"}{"id":3e9,"n":2,"s":"","other":7}` + "\r\n" + `{"id":4,"s":"y","a":{"k":1,"l":null}}` + "\n\n" + `{"n":2}`,
		"\xef\xbb\xbf" + `{"id":1,"s":"x","n":1.5} [1]` + "\n" + `{"id":1,"s":"\ud800"}` + "\n" + `{"id":2,"s":"\u00e9","list":[{"x":"no"}]} {"id":`, "{\"id\":1,\"s\":\"\xff\"}\n{}\n{\"id\":1,\"id\":2}",
	} {
		f.Add([]byte(text), uint16(3), uint16(100))
	}
	s := parse(f, everything)
	f.Fuzz(func(t *testing.T, text []byte, piece, blockBytes uint16) {
		half := len(text) / 2
		same(t, s, [][]byte{text, text[half:], text[:half]}, int(blockBytes)+1, int(piece)+1)
	})
}
