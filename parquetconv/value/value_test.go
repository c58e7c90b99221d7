package value

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func mustType(t testing.TB, s string) Type {
	t.Helper()
	typ, err := ParseType(s)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// TestFromJSON is the table of what each type takes and how it is shown.
func TestFromJSON(t *testing.T) {
	for _, c := range []struct{ typ, json, want string }{ // want: the text form, null, or !reason
		{"boolean", `true`, "true"}, {"boolean", `false`, "false"}, {"boolean", `1`, "!type"}, {"boolean", `"true"`, "!type"}, {"boolean", `null`, "null"},
		{"int32", `2147483647`, "2147483647"}, {"int32", `-2147483648`, "-2147483648"}, {"int32", `2147483648`, "!range"}, {"int32", `-2147483649`, "!range"},
		{"int32", `1.0`, "1"}, {"int32", `1e3`, "1000"}, {"int32", `1.5`, "!fraction"}, {"int32", `1e-1`, "!fraction"}, {"int32", `"1"`, "!type"}, {"int32", `{}`, "!type"}, {"int32", `[1]`, "!type"}, {"int32", `true`, "!type"},
		{"int64", `9223372036854775807`, "9223372036854775807"}, {"int64", `-9223372036854775808`, "-9223372036854775808"},
		{"int64", `9223372036854775808`, "!range"}, {"int64", `-9223372036854775809`, "!range"}, {"int64", `1e19`, "!range"}, {"int64", `1e999999999`, "!range"}, {"int64", `-0`, "0"}, {"int64", `0e99999999999999999999`, "0"},
		{"int64", `9007199254740993`, "9007199254740993"}, {"int64", `123456789012345678.0`, "123456789012345678"}, {"int64", `1e-99999999999`, "!fraction"},
		{"float", `0.1`, "0.1"}, {"float", `1e39`, "!range"}, {"float", `3.4028235e38`, "3.4028235e+38"},
		{"double", `0.1`, "0.1"}, {"double", `1e400`, "!range"}, {"double", `1e-400`, "0"}, {"double", `123`, "123"}, {"double", `"1"`, "!type"},
		{"decimal(5,2)", `123.45`, "123.45"}, {"decimal(5,2)", `1`, "1.00"}, {"decimal(5,2)", `-0.01`, "-0.01"}, {"decimal(5,2)", `123.456`, "!fraction"}, {"decimal(5,2)", `1234`, "!range"}, {"decimal(5,2)", `1.500`, "1.50"}, {"decimal(5,2)", `"1"`, "!type"},
		{"decimal(38,0)", `99999999999999999999999999999999999999`, "99999999999999999999999999999999999999"}, {"decimal(38,0)", `1e38`, "!range"}, {"decimal(38,0)", `1e999999999`, "!range"},
		{"decimal(38,38)", `0.00000000000000000000000000000000000001`, "0.00000000000000000000000000000000000001"},
		{"string", `"a"`, "a"}, {"string", `"\u00e9\n\ud83d\ude00"`, "é\n😀"}, {"string", `12345678901234567890.10`, "12345678901234567890.10"}, {"string", `true`, "!type"}, {"string", `{"a":1}`, "!type"}, {"string", `""`, ""},
		{"binary", `"AP8="`, "AP8="}, {"binary", `"AP8"`, "!syntax"}, {"binary", `"*"`, "!syntax"}, {"binary", `1`, "!type"},
		{"date", `"2024-02-29"`, "2024-02-29"}, {"date", `"2023-02-29"`, "!syntax"}, {"date", `"1969-12-31"`, "1969-12-31"}, {"date", `"2024-2-9"`, "!syntax"}, {"date", `20240229`, "!type"},
		{"timestamp", `"2024-01-02T03:04:05Z"`, "2024-01-02T03:04:05Z"}, {"timestamp", `"2024-01-02T03:04:05.123456789+02:00"`, "2024-01-02T01:04:05.123456Z"},
		{"timestamp", `"1969-12-31T23:59:59.999999Z"`, "1969-12-31T23:59:59.999999Z"}, {"timestamp", `"0001-01-01T00:00:00Z"`, "0001-01-01T00:00:00Z"}, {"timestamp", `"9999-12-31T23:59:59Z"`, "9999-12-31T23:59:59Z"},
		{"timestamp", `"2024-01-02t03:04:05.5z"`, "2024-01-02T03:04:05.5Z"}, {"timestamp", `"2024-01-02T03:04:05+23:59"`, "2024-01-01T03:05:05Z"}, {"timestamp", `"2024-01-02T03:04:05-00:00"`, "2024-01-02T03:04:05Z"},
		{"timestamp", `"2024-01-02T03:04:05+24:00"`, "!syntax"}, {"timestamp", `"2024-01-02T03:04:05+23:60"`, "!syntax"}, {"timestamp", `"2016-12-31T23:59:60Z"`, "!syntax"},
		{"timestamp", `"0000-12-31T23:59:59Z"`, "!range"}, {"timestamp", `"0001-01-01T00:00:00+00:01"`, "!range"}, {"timestamp", `"9999-12-31T23:59:59-00:01"`, "!range"}, {"date", `"0000-01-01"`, "!range"}, {"date", `"0001-01-01"`, "0001-01-01"},
		{"timestamp", `"2024-01-02 03:04:05"`, "!syntax"}, {"timestamp", `"2024-01-02T03:04:05"`, "!syntax"}, {"timestamp", `"2024-01-02T25:04:05Z"`, "!syntax"}, {"timestamp", `"2024-01-02T3:04:05.12Z"`, "!syntax"}, {"timestamp", `1700000000`, "!type"}, {"timestamp", `"-"`, "!syntax"},
		{"json", `{"a": [1, 2.0]}`, `{"a": [1, 2.0]}`}, {"json", `"x"`, `"x"`}, {"json", `null`, "null"},
	} {
		typ := mustType(t, c.typ)
		v, _, bad := FromJSON([]byte(c.json), typ, nil)
		if got := shown(v, typ, bad); got != c.want {
			t.Errorf("%s from %s: %s, want %s", c.typ, c.json, got, c.want)
		}
	}
}

func shown(v Value, typ Type, bad *Bad) string {
	switch {
	case bad != nil:
		return "!" + bad.Reason
	case v.Null:
		return "null"
	}
	return string(AppendText(nil, v, typ))
}

// TestLongNumbers: an exponent may make up for any number of digits, and no more.
func TestLongNumbers(t *testing.T) {
	zeros := strings.Repeat("0", 30_000)
	for _, c := range []struct{ typ, json, want string }{
		{"int64", "1" + zeros + "e-30000", "1"}, {"int64", "0." + zeros + "1e30001", "1"},
		{"int64", "0." + zeros + "1e60000", "!range"}, {"int64", "0." + zeros[:9999] + "1e20000", "!range"}, {"int64", "1" + zeros[:20_000] + "e-30000", "!fraction"},
		{"decimal(38,5)", "0." + zeros[:10_004] + "1e20000", "!range"}, {"decimal(38,5)", "0." + zeros + "1e29999", "0.01000"},
	} {
		typ := mustType(t, c.typ)
		v, _, bad := FromJSON([]byte(c.json), typ, nil)
		if got := shown(v, typ, bad); got != c.want {
			t.Errorf("%s from %.20s…%s: %s, want %s", c.typ, c.json, c.json[len(c.json)-10:], got, c.want)
		}
	}
}

func TestCastJSON(t *testing.T) {
	for _, c := range []struct{ typ, json, want string }{
		{"int64", `"12"`, "12"}, {"int64", `"x"`, "!syntax"}, {"int64", `12`, "12"}, {"int64", `true`, "!type"}, {"int64", `null`, "null"},
		{"double", `"0.25"`, "0.25"}, {"double", `"Inf"`, "!syntax"}, {"double", `"NaN"`, "!syntax"}, {"double", `"0x1p-2"`, "!syntax"}, {"double", `"1_0"`, "!syntax"}, {"double", `""`, "!syntax"},
		{"string", `{"a":1}`, `{"a":1}`}, {"string", `"a\"b"`, `a"b`}, {"string", `true`, "true"}, {"boolean", `"TRUE"`, "true"}, {"boolean", `"yes"`, "!syntax"},
		{"timestamp", `"2024-01-02T03:04:05Z"`, "2024-01-02T03:04:05Z"}, {"decimal(4,1)", `"+0012.5"`, "12.5"},
	} {
		typ := mustType(t, c.typ)
		v, _, bad := CastJSON([]byte(c.json), typ, nil)
		if got := shown(v, typ, bad); got != c.want {
			t.Errorf("cast(%s as %s): %s, want %s", c.json, c.typ, got, c.want)
		}
	}
}

func TestParseType(t *testing.T) {
	for in, want := range map[string]string{
		"INT": "int32", "bigint": "int64", "varchar": "string", "Decimal( 10 , 2 )": "decimal(10,2)", "bool": "boolean", "real": "float", "timestamp": "timestamp",
		"decimal": "", "decimal(0,0)": "", "decimal(39,0)": "", "decimal(5,6)": "", "decimal(5)": "", "decimal(5,2": "", "list<int64>": "list<int64>", "ARRAY < string >": "list<string>", "struct<a int64>": "", "struct<>": "", "list": "", "list<>": "", "list<int64": "", "list<int64>>": "",
		"struct<a: int, \"b c\": list< struct<\"\\\"x\\\\\":decimal(5,2)> >>": "struct<a:int32,\"b c\":list<struct<\"\\\"x\\\\\":decimal(5,2)>>>", "struct<a:int,A:int>": "", "struct<\"\":int>": "",
		"map<string,map<varchar,json>>": "map<string,map<string,json>>", "map<int64,string>": "", "map<string>": "", "null<int64>": "", "null": "", "": "", "text": "",
	} {
		typ, err := ParseType(in)
		if err != nil != (want == "") || err == nil && typ.String() != want {
			t.Errorf("%q: %v, %v; want %q", in, typ, err, want)
		}
		if again, err := ParseType(want); want != "" && (err != nil || again != typ) {
			t.Errorf("%q: %v again, %v; want %v", want, again, err, typ)
		}
	}
}

func TestDaysBeforeTheEpoch(t *testing.T) {
	for micros, day := range map[int64]int64{0: 0, -1: -1, -MicrosPerDay: -1, -MicrosPerDay - 1: -2, MicrosPerDay - 1: 0, MicrosPerDay: 1} {
		if got := DayOf(micros); got != day {
			t.Errorf("day of %d: %d, want %d", micros, got, day)
		}
	}
}

// FuzzNumber holds the exact readers against math/big and strconv.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0.0", "1e3", "1.50", "12345678901234567890", "-9223372036854775808", "1e-5", "0.1e1", "9e18", "1E+2"} {
		f.Add(s)
	}
	decimal := Type{Kind: Decimal, Precision: 20, Scale: 5}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 100 || jsontext.Value(s).Kind() != '0' || !jsontext.Value(s).IsValid() {
			return
		}
		if bytes.ContainsAny([]byte(s), " \t\r\n") {
			return
		}
		if exp, ok := exponentOf(s); !ok || exp > 2000 || exp < -2000 {
			return
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("math/big does not read %q", s)
		}
		got, bad := ParseInt([]byte(s), 64)
		fits := exact.IsInt() && exact.Num().IsInt64()
		if fits != (bad == nil) || fits && got != exact.Num().Int64() {
			t.Errorf("int64 of %q: %d, %v", s, got, bad)
		}
		scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt64(100_000))
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil)
		fits = scaled.IsInt() && new(big.Int).Abs(scaled.Num()).Cmp(limit) < 0
		num, bad := ParseDecimal([]byte(s), decimal)
		if fits != (bad == nil) || fits && num.BigInt().Cmp(scaled.Num()) != 0 {
			t.Errorf("decimal of %q: %v, %v", s, num, bad)
		}
		want, err := strconv.ParseFloat(s, 64)
		d, bad := ParseFloat([]byte(s), 64)
		if (err == nil) != (bad == nil) || err == nil && math.Float64bits(d) != math.Float64bits(want) {
			t.Errorf("double of %q: %v, %v", s, d, bad)
		}
	})
}

func exponentOf(s string) (int, bool) {
	i := bytes.IndexAny([]byte(s), "eE")
	if i < 0 {
		return 0, true
	}
	n, err := strconv.Atoi(s[i+1:])
	return n, err == nil
}
