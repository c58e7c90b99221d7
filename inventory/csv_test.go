package inventory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// records reads all records of a text.
func records(r io.Reader) ([][]string, error) {
	c := newCSVReader(r)
	all := [][]string{}
	for {
		fields, err := c.read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		record := make([]string, len(fields))
		for i, f := range fields {
			record[i] = string(f)
		}
		all = append(all, record)
	}
}

func TestCSVReader(t *testing.T) {
	long := strings.Repeat("x", 600<<10)
	for _, tc := range []struct {
		text string
		want [][]string
	}{
		{"", [][]string{}},
		{"\n\r\n\n", [][]string{}},
		{"a", [][]string{{"a"}}},
		{"a,b\n\"c\",\"d\"\r\n", [][]string{{"a", "b"}, {"c", "d"}}},
		{",\n", [][]string{{"", ""}}},
		{`"",""`, [][]string{{"", ""}}},
		{"\"a\"\"b\",\"\"\"\"\n", [][]string{{`a"b`, `"`}}},
		{"\"a,b\",c\n", [][]string{{"a,b", "c"}}},
		{"\"a\nb\r\nc\n\n\",d\ne\n", [][]string{{"a\nb\nc\n\n", "d"}, {"e"}}},
		{"a\rb\n", [][]string{{"a\rb"}}},
		{"a," + long + "\n" + `b,"` + long + `"` + "\nc", [][]string{{"a", long}, {"b", long}, {"c"}}},
	} {
		got, err := records(strings.NewReader(tc.text))
		if err != nil {
			t.Errorf("%.80q: %v", tc.text, err)
		} else if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%.80q (-want +got):\n%.500s", tc.text, d)
		}
	}
	for _, tc := range []struct{ text, want string }{
		{"a\nb,c\"d\n", "line 2: a quote"},
		{"\"a\"b,c\n", "line 1: a quote"},
		{"\"a\n\nb", "line 1: the file ends inside quotes"},
		{"a\n" + strings.Repeat("x", 2<<20), "line 2: more than"},
		{`"` + strings.Repeat("x\n", 1<<20), "line 1: more than"},
	} {
		if _, err := records(strings.NewReader(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.80q: error %v, want one that says %q", tc.text, err, tc.want)
		}
	}
}

// FuzzCSVReader holds the reader against the standard library's.
func FuzzCSVReader(f *testing.F) {
	f.Add([]byte("\"a\",\"b\"\n\"c\",\"d\"\n"))
	f.Add([]byte("a,\"b\nc\"\"\r\n\",\r\n\n\"\""))
	f.Add([]byte("\"a\"b\n,\r"))
	f.Add(csvData(sampleObjects()))
	f.Fuzz(func(t *testing.T, b []byte) {
		std := csv.NewReader(bytes.NewReader(b))
		std.FieldsPerRecord = -1
		want, wantErr := std.ReadAll()
		got, err := records(bytes.NewReader(b))
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: error %v, the standard library's %v", b, err, wantErr)
		}
		if err == nil && len(want)+len(got) > 0 && !cmp.Equal(want, got) {
			t.Errorf("%q reads as %q, by the standard library as %q", b, got, want)
		}
	})
}

// FuzzDecodedKey holds the decoding of keys against the standard library's.
func FuzzDecodedKey(f *testing.F) {
	for _, s := range []string{"a%2Fb+c", "%", "%4", "%zz", "100%25", "%E6%97%A5", "%e6", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, wantErr := url.QueryUnescape(s)
		got, err := appendDecoded(nil, []byte(s))
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
			t.Errorf("%q: %q, %v; the standard library: %q, %v", s, got, err, want, wantErr)
		}
	})
}

// FuzzCSVRows reads any text as rows: it must count every record once or say what is wrong.
func FuzzCSVRows(f *testing.F) {
	f.Add(csvData(sampleObjects()), csvFields)
	f.Add([]byte("k,1,2026-01-01T00:00:00Z\n,,\n"), "key,size,last_modified_date")
	f.Add([]byte("9223372036854775807,2026-01-01T00:00:00Z,k,false\n"), "Size,LastModifiedDate,Key,IsLatest")
	f.Fuzz(func(t *testing.T, b []byte, schema string) {
		names := strings.Split(schema, ",")
		cols, err := bindColumns(names, false)
		if err != nil {
			return
		}
		rows := csvRows{csv: newCSVReader(bytes.NewReader(b)), columns: cols, width: len(names), worker: testWorker()}
		var n int64
		for more := true; more; {
			if more, err = rows.next(); err != nil {
				return
			}
			if last := len(rows.batch.ends); last > 0 && int(rows.batch.ends[last-1]) != len(rows.batch.keys) {
				t.Fatal("the keys do not end where the last key ends")
			}
			n += int64(rows.batch.rows)
		}
		if want, err := records(bytes.NewReader(b)); err != nil || n != int64(len(want)) {
			t.Errorf("%d rows of %d records, error %v", n, len(want), err)
		}
	})
}

// testWorker is a worker of rows of any bucket.
func testWorker() *worker { return newGroups(selection(nil), "", reportTime).worker() }

func TestCSVFieldsInAnyOrder(t *testing.T) {
	for schema, text := range map[string]string{
		"Key,Size,LastModifiedDate":                     "a%2Fb+c,5,2026-10-03T01:02:03Z\n",
		" last_modified_date , SIZE,key , StorageClass": `"2026-10-03T01:02:03.000Z","5","a/b c",STANDARD` + "\n",
		"IsLatest,Size,Key,X,LastModifiedDate":          ",5,a%2fb%20c,,2026-10-03T03:02:03+02:00\n",
	} {
		cols, err := bindColumns(strings.Split(schema, ","), false)
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		rows := csvRows{csv: newCSVReader(strings.NewReader(text)), columns: cols, width: strings.Count(schema, ",") + 1, worker: testWorker()}
		if _, err := rows.next(); err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		b := &rows.batch
		if got := fmt.Sprint(string(b.keys), b.sizes, b.modified); got != "a/b c[5] [1790989323000]" {
			t.Errorf("%s: %s", schema, got)
		}
	}
}

// TestCSVRowsAllocateByTheBatch holds the promise that a report of many rows is
// read in bounded memory: a few allocations a batch, none a row.
func TestCSVRowsAllocateByTheBatch(t *testing.T) {
	text := bytes.Repeat([]byte(`"a%2Fb+c","5","2026-10-03T01:02:03.000Z","STANDARD"`+"\n"), 20*batchRows)
	names := []string{"Key", "Size", "LastModifiedDate", "StorageClass"}
	cols, err := bindColumns(names, false)
	if err != nil {
		t.Fatal(err)
	}
	rows := csvRows{csv: newCSVReader(bytes.NewReader(text)), columns: cols, width: len(names), worker: testWorker()}
	next := func() {
		if more, err := rows.next(); err != nil || !more || rows.batch.rows != batchRows {
			t.Fatalf("a batch of %d rows, error %v", rows.batch.rows, err)
		}
	}
	next()
	if n := testing.AllocsPerRun(10, next); n > 8 {
		t.Errorf("%v allocations for a batch of %d rows", n, batchRows)
	}
}
