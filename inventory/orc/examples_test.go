package orc

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// openTestFile opens a file in memory.
func openTestFile(t testing.TB, path string) *File {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return f
}

// readable returns the names of the columns that can be read.
func readable(f *File) []string {
	var names []string
	for _, c := range f.Columns() {
		if !c.Kind.Nested() {
			names = append(names, c.Name)
		}
	}
	return names
}

// format returns the value of row i of column c as text that can be compared with an expected one: numbers and times as Apache's tools
// print them, binary values as JSON lists, "null" for nulls.
func format(c Column, v *Vector, i int) string {
	if v.IsNull(i) {
		return "null"
	}
	switch v.Kind {
	case KindBoolean:
		return strconv.FormatBool(v.Bool[i])
	case KindByte, KindShort, KindInt, KindLong:
		return strconv.FormatInt(v.Int64[i], 10)
	case KindFloat:
		return strconv.FormatFloat(v.Float64[i], 'g', 7, 64)
	case KindDouble:
		return strconv.FormatFloat(v.Float64[i], 'g', 14, 64)
	case KindString, KindVarchar, KindChar:
		return strconv.Quote(string(v.Bytes(i)))
	case KindBinary:
		return fmt.Sprint(v.Bytes(i))
	case KindDate:
		return time.Unix(v.Int64[i]*86400, 0).UTC().Format(time.DateOnly)
	case KindTimestamp, KindTimestampInstant:
		s := time.Unix(v.Seconds[i], int64(v.Nanos[i])).UTC().Format("2006-01-02 15:04:05.999999999")
		if v.Nanos[i] == 0 {
			s += ".0"
		}
		return s
	case KindDecimal:
		text := decimalText(v.Decimal[i], v.Scale)
		if c.Precision == 0 { // the expected output has six digits, and no more
			text += strings.Repeat("0", max(0, 6-v.Scale))
			text = text[:len(text)-max(0, v.Scale-6)]
		}
		return text
	}
	return "?"
}

func decimalText(d Int128, scale int) string {
	n := new(big.Int).Lsh(big.NewInt(d.Hi), 64)
	n.Or(n, new(big.Int).SetUint64(d.Lo))
	return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}

// formatExpected returns the text of an expected JSON value in the form that format gives.
func formatExpected(t *testing.T, c Column, value any) string {
	t.Helper()
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(value)
	case string:
		if c.Kind == KindString || c.Kind == KindVarchar || c.Kind == KindChar {
			return strconv.Quote(value)
		}
		return value
	case []any:
		return strings.ReplaceAll(fmt.Sprint(value), ",", "")
	case json.Number:
		switch c.Kind {
		case KindFloat, KindDouble:
			x, err := value.Float64()
			if err != nil {
				t.Fatal(err)
			}
			digits := 14
			if c.Kind == KindFloat {
				digits = 7
			}
			return strconv.FormatFloat(x, 'g', digits, 64)
		case KindDecimal:
			x, ok := new(big.Rat).SetString(value.String())
			if !ok {
				t.Fatalf("%q is no number", value)
			}
			if c.Precision == 0 {
				return x.FloatString(6)
			}
			return x.FloatString(c.Scale)
		}
		return value.String()
	}
	t.Fatalf("unexpected JSON value %v", value)
	return ""
}

// TestExamples reads Apache's example files and compares every value of their primitive columns with the expected output.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob("testdata/expected/*.jsn.gz")
	if err != nil || len(paths) != 27 {
		t.Fatalf("found %d expected files: %v", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".jsn.gz")
		if name == "TestVectorOrcFile.testLzo" {
			continue // see TestOpenRefuses
		}
		t.Run(name, func(t *testing.T) {
			f := openTestFile(t, "testdata/"+name+".orc")
			r, err := f.NewReader(readable(f)...)
			if err != nil {
				t.Fatal(err)
			}
			expected := expectedRows(t, path)
			var rows int64
			for i := range f.NumStripes() {
				b, err := readStripe(context.Background(), r, i)
				if err != nil {
					t.Fatal(err)
				}
				if int64(b.Rows) != f.Stripe(i).Rows {
					t.Fatalf("stripe %d: %d rows, want %d", i, b.Rows, f.Stripe(i).Rows)
				}
				for row := range b.Rows {
					want, err := expected()
					if err != nil {
						t.Fatalf("row %d: %v", rows, err)
					}
					compareRow(t, rows, f, b, row, want)
					rows++
				}
			}
			if _, err := expected(); err != io.EOF || rows != f.NumRows() {
				t.Errorf("read %d rows of %d, want %v at the end: %v", rows, f.NumRows(), io.EOF, err)
			}
		})
	}
}

// expectedRows returns an iterator over the rows of an expected file, which ends with io.EOF.
func expectedRows(t *testing.T, path string) func() (any, error) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	z, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(z)
	d.UseNumber()
	return func() (value any, err error) {
		err = d.Decode(&value)
		return value, err
	}
}

func compareRow(t *testing.T, number int64, f *File, b *Batch, row int, want any) {
	t.Helper()
	fields, isObject := want.(map[string]any)
	at := 0
	for _, c := range f.Columns() {
		if c.Kind.Nested() {
			continue
		}
		v := b.Columns[at]
		at++
		value := want
		if isObject {
			var ok bool
			if value, ok = fields[c.Name]; !ok {
				t.Fatalf("no column %q is expected", c.Name)
			}
		}
		got := format(c, v, row)
		if want := formatExpected(t, c, value); got != want {
			t.Fatalf("row %d, column %q: %s, want %s", number, c.Name, got, want)
		}
	}
}

// readAll reads all primitive columns of a file and returns the number of rows.
func readAll(b []byte) (rows int64, err error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return 0, err
	}
	r, err := f.NewReader(readable(f)...)
	if err != nil {
		return 0, err
	}
	for i := range f.NumStripes() {
		batch, err := readStripe(context.Background(), r, i)
		if err != nil {
			return 0, err
		}
		rows += int64(batch.Rows)
	}
	return rows, nil
}

// TestExamplesWithoutExpectedOutput reads the examples that come without expected rows.
func TestExamplesWithoutExpectedOutput(t *testing.T) {
	for name, rows := range map[string]int64{
		"TestOrcFile.testSargSkipPickupGroupWithoutIndexCPlusPlus": 10000,
		"TestOrcFile.testSargSkipPickupGroupWithoutIndexJava":      10000,
		"TestVectorOrcFile.testZstd.0.12":                          10000,
		"TestOrcFile.testWithoutCompressionBlockSize":              100,
		"bad_bloom_filter_1.6.0":                                   5,
		"bad_bloom_filter_1.6.11":                                  5,
		"complextypes_iceberg":                                     1,
		"decimal64_v2":                                             10,
		"decimal64_v2_cplusplus":                                   10,
		"demo-11-zlib":                                             1920800,
		"demo-12-zlib":                                             1920800,
		"orc_no_format":                                            5,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile("testdata/" + name + ".orc")
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(b)
			if err != nil || got != rows {
				t.Errorf("%d rows, want %d: %v", got, rows, err)
			}
		})
	}
}
