//go:build interop

package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// engineColumns is the first schema of the table that the engines read, without
// its id; the second one has engineLater too.
const engineColumns = `
  - {name: ts, type: timestamp}
  - {name: seen, type: timestamp, time: epoch_us}
  - {name: flag, type: boolean}
  - {name: small, type: int32}
  - {name: big, type: int64}
  - {name: ratio, type: double}
  - {name: f, type: float}
  - {name: price, type: "decimal(12,2)"}
  - {name: wide, type: "decimal(38,10)"}
  - {name: drift, type: string}
  - {name: "user id", type: string, bloom: true}
  - {name: requestId, type: string}
  - {name: raw, type: binary}
  - {name: born, type: date}
  - {name: anything, type: json}
  - {name: tags, type: "list<string>"}
  - {name: matrix, type: "list<list<int32>>"}
  - {name: geo, type: "struct<lat: double, at: timestamp, place: struct<n: int64, name: string>>"}
  - {name: labels, type: "map<string,int64>"}
  - {name: events, type: "list<struct<k: string, v: decimal(9,3)>>"}
  - {name: app, type: string}
`

// engineLater stands before the other columns, so that who goes by position is found out.
const engineLater = `
  - {name: later, type: "struct<a: int64, b: list<date>>"}
`

func engineSchema(columns string) string {
	return "version: 1\ncolumns:\n  - {name: id, type: int64, required: true}" + columns + `
partitions:
  - {name: dt, type: date, expr: "cast(ts as date)"}
  - {name: app}
unknown_fields: keep
`
}

// engineApps are texts that a folder's name has to be escaped for, or that look
// like something else.
var engineApps = []string{
	`"plain"`, `"a/b c"`, `"é"`, `"x=y%"`, `"100%25"`, `"007"`, `7`, `"1e5"`, `"true"`, `"2026-01-01"`, `""`, `null`, `"tab\there"`,
	`"quote'\""`, `"a:b"`, `"日本😀"`, `"a+b"`, `" lead"`, `"trail "`, `"*?[x]{y}^#"`, `"back\\slash"`, `"_hidden"`, `".dot"`, `"Plain"`, `"null"`, `"line\nend"`, `"$1&;"`,
}

// engineValues are texts of values for each column: what it takes, its edges,
// and what it doesn't take.
var engineValues = map[string][]string{
	"seen":      {"0", "-1", "1767225600000000", "-2208988800000001", "1767225600000000.5", "253402300799999999", `"text"`},
	"flag":      {"true", "false", `"true"`, "1"},
	"small":     {"2147483647", "-2147483648", "2147483648", "1.0", "1.5", `"7"`, "-0", "3e2"},
	"big":       {"9223372036854775807", "-9223372036854775808", "9223372036854775808", "9007199254740993", "1e3", "-1.50e1", "0.5", `"12"`},
	"ratio":     {"0.1", "1e308", "5e-324", "-0.0", "1e400", "9007199254740993", "123456789.125", "3", `"0.1"`},
	"f":         {"0.25", "-1024.75", "3", "16777217", "1e39", `"1"`},
	"price":     {"0.01", "-9999999999.99", "9999999999.99", "10000000000", "1.005", "12.5e1", "0", `"1.00"`},
	"wide":      {"1234567890123456789012345678.0123456789", "-0.0000000001", "9999999999999999999999999999.9999999999", "0.00000000001", "1e-3"},
	"drift":     {"1", "2.50", "1e3", `"three"`, `"3"`, `""`, "18446744073709551616", `"\u0000\u00e9\ud83d\ude00"`, "true"},
	"user id":   {`"u1"`, `"u2"`, `"ü\"\\"`, `"日本語"`, `"\ud83d\ude00"`, "17"},
	"requestId": {`"r-1"`, `"R-1"`, `"\t\n\u2028"`, `"𝄞"`},
	"raw":       {`"AP8="`, `""`, `"no base64!"`, `"AAECAwQF"`},
	"born":      {`"1969-12-31"`, `"1970-01-01"`, `"0001-01-01"`, `"1582-10-10"`, `"9999-12-31"`, `"2024-02-29"`, `"2023-02-29"`, `"yesterday"`},
	"anything":  {`{"x":[1, 2.50,"é"],"y":{"z":null}}`, `[1,[2,[]]]`, `"text\n"`, "1.50", "true", "{}", `{"a/b":"\/"}`},
	"tags":      {`[]`, `["a","b","é"]`, `["a",null]`, `[null]`, `["a",7]`, `["",""]`, `["a",{}]`, `"a"`},
	"matrix":    {`[[1,2],[],null,[3]]`, `[]`, `[[2147483647,-2147483648]]`, `[[null]]`, `[[1],[2147483648]]`, `[1]`},
	"geo": {`{"lat":0.5,"at":"1969-12-31T23:59:59.999999Z","place":{"n":9223372036854775807,"name":"é"}}`, `{}`, `{"place":{}}`, `{"place":null,"lat":1}`,
		`{"lat":"x"}`, `{"other":1,"lat":-1.5}`, `{"at":"2026-01-01T02:00:00.000001+02:00"}`, `[]`},
	"labels": {`{}`, `{"a":1,"b":-9223372036854775808}`, `{"é":null}`, `{"":0}`, `{"a":"x"}`, `[]`},
	"events": {`[{"k":"a","v":1.5},{"k":null},null]`, `[]`, `[{}]`, `[{"v":-999999.999}]`, `[{"v":0.0001}]`, `{}`},
	"later":  {`{"a":1,"b":["2026-01-01",null]}`, `{"a":-9223372036854775808}`, `{}`, `{"b":[]}`, `{"a":"x"}`},
	"beyond": {"1", `"é"`, `{"deep":[true,null]}`, "[]"}, // no column has it
}

