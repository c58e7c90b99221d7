package csv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/scan"
)

const oracleColumns = 6

// eachField is a schema of the first fields, for records without a header.
func eachField(delimiter byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "csv: {header: false, delimiter: %q}\ncolumns:\n", string(delimiter))
	for i := range oracleColumns {
		fmt.Fprintf(&b, "  - {name: f%d, type: string, path: \"$[%d]\"}\n", i, i)
	}
	return b.String()
}

// standard is what package encoding/csv reads, record by record; nil for one
// that it refuses. A row of other than the first one's fields is refused too,
// and so is one that is not UTF-8, which it does not care about.
func standard(t testing.TB, text []byte, delimiter byte) (records [][]string) {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, byteOrderMark)))
	r.Comma, r.FieldsPerRecord = rune(delimiter), -1
	count := 0
	for {
		record, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return records
		case errors.As(err, &bad):
			records = append(records, nil)
			continue
		case err != nil:
			t.Fatal(err)
		}
		if count == 0 {
			count = len(record)
		}
		if len(record) != count || !utf8.ValidString(strings.Join(record, ",")) {
			record = nil
		}
		records = append(records, record)
	}
}

// compare holds our scanner against encoding/csv.
func compare(t testing.TB, s *Scanner, text []byte, delimiter byte, piece int) {
	t.Helper()
	want := standard(t, text, delimiter)
	got, err := scanAll(t, s, text, piece)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %d records, %d by encoding/csv\n%v\n%q", text, len(got), len(want), got, want)
	}
	for i, o := range got {
		if (o.reject == nil) != (want[i] != nil) {
			t.Fatalf("%q: record %d is %v, by encoding/csv %q", text, i, o, want[i])
		}
		if o.reject != nil {
			continue
		}
		if !slices.Equal(shown(o.values, len(want[i])), want[i][:min(len(want[i]), oracleColumns)]) {
			t.Fatalf("%q: record %d is %q, by encoding/csv %q", text, i, o.values, want[i])
		}
		row := text[o.offset : o.offset+int64(o.length)]
		// The empty line says that a byte order mark in front of the row is text.
		alone := standard(t, slices.Concat([]byte("\n"), row, []byte("\r\n")), delimiter)
		if len(alone) != 1 || !slices.Equal(alone[0], want[i]) {
			t.Fatalf("%q: record %d is said to be %q", text, i, row)
		}
	}
}

// shown is values as encoding/csv has them: it tells nothing from null, and
// takes the carriage return of a line end inside quotes out.
func shown(values []string, count int) (out []string) {
	for i, v := range values {
		if v == null {
			v = ""
		}
		if i < count {
			out = append(out, strings.ReplaceAll(v, "\r\n", "\n"))
		}
	}
	return out
}

func FuzzStandard(f *testing.F) {
	for _, text := range []string{
		"", "a,b\nc,d\n", "a,b\r\n\r\n\nc,d", "\xef\xbb\xbfa,b\n", "\"a\nb\",\"c\"\"d\"\r\n1,2\r\n", "a\"b,c\nd,e\n", "\"a\"b,c\nd,e\n",
		"\"a,b\nc,d\n", ",\n,,\n", "\"\"\n\"\"\"\"\n", "a\r,b\r", "\"a\"\rb\n\"a\"\r", "a,\xff\nb,c\n", "\r", "\r\r\n", "\"a\r\r\n\"\n",
		"\ufeffa,b\n\ufeffc,d", "\ufeffa\n\ufeffa",
		"12345678,12345678\n1234567,\"1234567\"\n", "\"12345678\"\"\",x\n", "a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8\n",
	} {
		f.Add([]byte(text), byte(','), 3, 2)
	}
	f.Fuzz(func(t *testing.T, text []byte, delimiter byte, piece, rows int) {
		if delimiter >= utf8.RuneSelf || delimiter < ' ' && delimiter != '\t' || delimiter == '"' {
			delimiter = ';'
		}
		s := scanner(t, eachField(delimiter), scan.Options{BlockRows: 1 + abs(rows)%10})
		compare(t, s, text, delimiter, 1+abs(piece)%100)
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

// TestAgainstStandard compares texts made of what matters to the format.
func TestAgainstStandard(t *testing.T) {
	tokens := []string{",", ",", "\"", "\"", "\"\"", "\n", "\r\n", "\r", "a", "é", "\xff", " ", "12345678", "\",\"", "\"\n", "\n\""}
	r := rand.New(rand.NewPCG(1, 2))
	s := scanner(t, eachField(','), scan.Options{BlockRows: 3})
	for range 20_000 {
		var text []byte
		for range r.IntN(24) {
			text = append(text, tokens[r.IntN(len(tokens))]...)
		}
		compare(t, s, text, ',', 1+r.IntN(40))
	}
}
