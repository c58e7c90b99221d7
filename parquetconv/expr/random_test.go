package expr

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// randomTable is rows with nulls, edges and texts that repeat.
func randomTable(tb testing.TB, r *rand.Rand, rows int) *table {
	tb.Helper()
	t := &table{}
	column := func(name, typ string, values ...string) {
		column := make([]string, rows)
		for i := range column {
			column[i] = values[r.IntN(len(values))]
		}
		t.add(tb, name, typ, column...)
	}
	column("i", "int32", "null", "0", "1", "-1", "7", "2147483647", "-2147483648", "16")
	column("n", "int64", "null", "0", "1", "-3", "1700000000", "9223372036854775807", "-9223372036854775808", "1000000007")
	column("d", "double", "null", "0", "-2.5", "0.5", "1e300", "1700000000.25", "3", "-0.0")
	column("f", "float", "null", "1.5", "0", "-1e30", "0.1")
	column("c", "decimal(10,2)", "null", "0", "12.50", "-99999999.99", "0.01", "99999999.99")
	column("b", "boolean", "null", "true", "false")
	column("s", "string", "null", `""`, `"abc"`, `"Abc"`, `"Grüße, Welt"`, `"/a/b//c"`, `"2024-02-29T23:59:59Z"`, `" x y "`, `"42"`, `"a%20b+c"`, `"%zz"`, `"€uro_%"`, `"1969-12-31"`)
	column("t", "string", "null", `"abc"`, `"b"`, `"/"`, `"a"`, `"üß"`, `"-1"`, `"true"`, `"%b_"`)
	column("ts", "timestamp", "null", `"1970-01-01T00:00:00Z"`, `"1969-12-31T23:59:59.999999Z"`, `"2024-02-29T12:30:45.5Z"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999Z"`, `"2021-01-03T00:00:00Z"`)
	column("day", "date", "null", `"1970-01-01"`, `"1969-12-31"`, `"2024-02-29"`, `"2100-03-01"`, `"0001-01-01"`, `"9999-12-31"`)
	column("j", "json", "null", "1", `"x"`, `{"a":{"b":"deep","c":[1,"two"]}}`, "true", `"2024-01-01"`, "[1,2]", "0.5")
	column("y", "binary", "null", `""`, `"AAEC"`, `"/w=="`)
	return t
}

// generator writes expressions of a type that are right, mostly.
type generator struct{ r *rand.Rand }

func (g generator) one(of ...string) string { return of[g.r.IntN(len(of))] }

// expression writes one by templates, in which a letter in braces stands for
// an expression of a type.
func (g generator) expression(typ byte, depth int) string {
	template := g.one(leaves[typ]...)
	if depth > 0 && g.r.IntN(4) > 0 {
		template = g.one(append(slices.Clone(templates[typ]), anyTemplates...)...)
	}
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		if template[i] == '{' && i+2 < len(template) && template[i+2] == '}' {
			inner := template[i+1]
			if inner == '@' {
				inner = typ
			}
			b.WriteString("(" + g.expression(inner, depth-1) + ")")
			i += 2
			continue
		}
		b.WriteByte(template[i])
	}
	return b.String()
}

// The types of templates: b boolean, n whole number, d double, c decimal, s
// string, t timestamp, a date, j json.
var leaves = map[byte][]string{
	'b': {"b", "b", "true", "false", "cast(null as boolean)"},
	'n': {"i", "n", "n", "3", "-1", "0", "9223372036854775807", "cast(null as int64)"},
	'd': {"d", "d", "f", "2.5", "-1e10", "0.0"},
	'c': {"c", "c", "cast('1.5' as decimal(4,2))"},
	's': {"s", "s", "t", "'abc'", "''", "'Grüße'", "'42'", "cast(null as string)"},
	't': {"ts", "ts", "cast('2024-05-15T13:14:15.123456Z' as timestamp)"},
	'a': {"day", "cast('2024-02-29' as date)"},
	'j': {"j"},
}

