package expr

import (
	"errors"
	"fmt"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// testRow are the columns that the expressions of the tests know.
var testRow = []struct {
	name, typ, json string
}{
	{"i", "int32", "7"}, {"big", "int64", "9223372036854775807"}, {"d", "double", "2.5"}, {"s", "string", `"Grüße, Welt"`}, {"b", "boolean", "true"},
	{"ts", "timestamp", `"2024-05-15T13:14:15.123456Z"`}, {"day", "date", `"2024-05-15"`}, {"dec", "decimal(10,2)", "12.50"}, {"j", "json", `"0.25"`}, {"obj", "json", `{"a":1}`},
	{"nul", "int64", "null"}, {"nuls", "string", "null"}, {"odd name", "int64", "3"}, {"f", "float", "1.5"}, {"path", "string", `"a/b//c"`}, {"nulb", "boolean", "null"},
}

func testScope(name string) (int, value.Type, bool) {
	for i, c := range testRow {
		if c.name == name {
			t, err := value.ParseType(c.typ)
			return i, t, err == nil
		}
	}
	return 0, value.Type{}, false
}

func row(t testing.TB) *Row {
	t.Helper()
	r := &Row{}
	for _, c := range testRow {
		_, typ, _ := testScope(c.name)
		v, _, bad := value.FromJSON([]byte(c.json), typ, nil)
		if bad != nil {
			t.Fatal(bad)
		}
		r.Values = append(r.Values, v)
	}
	return r
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ text, want string }{ // want: type and text form, or null, or !reason
		{"1 + 2 * 3", "int64 7"}, {"(1 + 2) * 3", "int64 9"}, {"7 / 2", "int64 3"}, {"-7 / 2", "int64 -3"}, {"-7 % 3", "int64 -1"}, {"7 / 2.0", "double 3.5"}, {"1 - 2 - 3", "int64 -4"},
		{"- -3", "int64 3"}, {"-i", "int64 -7"}, {"+i", "int32 7"}, {"-d", "double -2.5"}, {"-9223372036854775808", "int64 -9223372036854775808"},
		{"big + 1", "!range"}, {"big * 2", "!range"}, {"-big - 2", "!range"}, {"-(-9223372036854775808)", "!range"}, {"-9223372036854775808 / -1", "!range"}, {"-9223372036854775808 % -1", "int64 0"}, {"-9223372036854775808 * 1", "int64 -9223372036854775808"},
		{"i / 0", "!division"}, {"i % 0", "!division"}, {"d / 0", "!division"}, {"1e308 * 10", "!range"}, {"i + nul", "int64 null"}, {"5.5 % 2", "double 1.5"},
		{"i = 7", "boolean true"}, {"i <> 7", "boolean false"}, {"i != 7", "boolean false"}, {"d >= 2", "boolean true"}, {"'a' < 'b'", "boolean true"}, {"day = cast('2024-05-15' as date)", "boolean true"}, {"nul = 1", "boolean null"}, {"null = null", "boolean null"}, {"f < d", "boolean true"}, {"dec = dec", "boolean true"}, {"b = true", "boolean true"},
		{"b and i > 3", "boolean true"}, {"b and nulb", "boolean null"}, {"not b and nulb", "boolean false"}, {"nulb and not b", "boolean false"}, {"b or nulb", "boolean true"}, {"nulb or b", "boolean true"}, {"nulb or not b", "boolean null"}, {"not nulb", "boolean null"}, {"not not b", "boolean true"}, {"not i = 3", "boolean true"},
		{"false and 1/0 = 1", "boolean false"}, {"true or 1/0 = 1", "boolean true"},
		{"nul is null", "boolean true"}, {"i is null", "boolean false"}, {"i is not null", "boolean true"}, {"i in (1, 7)", "boolean true"}, {"i not in (1, 7)", "boolean false"}, {"i in (1, nul)", "boolean null"}, {"i in (7, nul)", "boolean true"}, {"i not in (1)", "boolean true"}, {"nul in (1)", "boolean null"},
		{"cast(i as string)", "string 7"}, {"cast('42' as bigint)", "int64 42"}, {"cast('x' as int)", "!syntax"}, {"try_cast('x' as int)", "int32 null"}, {"cast(d as int32)", "int32 3"}, {"cast(-2.5 as int64)", "int64 -3"}, {"cast(1e19 as int64)", "!range"}, {"cast(big as int32)", "!range"}, {"try_cast(big as int32)", "int32 null"},
		{"cast(j as double) * 1000", "double 250"}, {"cast(obj as string)", `string {"a":1}`}, {"cast(obj as int64)", "!type"}, {"cast(ts as date)", "date 2024-05-15"}, {"cast(day as timestamp)", "timestamp 2024-05-15T00:00:00Z"}, {"cast(ts as string)", "string 2024-05-15T13:14:15.123456Z"},
		{"cast(dec as double)", "double 12.5"}, {"cast(dec as int64)", "!fraction"}, {"cast(12.5 as decimal(10,2))", "decimal(10,2) 12.50"}, {"cast(i as decimal(3,1))", "decimal(3,1) 7.0"}, {"cast(b as string)", "string true"}, {"cast(null as int64)", "int64 null"}, {"cast(1e300 as float)", "!range"}, {"cast(i as double)", "double 7"}, {"cast('2024-01-01T00:00:00+01:00' as timestamp)", "timestamp 2023-12-31T23:00:00Z"},
		{"coalesce(nul, i, 3)", "int64 7"}, {"coalesce(nul, 1.5)", "double 1.5"}, {"coalesce(null, null)", "null null"}, {"nullif(i, 7)", "int32 null"}, {"nullif(i, 8)", "int32 7"}, {"nullif(nul, 8)", "int64 null"},
		{"lower(s)", "string grüße, welt"}, {"upper('aé')", "string AÉ"}, {"length(s)", "int64 11"}, {"length(nuls)", "int64 null"}, {"concat('a', s, 'b')", "string aGrüße, Weltb"}, {"'a' || 'b' || 'c'", "string abc"}, {"concat('a', nuls)", "string null"}, {"concat(concat('a','b'), concat('c','d'))", "string abcd"},
		{"substr(s, 1, 5)", "string Grüße"}, {"substr(s, 4)", "string ße, Welt"}, {"substring(s, 0, 2)", "string G"}, {"substr(s, -5, 3)", "string "}, {"substr(s, 100)", "string "}, {"substr(s, 8, 9223372036854775807)", "string Welt"}, {"substr(s, -9223372036854775808, 9223372036854775807)", "string "}, {"substr(s, 1, -1)", "!range"}, {"substr('abc', -1, 4)", "string ab"},
		{"split_part(path, '/', 1)", "string a"}, {"split_part(path, '/', 3)", "string "}, {"split_part(path, '/', 4)", "string c"}, {"split_part(path, '/', 5)", "string null"}, {"split_part(path, '/', 0)", "!range"}, {"split_part(path, '', 1)", "!range"},
		{"date_trunc('hour', ts)", "timestamp 2024-05-15T13:00:00Z"}, {"date_trunc('MINUTE', ts)", "timestamp 2024-05-15T13:14:00Z"}, {"date_trunc('second', ts)", "timestamp 2024-05-15T13:14:15Z"}, {"date_trunc('day', ts)", "timestamp 2024-05-15T00:00:00Z"}, {"date_trunc('week', day)", "date 2024-05-13"}, {"date_trunc('month', day)", "date 2024-05-01"}, {"date_trunc('quarter', day)", "date 2024-04-01"}, {"date_trunc('year', ts)", "timestamp 2024-01-01T00:00:00Z"},
		{"case when i > 5 then 'big' when i > 1 then 'small' else 'none' end", "string big"}, {"case when i > 50 then 1 end", "int64 null"}, {"CASE WHEN nulb THEN 1 ELSE 2.5 END", "double 2.5"}, {"case when true then 1 else 1/0 end", "int64 1"},
		{`"odd name" + 1`, "int64 4"}, {"'it''s'", "string it's"}, {"1\n+\t2", "int64 3"}, {"I + 1", "unknown"},
	} {
		e, err := Parse(c.text, testScope)
		if err != nil {
			if c.want != "unknown" {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		v, bad := e.Eval(row(t))
		got := e.Type.String() + " "
		switch {
		case bad != nil:
			got = "!" + bad.Reason
		case v.Null:
			got += "null"
		default:
			got += string(value.AppendText(nil, v, e.Type))
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestFaultsNameTheirPlace(t *testing.T) {
	for text, at := range map[string]string{
		"":                              "1:1",
		"1 +":                           "1:4",
		"1 + + ":                        "1:7",
		"(1":                            "1:3",
		"'abc":                          "1:1",
		"1 ~ 2":                         "1:3",
		"i + s":                         "1:5",
		"i and b":                       "1:1",
		"b and s":                       "1:7",
		"i = s":                         "1:5",
		"j = 1":                         "1:5",
		"j = j":                         "1:3",
		"j + 1":                         "1:1",
		"lower(i)":                      "1:7",
		"nothing(1)":                    "1:1",
		"1 +\n  unknown":                "2:3",
		"'üüü' + 1":                     "1:1",
		"'ü' || unknown":                "1:8",
		"cast(i as nothing)":            "1:1",
		"cast(i as timestamp)":          "1:1",
		"cast(b as int64)":              "1:1",
		"cast(i, s)":                    "1:7",
		"substr(s)":                     "1:1",
		"date_trunc(s, ts)":             "1:12",
		"date_trunc('eon', ts)":         "1:12",
		"date_trunc('day', s)":          "1:19",
		"case when i then 1 end":        "1:11",
		"case else 1 end":               "1:6",
		"case when b then 1":            "1:19",
		"i in ()":                       "1:3",
		"i not 3":                       "1:7",
		"12abc":                         "1:3",
		"99999999999999999999":          "1:1",
		"1e999":                         "1:1",
		"i is 3":                        "1:6",
		"case when b then 1 else 's'":   "1:28",
		"case when b then 1 else s end": "1:25",
	} {
		_, err := Parse(text, testScope)
		var fault *Error
		if !errors.As(err, &fault) {
			t.Errorf("%q: error %v", text, err)
			continue
		}
		if got := fmt.Sprintf("%d:%d", fault.Line, fault.Column); got != at {
			t.Errorf("%q: at %s, want %s: %v", text, got, at, err)
		}
	}
}

// FuzzExpression: any text is either a fault with a place inside it, or an
// expression that gives a value or a bad one.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{"1 + 2", "cast(j as double) * 1000", "case when b then s else 'x' end", "substr(s, i, -3)", "date_trunc('week', ts)", "((((1))))", "not not b", "i in (1,2,null)", "'a' || \"odd name\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s, testScope)
		if err != nil {
			var fault *Error
			if !errors.As(err, &fault) || fault.Line < 1 || fault.Column < 1 {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		v, bad := e.Eval(row(t))
		if bad == nil && !v.Null {
			value.AppendText(nil, v, e.Type)
		}
	})
}
