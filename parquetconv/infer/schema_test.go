package infer

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sampleOf is the whole of some texts under keys.
func sampleOf(texts ...string) *Sample {
	s := &Sample{}
	for i := 0; i < len(texts); i += 2 {
		size := int64(len(texts[i+1]))
		s.Texts = append(s.Texts, Text{
			Source: parquetconv.SourceObject{Bucket: "logs", Object: s3store.Object{Key: texts[i], SizeBytes: size}},
			Bytes:  []byte(texts[i+1]),
		})
		s.Sources++
		s.StoredBytes += size
	}
	return s
}

// csvOf is sampleOf for CSV.
func csvOf(texts ...string) *Sample {
	s := sampleOf(texts...)
	s.Format = schema.FormatCSV
	return s
}

func lines(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

// corpora are the samples of the golden files.
func corpora() map[string]*Sample {
	return map[string]*Sample{
		"drift": sampleOf("app/1.json.gz", lines(980, func(i int) string { return fmt.Sprintf(`{"latency":%d,"code":%d,"n":%d}`, i%50, i, i) }),
			"app/2.json.gz", lines(20, func(i int) string {
				return []string{`{"latency":7.5,"code":1,"n":18446744073709551616}`, `{"latency":"n/a","code":0.5,"n":2,"new":true}`, `{"latency":3,"code":1e2,"n":3,"flag":true}`, `{"latency":null,"code":2,"n":4,"flag":{"x":1}}`}[i%4]
			})),
		"nested": sampleOf("a.json", lines(40, func(i int) string {
			return fmt.Sprintf(`{"request":{"method":"GET","headers":{"host":"h%d","user-agent":"u"},"size":%s},"tags":["a","b"],"points":[{"x":%d,"y":1.5}],"mixed":[1,"a"],"none":[],"labels":{"id%d":1},"deep":{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}},"grid":[[1,2],[3]],"case":{"A":1,"a":2}}`,
				i, []string{"1", "1.5"}[i%2], i, i)
		})),
		"cloudtrail": sampleOf("AWSLogs/1/CloudTrail/us-east-1/2026/01/02/f1.json.gz",
			`{"Records":[`+strings.TrimSuffix(lines(30, func(i int) string {
				return fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2026-01-02T03:04:%02dZ","eventName":"GetObject","readOnly":true,"userIdentity":{"type":"Role","arn":"arn:aws:iam::1:role/r"},"resources":[{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Object"}]},`, i)
			}), ",\n")+`]}`),
		"epoch": sampleOf("a.log", lines(30, func(i int) string {
			return fmt.Sprintf(`{"ts":%d,"updated_at":%d.25,"count":%d,"created":"2026-01-%02d 10:00:00","clf":"10/Oct/2026:13:55:36 -0700","day":"2026-02-%02d","iso":"2026-01-02T03:04:05"}`, 1_767_225_600_000+i, 1_767_225_600+i, 1_767_225_600+i, i%28+1, i%28+1)
		})),
		"digits": sampleOf("a.log", lines(8, func(i int) string {
			return fmt.Sprintf(`{"price":%d.%s,"ratio":0.1%d,"small":1.0000000000000001e-7,"at":"2026-01-02T03:04:05.123456%sZ","clf":"2026-01-02 03:04:05,0000000%d","in":{"at":"2026-01-02T03:04:05.123456789Z","n":1.23456789012345678901}}`, i+1, []string{"5", "123456789012345678"}[i%2], i, []string{"", "000", "789"}[i%3], i%2)
		})),
		"empty": sampleOf("a.log", lines(20, func(i int) string {
			return []string{`{"a":"","t":"2026-01-02T03:04:05Z","x":null,"o":{}}`, `{"a":"v","t":"2026-01-02T03:04:05Z","x":null,"o":{}}`}[i%2]
		})+`{"t":""}`+"\n"),
		"unicode": sampleOf("a.log", lines(4, func(i int) string {
			return `{"größe":1,"名前":"値","a b":1,"a.b":2,"A":1,"a":2,"":3,"x/y=\"z\"":4,"_extra":5,"line\nend":6,"yes":true,"123":1,"\u2028":"\u2028\u0085"}`
		})),
		"hive": sampleOf("t/region=eu/dt=2026-01-01/a.gz", lines(5, func(i int) string { return `{"time":"2026-01-01T00:00:00Z","v":1,"bad":"x"}` }),
			"t/region=us%2D1/dt=2026-01-02/a.gz", lines(5, func(i int) string { return `{"time":"2026-01-02T00:00:00Z","v":1}` })+"not json\n[1]\n{\"a\":1,\"a\":2}\n"),
		"csv": csvOf("a.csv", "\ufeffid;name;price;zip;at;ok;note;a b;ts\r\n"+lines(30, func(i int) string {
			return fmt.Sprintf("%d;\"Ann; %d\";%s;%05d;2026-01-%02d 03:04:05;%s;%s;1e400;%d\r", i, i, []string{"1.50", "2", ".5", ""}[i%4], i*7919, i%28+1, []string{"TRUE", "false"}[i%2], []string{"", "\"\""}[i%2], 1_767_225_600+i)
		})+"1;2\n", "b.csv", "zip;new;id\n00501;2026-02-01;7\n", "c.csv", "1,2\n3,4\n"),
		"tsv":    csvOf("a.tsv", lines(5, func(i int) string { return fmt.Sprintf("%d\t2026-01-02T03:04:05Z\tn/a\t%d", i, i) })+"6\t\t7\t\n"),
		"pretty": sampleOf("a.json", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}\n{\n  \"a\": 2\n}\n"),
		"array":  sampleOf("a.json", `[{"a":1},{"a":2}]`, "b.json", "{\"a\":1}\n", "c.json", "[\n{\"a\":3}\n]"),
	}
}

// TestSchemaFiles holds the files that are inferred against testdata.
func TestSchemaFiles(t *testing.T) {
	for name, s := range corpora() {
		t.Run(name, func(t *testing.T) {
			text, err := Schema(s, nil)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(text)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if _, err := schema.Parse(text, nil); err != nil {
				t.Errorf("the schema is refused: %v", err)
			}
			if again, _ := Schema(s, nil); !bytes.Equal(again, text) {
				t.Error("another time it is another file")
			}
		})
	}
}

// TestPartitionByAnyName: a column may be called like a word of the expressions.
func TestPartitionByAnyName(t *testing.T) {
	for _, name := range []string{"and", "or", "not", "in", "is", "null", "true", "false", "case", "when", "then", "else", "end", "cast", "try_cast", "as", "between", "like", "escape", "date", "timestamp", "from", "both", "extract", "Time", "größe", `a "b"`, "it's"} {
		text, err := Schema(sampleOf("a.json", fmt.Sprintf(`{%q:"2026-01-02T03:04:05Z"}`, name)), []string{"dt"})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := schema.Parse(text, nil); err != nil || len(s.Partitions) != 1 {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// TestDatesWithNamesThatNoFolderHas are partitioned by under another name.
func TestDatesWithNamesThatNoFolderHas(t *testing.T) {
	for name, partition := range map[string]string{"day": "day", "_day": "dt", "a:b": "dt", ".x": "dt"} {
		text, err := Schema(sampleOf("a.json", fmt.Sprintf(`{%q:"2026-01-02"}`, name)), nil)
		if err != nil {
			t.Fatal(err)
		}
		inForce := strings.NewReplacer("\n# partitions:", "\npartitions:", "\n#   - {", "\n  - {").Replace(string(text))
		if s, err := schema.Parse([]byte(inForce), nil); err != nil || len(s.Partitions) != 1 || s.Partitions[0].Name != partition {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// TestNothingToInfer says why.
func TestNothingToInfer(t *testing.T) {
	for says, s := range map[string]*Sample{
		"no sources":         {Ignored: 3},
		"no rows of CSV":     csvOf("a.csv", "a,a\n1,2\n"),
		"0 objects ignored)": {Format: schema.FormatCSV},
		"no members":         sampleOf("a", "{}\n{}\n"),
		"no JSON objects":    sampleOf("a", "a,b\n1,2\n"),
		"1 source cannot be": {Texts: []Text{{Reason: "not_gzip"}}},
		"--sample-bytes":     {Texts: []Text{{Bytes: []byte(`{"a":"`), Cut: true}}},
	} {
		if _, err := Schema(s, nil); !errors.Is(err, ErrNoRows) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}