// engineTimes are for ts; most rows are of few days so that partitions hold several.
func engineTime(r *rand.Rand, i int) string {
	switch i % 97 {
	case 3:
		return `"0001-01-01T00:00:00Z"`
	case 5:
		return `"9999-12-31T23:59:59.999999999Z"`
	case 7:
		return `"no time"`
	case 11:
		return `"1969-12-31T23:59:59.9999999Z"`
	case 13:
		return `"1582-10-10T12:00:00.000001Z"`
	}
	return fmt.Sprintf(`"2026-01-%02dT%02d:%02d:%02d.%06d%s"`, 2+i%2, r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e6), []string{"Z", "+00:00"}[r.IntN(2)])
}

// engineRows are rows of JSON text, from an id on.
func engineRows(columns []string, from, n int) []string {
	r := rand.New(rand.NewPCG(uint64(from), 7))
	rows := make([]string, n)
	for i := range rows {
		fields := []string{fmt.Sprintf(`"id":%d`, from+i)}
		add := func(name, text string) {
			switch r.IntN(12) {
			case 0: // missing
			case 1:
				fields = append(fields, fmt.Sprintf(`%q: null`, name))
			default:
				fields = append(fields, fmt.Sprintf(`%q: %s`, name, text))
			}
		}
		add("ts", engineTime(r, i))
		add("app", engineApps[i%len(engineApps)])
		for _, name := range columns {
			add(name, engineValues[name][r.IntN(len(engineValues[name]))])
		}
		if r.IntN(4) == 0 {
			add("beyond", engineValues["beyond"][r.IntN(4)])
		}
		rows[i] = "{" + strings.Join(fields, ", ") + "}"
	}
	return rows
}

// oracle gives the values that columns of several types take, out of JSON text
// as json/v2 reads it: nil for null and for what a column doesn't take. Whole
// numbers, decimals and times are strings, so that no digit is lost on the way
// through JSON: times in microseconds since 1970.
type oracle struct{ t *testing.T }

func (o oracle) members(text jsontext.Value) (m map[string]jsontext.Value) {
	o.t.Helper()
	if err := json.Unmarshal(text, &m); err != nil {
		o.t.Fatalf("%s: %v", text, err)
	}
	return m
}

// oracleType is a function that gives the value of a text, and says whether it is one of the type.
type oracleType func(text jsontext.Value) (v any, ok bool)

// value is that of a row's member.
func (o oracle) value(k oracleType, text jsontext.Value) any {
	if v, ok := o.orNull(k, text); ok {
		return v
	}
	return nil
}

func (o oracle) orNull(k oracleType, text jsontext.Value) (any, bool) {
	if text == nil || text.Kind() == 'n' {
		return nil, true
	}
	return k(text)
}

func (o oracle) number(text jsontext.Value) (*big.Rat, bool) {
	if text.Kind() != '0' {
		return nil, false
	}
	return new(big.Rat).SetString(string(text))
}

func (o oracle) whole(bits int) oracleType {
	return func(text jsontext.Value) (any, bool) {
		n, ok := o.number(text)
		if !ok || !n.IsInt() {
			return nil, false
		}
		_, err := strconv.ParseInt(n.Num().String(), 10, bits)
		return n.Num().String(), err == nil
	}
}

func (o oracle) float(bits int) oracleType {
	return func(text jsontext.Value) (any, bool) {
		if text.Kind() != '0' {
			return nil, false
		}
		f, err := strconv.ParseFloat(string(text), bits)
		return f, err == nil && !math.IsInf(f, 0)
	}
}

func (o oracle) decimal(precision, scale int) oracleType {
	return func(text jsontext.Value) (any, bool) {
		n, ok := o.number(text)
		if !ok {
			return nil, false
		}
		power := func(n int) *big.Rat {
			return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
		}
		unscaled := new(big.Rat).Mul(n, power(scale))
		return plainDecimal(n.FloatString(scale)), unscaled.IsInt() && unscaled.Abs(unscaled).Cmp(power(precision)) < 0
	}
}

