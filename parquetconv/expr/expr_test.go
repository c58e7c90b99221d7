package expr

import (
	"strings"
	"testing"
)

// testRow are the columns that the expressions of the tests know.
var testRow = []struct {
	name, typ, json string
}{
	{"i", "int32", "7"}, {"big", "int64", "9223372036854775807"}, {"d", "double", "2.5"}, {"s", "string", `"Grüße, Welt"`}, {"b", "boolean", "true"},
	{"ts", "timestamp", `"2024-05-15T13:14:15.123456Z"`}, {"day", "date", `"2024-05-15"`}, {"dec", "decimal(10,2)", "12.50"}, {"j", "json", `"0.25"`}, {"obj", "json", `{"a":1}`},
	{"nul", "int64", "null"}, {"nuls", "string", "null"}, {"odd name", "int64", "3"}, {"f", "float", "1.5"}, {"path", "string", `"a/b//c"`}, {"nulb", "boolean", "null"},
	{"deep", "json", `{"x":[1,{"y":"]}"}], "a" : {"b":0,"b c":[ 0 , {"d":"\u00fc\n"}]},"t":true,"n":null,"\"\\":"odd","":"none","last":-1e3}`}, {"y", "binary", `"AAEC"`}, {"leading", "string", "null"}, {"case", "int64", "5"}, {"from", "int64", "5"}, {"date", "int64", "7"}, {"timestamp", "int64", "8"},
}

// testTable is testRow alone, and between rows of nulls.
func testTable(tb testing.TB) *table {
	tb.Helper()
	t := &table{}
	for _, c := range testRow {
		t.add(tb, c.name, c.typ, "null", c.json, "null")
	}
	return t
}

// evaluate is an expression's type and value for testRow, the same however its
// columns are held.
func evaluate(tb testing.TB, t *table, text string) string {
	tb.Helper()
	e, err := Parse(text, t.scope)
	if err != nil {
		return err.Error()
	}
	got := results(tb, e, t.batch(tb, 1, 2, form{}))[0]
	for _, other := range []string{results(tb, e, t.batch(tb, 0, 3, form{}))[1], results(tb, e, t.batch(tb, 0, 3, form{dictionaries: true}))[1]} {
		if other != got {
			tb.Errorf("%s: %s, but %s between other rows", text, got, other)
		}
	}
	if reason, isFault := strings.CutPrefix(got, "!"); isFault {
		reason, _, _ = strings.Cut(reason, " ")
		return "!" + reason
	}
	return e.Type.String() + " " + got
}