var anyTemplates = []string{
	"case when {b} then {@} when {b} then {@} else {@} end", "case when {b} then {@} end", "coalesce({@}, {@})", "coalesce({@}, {@}, {@})", "nullif({@}, {@})",
	"case {n} when {n} then {@} when 3 then {@} else {@} end", "case {s} when 'abc' then {@} when {s} then {@} end", "greatest({@}, {@})", "least({@}, {@}, {@})",
}

var templates = map[byte][]string{
	'b': {
		"{n} = {n}", "{n} < {d}", "{s} <> {s}", "{s} <= {s}", "{s} = 'abc'", "{t} > {t}", "{a} >= {a}", "{c} < {c}", "{c} > 1.25", "{n} = {c}", "{b} = {b}", "{d} >= {d}", "{b} and {b}", "{b} or {b}", "not {b}", "{b} and {b} or {b}",
		"{n} is null", "{s} is not null", "{j} is null", "y is null", "{n} in (1, {n}, 7)", "{s} not in ('abc', 'b', {s})", "{s} in ('abc', null)", "{n} between {n} and {n}", "{s} not between 'a' and {s}", "{t} between {t} and {t}",
		"{s} like '%b%'", "{s} not like '_b_'", "{s} like {s}", "{s} like '%!%' escape '!'", "starts_with({s}, {s})", "regexp_like({s}, '[a-c]+')", "cast({s} as boolean)", "try_cast({s} as boolean)", "y = y", "{c} in (0.01, 12.5)",
	},
	'n': {
		"{n} + {n}", "{n} - {n}", "{n} * {n}", "{n} / {n}", "{n} % {n}", "-{n}", "length({s})", "strpos({s}, {s})", "cast({s} as bigint)", "try_cast({s} as int)", "cast({d} as bigint)", "try_cast({n} as int32)", "cast({c} as int64)", "try_cast({j} as int64)",
		"abs({n})", "round({n})", "bucket(16, {n})", "bucket(7, {s})", "bucket(7, {c})", "bucket(9, {t})", "bucket(5, {a})", "bucket(3, y)", "extract(year from {t})", "extract(week from {a})", "month({t})", "day({a})", "extract(dow from {t})", "second({t})", "extract(doy from {a})", "quarter({t})",
	},
	'd': {
		"{d} + {d}", "{d} - {n}", "{d} * {d}", "{n} / {d}", "{d} % {d}", "-{d}", "cast({s} as double)", "try_cast({s} as double)", "cast({n} as double)", "cast({c} as double)", "try_cast({d} as float)", "round({d})", "round({d}, 2)", "floor({d})", "ceil({d})", "abs({d})", "extract(epoch from {t})", "try_cast({j} as double)",
	},
	'c': {
		"try_cast({n} as decimal(10,2))", "try_cast({s} as decimal(10,2))", "try_cast({c} + {c} as decimal(10,2))", "try_cast({c} - 0.5 as decimal(10,2))", "cast(round({c} * {c}, 1) as decimal(12,2))", "-{c}", "abs({c})", "round({c}, 1)", "floor({c})", "ceil({c})",
	},
	's': {
		"lower({s})", "upper({s})", "{s} || {s}", "concat({s}, '-', {s})", "substr({s}, {n})", "substr({s}, 2, {n})", "substr({s}, -1, 4)", "split_part({s}, '/', 2)", "split_part({s}, {s}, {n})", "trim({s})", "ltrim({s}, 'a/')", "rtrim({s}, {s})", "trim(both {s} from {s})",
		"replace({s}, {s}, {s})", "replace({s}, 'b')", "regexp_extract({s}, '[a-z]+')", "regexp_extract({s}, '(.)b(.*)', 2)", "url_decode({s})", "cast({n} as string)", "cast({d} as string)", "cast({t} as string)", "cast({a} as string)", "cast({c} as string)", "cast({b} as string)", "cast({j} as string)", "cast(y as string)",
		"json_extract_scalar({j}, '$.a.c[1]')", "json_extract_scalar({j}, '$')", "json_extract_scalar({j}, '$.a.b')",
	},
	't': {
		"date_trunc('hour', {t})", "date_trunc('month', {t})", "date_trunc('week', {t})", "cast({a} as timestamp)", "cast({s} as timestamp)", "try_cast({s} as timestamp)", "from_unixtime({n})", "from_unixtime({d})", "from_unixtime_ms({n})", "from_unixtime({c})", "to_timestamp({s})", "to_timestamp({s}, '%Y-%m-%d')", "date_trunc('second', {t})",
	},
	'a': {
		"cast({t} as date)", "date_trunc('year', {a})", "date_trunc('quarter', {a})", "try_cast({s} as date)", "cast({s} as date)", "date_trunc('week', {a})", "try_cast({j} as date)",
	},
	'j': {"j", "case when {b} then {j} end"},
}