// plainDecimal leaves out the zeros at the end, which pyspark adds to.
func plainDecimal(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func (o oracle) boolean(text jsontext.Value) (any, bool) {
	return text.Kind() == 't', text.Kind() == 't' || text.Kind() == 'f'
}

func (o oracle) text(text jsontext.Value) (any, bool) {
	switch text.Kind() {
	case '0':
		return string(text), true
	case '"':
		var s string
		err := json.Unmarshal(text, &s)
		return s, err == nil
	}
	return nil, false
}

func (o oracle) quoted(parse func(string) (string, error)) oracleType {
	return func(text jsontext.Value) (any, bool) {
		if text.Kind() != '"' {
			return nil, false
		}
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, false
		}
		v, err := parse(s)
		return v, err == nil
	}
}

func (o oracle) binary(text jsontext.Value) (any, bool) {
	return o.quoted(func(s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		return hex.EncodeToString(b), err
	})(text)
}

func (o oracle) date(text jsontext.Value) (any, bool) {
	return o.quoted(func(s string) (string, error) {
		d, err := time.Parse(time.DateOnly, s)
		return d.Format(time.DateOnly), err
	})(text)
}

func (o oracle) time(text jsontext.Value) (any, bool) {
	return o.quoted(func(s string) (string, error) {
		at, err := time.Parse(time.RFC3339Nano, s)
		return strconv.FormatInt(at.UnixMicro(), 10), err
	})(text)
}

// epoch is a number of microseconds; what is less is cut off towards the past.
func (o oracle) epoch(text jsontext.Value) (any, bool) {
	n, ok := o.number(text)
	if !ok {
		return nil, false
	}
	return new(big.Int).Div(n.Num(), n.Denom()).String(), true
}

func (o oracle) json(text jsontext.Value) (any, bool) { return string(text), true }

func (o oracle) list(elem oracleType) oracleType {
	return func(text jsontext.Value) (any, bool) {
		var texts []jsontext.Value
		if text.Kind() != '[' || json.Unmarshal(text, &texts) != nil {
			return nil, false
		}
		all := []any{}
		for _, t := range texts {
			v, ok := o.orNull(elem, t)
			if !ok {
				return nil, false
			}
			all = append(all, v)
		}
		return all, true
	}
}

func (o oracle) dict(elem oracleType) oracleType {
	return func(text jsontext.Value) (any, bool) {
		if text.Kind() != '{' {
			return nil, false
		}
		all := map[string]any{}
		for name, t := range o.members(text) {
			v, ok := o.orNull(elem, t)
			if !ok {
				return nil, false
			}
			all[name] = v
		}
		return all, true
	}
}

func (o oracle) record(fields map[string]oracleType) oracleType {
	return func(text jsontext.Value) (any, bool) {
		if text.Kind() != '{' {
			return nil, false
		}
		members, all := o.members(text), map[string]any{}
		for name, k := range fields {
			v, ok := o.orNull(k, members[name])
			if !ok {
				return nil, false
			}
			all[name] = v
		}
		return all, true
	}
}

// row is what the table holds of a row of text.
func (o oracle) row(text string) map[string]any {
	o.t.Helper()
	members, row := o.members(jsontext.Value(text)), map[string]any{}
	for name, k := range map[string]oracleType{
		"id": o.whole(64), "ts": o.time, "seen": o.epoch, "flag": o.boolean, "small": o.whole(32), "big": o.whole(64),
		"ratio": o.float(64), "f": o.float(32), "price": o.decimal(12, 2), "wide": o.decimal(38, 10), "drift": o.text,
		"user id": o.text, "requestId": o.text, "raw": o.binary, "born": o.date, "anything": o.json, "app": o.text,
		"tags": o.list(o.text), "matrix": o.list(o.list(o.whole(32))), "labels": o.dict(o.whole(64)),
		"geo": o.record(map[string]oracleType{"lat": o.float(64), "at": o.time,
			"place": o.record(map[string]oracleType{"n": o.whole(64), "name": o.text})}),
		"events": o.list(o.record(map[string]oracleType{"k": o.text, "v": o.decimal(9, 3)})),
		"later":  o.record(map[string]oracleType{"a": o.whole(64), "b": o.list(o.date)}),
	} {
		row[name] = o.value(k, members[name])
	}
	row["dt"] = nil
	if at, ok := row["ts"].(string); ok {
		us, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			o.t.Fatal(err)
		}
		row["dt"] = time.UnixMicro(us).UTC().Format(time.DateOnly)
	}
	if row["app"] == "" {
		row["app"] = nil // Hive's folder for null stands for both
	}
	row["_extra"] = nil
	if beyond, ok := members["beyond"]; ok {
		row["_extra"] = fmt.Sprintf(`{"beyond": %s}`, beyond) // as it was written, white space too
	}
	return row
}