func TestExpressions(t *testing.T) {
	data := testTable(t)
	for _, c := range []struct{ text, want string }{ // want: type and text form, or null, or !reason
		{"1 + 2 * 3", "int64 7"}, {"(1 + 2) * 3", "int64 9"}, {"7 / 2", "int64 3"}, {"-7 / 2", "int64 -3"}, {"-7 % 3", "int64 -1"}, {"7 / 2.0", "double 3.5"}, {"1 - 2 - 3", "int64 -4"},
		{"- -3", "int64 3"}, {"-i", "int64 -7"}, {"+i", "int32 7"}, {"-d", "double -2.5"}, {"-9223372036854775808", "int64 -9223372036854775808"},
		{"big + 1", "!range"}, {"big * 2", "!range"}, {"-big - 2", "!range"}, {"-(-9223372036854775808)", "!range"}, {"-9223372036854775808 / -1", "!range"}, {"-9223372036854775808 % -1", "int64 0"}, {"-9223372036854775808 * 1", "int64 -9223372036854775808"},
		{"i / 0", "!division"}, {"i % 0", "!division"}, {"d / 0", "!division"}, {"1e308 * 10", "!range"}, {"i + nul", "int64 null"}, {"5.5 % 2", "double 1.5"},
		{"i = 7", "boolean true"}, {"i <> 7", "boolean false"}, {"i != 7", "boolean false"}, {"d >= 2", "boolean true"}, {"'a' < 'b'", "boolean true"}, {"day = cast('2024-05-15' as date)", "boolean true"}, {"nul = 1", "boolean null"}, {"null = null", "boolean null"}, {"f < d", "boolean true"}, {"dec = dec", "boolean true"}, {"b = true", "boolean true"},
		{"b and i > 3", "boolean true"}, {"b and nulb", "boolean null"}, {"not b and nulb", "boolean false"}, {"nulb and not b", "boolean false"}, {"b or nulb", "boolean true"}, {"nulb or b", "boolean true"}, {"nulb or not b", "boolean null"}, {"not nulb", "boolean null"}, {"not not b", "boolean true"}, {"not i = 3", "boolean true"},
		{"false and 1/0 = 1", "boolean false"}, {"true or 1/0 = 1", "boolean true"},
		{"nul is null", "boolean true"}, {"i is null", "boolean false"}, {"i is not null", "boolean true"}, {"i in (1, 7)", "boolean true"}, {"i not in (1, 7)", "boolean false"}, {"i in (1, nul)", "boolean null"}, {"i in (7, nul)", "boolean true"}, {"i not in (1)", "boolean true"}, {"nul in (1)", "boolean null"},
		{"cast(i as string)", "string 7"}, {"cast(1234567.5 as string)", "string 1234567.5"}, {"cast(999999999999999900000.0 as string)", "string 999999999999999900000"}, {"cast(1e21 as string)", "string 1e+21"}, {"cast(-0.000001 as string)", "string -0.000001"}, {"cast(0.0000009 as string)", "string 9e-07"}, {"cast(cast(16777216.0 as float) as string)", "string 16777216"}, {"cast(-0.0 as string)", "string -0"},
		{"cast('.5' as decimal(3,2))", "decimal(3,2) 0.50"}, {"cast('-5.' as int64)", "int64 -5"}, {"cast('.' as int64)", "!syntax"}, {"cast('-.e1' as double)", "!syntax"}, {"cast('+.5' as double)", "double 0.5"}, {"cast('42' as bigint)", "int64 42"}, {"cast('x' as int)", "!syntax"}, {"try_cast('x' as int)", "int32 null"}, {"cast(d as int32)", "int32 3"}, {"cast(-2.5 as int64)", "int64 -3"}, {"cast(1e19 as int64)", "!range"}, {"cast(big as int32)", "!range"}, {"try_cast(big as int32)", "int32 null"},
		{"cast(j as double) * 1000", "double 250"}, {"cast(obj as string)", `string {"a":1}`}, {"cast(obj as int64)", "!type"}, {"cast(ts as date)", "date 2024-05-15"}, {"cast(day as timestamp)", "timestamp 2024-05-15T00:00:00Z"}, {"cast(ts as string)", "string 2024-05-15T13:14:15.123456Z"},
		{"cast(dec as double)", "double 12.5"}, {"cast(dec as int64)", "!fraction"}, {"cast(12.5 as decimal(10,2))", "decimal(10,2) 12.50"}, {"cast(i as decimal(3,1))", "decimal(3,1) 7.0"}, {"cast(b as string)", "string true"}, {"cast(null as int64)", "int64 null"}, {"cast(1e300 as float)", "!range"}, {"cast(i as double)", "double 7"}, {"cast('2024-01-01T00:00:00+01:00' as timestamp)", "timestamp 2023-12-31T23:00:00Z"},
		{"coalesce(nul, i, 3)", "int64 7"}, {"coalesce(nul, 1.5)", "double 1.5"}, {"coalesce(null, null)", "null null"}, {"nullif(i, 7)", "int32 null"}, {"nullif(i, 8)", "int32 7"}, {"nullif(nul, 8)", "int64 null"},
		{"lower(s)", "string grüße, welt"}, {"upper('aé')", "string AÉ"}, {"length(s)", "int64 11"}, {"length(nuls)", "int64 null"}, {"concat('a', s, 'b')", "string aGrüße, Weltb"}, {"'a' || 'b' || 'c'", "string abc"}, {"concat('a', nuls)", "string null"}, {"concat(concat('a','b'), concat('c','d'))", "string abcd"},
		{"substr(s, 1, 5)", "string Grüße"}, {"substr(s, 4)", "string ße, Welt"}, {"substring(s, 0, 2)", "string G"}, {"substr(s, -5, 3)", "string  We"}, {"substr(s, -4)", "string Welt"}, {"substr(s, -13, 3)", "string G"}, {"substr(s, -20, 3)", "string "}, {"substr(s, 100)", "string "}, {"substr(s, 8, 9223372036854775807)", "string Welt"}, {"substr(s, -9223372036854775808, 9223372036854775807)", "string Grüße, Wel"}, {"substr(s, -9223372036854775808, 9)", "string "}, {"substr(s, 1, -1)", "!range"}, {"substr('abc', -1, 4)", "string c"}, {"substr('abc', 0)", "string abc"},
		{"split_part(path, '/', 1)", "string a"}, {"split_part(path, '/', 3)", "string "}, {"split_part(path, '/', 4)", "string c"}, {"split_part(path, '/', 5)", "string null"}, {"split_part(path, '/', 0)", "!range"}, {"split_part(path, '', 1)", "!range"},
		{"date_trunc('hour', ts)", "timestamp 2024-05-15T13:00:00Z"}, {"date_trunc('MINUTE', ts)", "timestamp 2024-05-15T13:14:00Z"}, {"date_trunc('second', ts)", "timestamp 2024-05-15T13:14:15Z"}, {"date_trunc('day', ts)", "timestamp 2024-05-15T00:00:00Z"}, {"date_trunc('week', day)", "date 2024-05-13"}, {"date_trunc('month', day)", "date 2024-05-01"}, {"date_trunc('quarter', day)", "date 2024-04-01"}, {"date_trunc('year', ts)", "timestamp 2024-01-01T00:00:00Z"},
		{"case when i > 5 then 'big' when i > 1 then 'small' else 'none' end", "string big"}, {"case when i > 50 then 1 end", "int64 null"}, {"CASE WHEN nulb THEN 1 ELSE 2.5 END", "double 2.5"}, {"case when true then 1 else 1/0 end", "int64 1"},
		{`"odd name" + 1`, "int64 4"}, {"'it''s'", "string it's"}, {"1\n+\t2", "int64 3"}, {"I + 1", `1:1: "I" is derived further down: move it up`},
	} {
		if got := evaluate(t, data, c.text); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
