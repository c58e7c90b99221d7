package infer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// TestCSVForms says how the delimiter and the header are guessed.
func TestCSVForms(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\n1,2\n":                     `CSV with the delimiter ",", header: true`,
		"a;b\n1,5;2,5\n":                 `CSV with the delimiter ";", header: true`,
		"a|b,c|d\n1|\"x|y\"|3\n":         `CSV with the delimiter "|", header: true`,
		"\ufeff\"a\"\t\"b\"\r\n1\t2\r\n": `CSV with the delimiter "\t", header: true`,
		"a,b\n\"x;y\nz;\",1\n":           `CSV with the delimiter ",", header: true`,
		"\n\n,name\n0,x\n":               `CSV with the delimiter ",", header: true`, // an index without a name
		"alone\n1\n":                     `CSV with the delimiter ",", header: true`,
		"1,x\n2,y\n":                     `CSV with the delimiter ",", header: false`,
		"x,2026-01-02\n":                 `CSV with the delimiter ",", header: false`,
		"x,true\n":                       `CSV with the delimiter ",", header: false`,
		",\n,\n":                         `CSV with the delimiter ",", header: false`,
		"a,b\n1,2\n3,4,5\n6;7;8;9\n10,11\n12;13;14;15": `CSV with the delimiter ",", header: true`,
	} {
		f, ok := csvForm(Text{Bytes: []byte(text)})
		if !ok || f.String() != want {
			t.Errorf("%q: %s, %v; want %s", text, f, ok, want)
		}
	}
	if f, ok := csvForm(Text{}); ok || f.csv.Delimiter != ',' {
		t.Errorf("an empty text: %s, %v", f, ok)
	}
}

// TestInferredCSVLosesNothing holds inferred schemas against what a conversion
// makes of the sample: every record is a row, and no field becomes null.
func TestInferredCSVLosesNothing(t *testing.T) {
	values := []string{"0", "-0", "1", "007", "+5", "1.0", "1.50", ".5", "5.", "-.5", "1e3", "1e400", "9223372036854775807", "9223372036854775808", "9007199254740993", "0.1", "true", "FALSE", "t", "null", "NaN", "0x10", "-", "--1", "1,5", " 1", "1 ", "é😀", `""`, `"a\nb"`, `"x,y"`, `"q""q"`, "2026-01-02", "2026-13-02", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05", "10/Oct/2026:13:55:36 -0700", "1767225600", ""}
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 7))
		columns := 1 + rng.IntN(5)
		some := make([][]string, columns) // the values of each column
		for c := range some {
			for range 1 + rng.IntN(3) {
				some[c] = append(some[c], values[rng.IntN(len(values))])
			}
		}
		var text strings.Builder
		header := rng.IntN(2) == 0
		if header {
			text.WriteString(strings.Join([]string{"id", "größe", "a b", `"x,""y"`, "_extra"}[:columns], ",") + "\n")
		}
		records := 1 + rng.IntN(20)
		for range records {
			for c := range some {
				if c > 0 {
					text.WriteByte(',')
				}
				field := some[c][rng.IntN(len(some[c]))]
				if columns == 1 && field == "" {
					field = `""` // an empty line is no record
				}
				if field == "1,5" {
					field = `"1,5"`
				}
				text.WriteString(field)
			}
			text.WriteString([]string{"\n", "\r\n"}[rng.IntN(2)])
		}
		s := csvOf("a.csv", text.String())
		file, err := Schema(s, nil)
		if err != nil {
			continue // its only record looks like a header
		}
		sch, err := schema.Parse(file, nil)
		if err != nil {
			t.Fatalf("seed %d: the schema is refused: %v\n%s", seed, err, file)
		}
		report, err := Check(s, sch)
		if err != nil {
			t.Fatal(err)
		}
		if !report.Clean() || len(report.Nulls) > 0 || sch.CSV.Header == header && report.RowsIn != int64(records) {
			t.Errorf("seed %d: %d rows of %d, rejects %v, nulls %v\n%s\n%s", seed, report.RowsIn, records, report.Rejects, report.Nulls, text.String(), file)
		}
	}
}
