//go:build interop

package parquetconv

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

//go:embed testdata/oracle.py
var oracle string

// oddNumbers are numbers at the edges of the types, and written in odd ways.
const oddNumbers = `0 -0 0.0 -0.0 1 -1 1.0 1.50 1e0 1E5 1e+5 1e-5 10e-1 100e-2 1.5e1 1e400 -1e400 1e-400 1e308
1.7976931348623157e308 1.7976931348623159e308 4.9e-324 2e-324 3.4028235e38 3.4028236e38 1e39 1e-45 1e-46 16777217
2147483647 2147483648 -2147483648 -2147483649 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
18446744073709551615 9.223372036854775807e18 9.223372036854775808e18 9007199254740993 9007199254740993.0 1000000000000000000
0.1 0.30000000000000004 0.001 123.45 123.456 99999999.99 999999999.99 1234567890123456789012345678901234567.8
12345678901234567890123456789012345678 1e37 1e38 1e99999999999999999999 1e-99999999999999999999 0e99999999999999999999
0.000000000000000000000000000000000000000000000000000001 100000000000000000000000000000000000000000000e-44
1700000000 1700000000123 1700000000.123456789 -0.0000001 -1.5 253402300799 253402300800 253402300799.9999999
-62135596800 -62135596800.0000001 -62135596801 253402300799999 253402300799999999 253402300800000000 1.7e9 1e-7`

// oddStrings are texts that are values of the types, or nearly.
var oddStrings = []string{
	"", "abc", "true", "TRUE", "t", "1.5", " 1", "1 ", "007", "+5", ".5", "5.", ".", "1e", "1e+-5", "NaN", "Infinity", "0x10", "1_000", "1,5", "٣",
	"2026-01-02", "2026-1-2", "2026-02-29", "2024-02-29", "1900-02-29", "2000-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2026-01-02 ",
	"2026-01-02T03:04:05Z", "2026-01-02t03:04:05z", "2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.1234567891234Z", "2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05-23:59",
	"2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+00:60", "2026-01-02T24:00:00Z", "2016-12-31T23:59:60Z", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T3:04:05Z",
	"2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-00:01", "0000-12-31T23:59:59-01:00",
	"1969-12-31T23:59:59.9999999Z", "1582-10-10T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05.123456+05:30", "1700000000",
	"QUJD", "QUJD\n", "QUI=", "QUI", "QUJ=", "====", "QU JD", "-_-_", "é😀", "\u2028", "\ufeffx",
}

// oddJSON are values beside numbers and plain strings.
var oddJSON = []string{
	"null", "true", "false", "[]", "{}", "[1]", `{"a":1}`, "[null]", `{"":null}`, `"\ud83d\ude00"`, `"\u00e9\/\b\f\n\r\t\"\\"`, `"a\u0000b"`, `"QU\u004aD"`, `"2026-01-02T03:04:05\u005a"`,
}

// TestValuesAgreeWithPython reads odd values into every type, and holds what is
// in the table against Python's json, decimal, fractions and floats.
func TestValuesAgreeWithPython(t *testing.T) {
	kinds := []string{"boolean", "int32", "int64", "float", "double", "decimal(10,2)", "decimal(38,0)", "decimal(38,38)", "decimal(18,18)", "string", "binary", "date", "timestamp", "json"}
	values := strings.Fields(oddNumbers)
	texts := append(strings.Fields(oddNumbers), oddStrings...)
	for _, s := range oddStrings {
		values = append(values, jsonOf(t, s))
	}
	values = append(values, oddJSON...)

	var lines, records strings.Builder
	for id, v := range values {
		fmt.Fprintf(&lines, "{\"id\":%d,\"v\":%s,\"l\":[ %s ],\"s\":{\"a.b\":%s},\"m\":{\"k\": %s},\"p\":[%s,1]}\n", id, v, v, v, v, v)
	}
	records.WriteString("id,v\n")
	for id, v := range texts {
		fmt.Fprintf(&records, "%d,\"%s\"\n", id, v)
	}
	for _, isCSV := range []bool{false, true} {
		q := question{Values: values, IsCSV: isCSV, Columns: map[string][2]string{}}
		name, body, head := "a.json", lines.String(), "version: 1\ncolumns:\n  - {name: id, type: int64}\n"
		if isCSV {
			q.Values, name, body, head = texts, "a.csv", records.String(), "version: 1\nformat: csv\ncolumns:\n  - {name: id, type: int64}\n"
		}
		columns := []string{head}
		add := func(form, kind, rest string) {
			n := "c" + strconv.Itoa(len(columns))
			q.Columns[n] = [2]string{form, kind}
			columns = append(columns, fmt.Sprintf("  - {name: %s, %s}\n", n, rest))
		}
		for _, k := range kinds {
			if k != "json" || !isCSV {
				add("plain", k, fmt.Sprintf("type: '%s', path: $.v", k))
			}
			if k != "json" {
				add("cast", k, fmt.Sprintf("type: '%s', expr: 'cast(v as %s)'", k, k))
			}
			if isCSV {
				continue
			}
			add("list", k, fmt.Sprintf("type: 'list<%s>', path: $.l", k))
			add("struct", k, fmt.Sprintf("type: 'struct<\"a.b\": %s, z: int64>', path: $.s", k))
			add("map", k, fmt.Sprintf("type: 'map<string,%s>', path: $.m", k))
			add("plain", k, fmt.Sprintf("type: '%s', path: '$.p[0]'", k))
		}
		for _, unit := range []string{"epoch_s", "epoch_ms", "epoch_us"} {
			add("epoch", unit, "type: timestamp, path: $.v, time: "+unit)
		}
		q.ask(t, name, body, strings.Join(columns, ""))
	}
}

// question is what the oracle is asked.
type question struct {
	Values  []string             `json:"values"`
	IsCSV   bool                 `json:"isCSV"`
	Columns map[string][2]string `json:"columns"`
}

// ask converts a source, and has the oracle read the table.
func (q *question) ask(t *testing.T, name, body, schemaText string) {
	t.Helper()
	f := newFolder(t)
	if err := os.WriteFile(filepath.Join(f.root, "src", name), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	o := f.options(t, func(s Store) Store { return s })
	var err error
	if o.Schema, err = schema.Parse([]byte(schemaText), nil); err != nil {
		t.Fatalf("%v\n%s", err, schemaText)
	}
	mustRun(t, o)
	file := filepath.Join(f.root, "question.json")
	if err := os.WriteFile(file, []byte(jsonOf(t, q)), 0o600); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Compared    int
		Differences []string
	}
	if err := json.Unmarshal(interop.Run(t, interop.Python(t), oracle, filepath.Join(f.root, "out"), file), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Compared != len(q.Values)*len(q.Columns) {
		t.Errorf("%s: %d values were compared, of %d rows and %d columns", name, answer.Compared, len(q.Values), len(q.Columns))
	}
	for _, d := range answer.Differences {
		t.Errorf("%s: %s", name, d)
	}
}