// TestFormsAgree: an expression gives the same values and faults for all rows
// at once, for each row alone, for texts as dictionaries, and for columns that
// are slices of others.
func TestFormsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	const rows = 40
	expressions := 1000
	if testing.Short() {
		expressions = 200
	}
	rowForms := []form{{}, {dictionaries: true}}
	data := randomTable(t, r, rows)
	whole := map[string]*Batch{"plain": data.batch(t, 0, rows, form{}), "dictionaries": data.batch(t, 0, rows, form{dictionaries: true}), "slices": data.batch(t, 0, rows, form{padding: 3})}
	single := make([][]*Batch, rows)
	for i := range single {
		for _, f := range rowForms {
			single[i] = append(single[i], data.batch(t, i, i+1, f))
		}
	}
	parsed, values, nulls, faults := 0, 0, 0, 0
	for range expressions {
		text := generator{r}.expression("bndcsta"[r.IntN(7)], 1+r.IntN(4))
		e, err := Parse(text, data.scope)
		if err != nil {
			continue // such as a greatest of json
		}
		parsed++
		want := make([]string, rows)
		for i := range want {
			want[i] = results(t, e, single[i][0])[0]
			if got := results(t, e, single[i][1])[0]; got != want[i] {
				t.Errorf("%s\nrow %d as a dictionary: %s, want %s", text, i, got, want[i])
			}
			switch {
			case want[i] == "null":
				nulls++
			case want[i][:min(1, len(want[i]))] == "!":
				faults++
			default:
				values++
			}
		}
		for name, b := range whole {
			for i, got := range results(t, e, b) {
				if got != want[i] {
					t.Errorf("%s\n%s, row %d: %s, want %s", text, name, i, got, want[i])
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	if least := expressions * 9 / 10; parsed < least || values < rows*expressions/5 || nulls == 0 || faults == 0 {
		t.Errorf("%d of %d expressions were right; %d values, %d nulls, %d faults", parsed, expressions, values, nulls, faults)
	}
	t.Logf("%d expressions, %d values, %d nulls, %d faults", parsed, values, nulls, faults)
}

// TestOneExpressionManyGoroutines is for the race detector too.
func TestOneExpressionManyGoroutines(t *testing.T) {
	const rows = 50
	data := randomTable(t, rand.New(rand.NewPCG(1, 2)), rows)
	for _, text := range []string{
		"case s when t then lower(s) when 'abc' then regexp_extract(s, '(b)(c)', 2) else url_decode(s) end", "s like t escape '!'", "s like '%b%' and regexp_like(t, 'b')",
		"json_extract_scalar(j, '$.a.b') || cast(j as string)", "try_cast(s as timestamp) between ts and ts", "c * 2 in (25, 0.02)", "coalesce(to_timestamp(s, '%Y-%m-%d'), ts)",
	} {
		e, err := Parse(text, data.scope)
		if err != nil {
			t.Fatal(err)
		}
		b := data.batch(t, 0, rows, form{dictionaries: true})
		want := results(t, e, b)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if got := results(t, e, &Batch{Rows: rows, Columns: b.Columns}); !slices.Equal(got, want) {
					t.Errorf("%s: %v, want %v", text, got, want)
				}
			})
		}
		all.Wait()
	}
}
