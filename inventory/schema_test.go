package inventory

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

func TestParseFileSchema(t *testing.T) {
	for _, tc := range []struct {
		format, text string
		want         fileSchema
	}{
		{formatORC, "struct<bucket:string,key:string,size:bigint,last_modified_date:timestamp>",
			fileSchema{"bucket": "string", "key": "string", "size": "bigint", "lastmodifieddate": "timestamp"}},
		{formatORC, " struct<key:string, new:struct<size:bigint,is_latest:boolean>, price:decimal(10,2)> ",
			fileSchema{"key": "string", "new": "struct<size:bigint,is_latest:boolean>", "price": "decimal(10,2)"}},
		{formatParquet, "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); optional int64 size; optional int64 last_modified_date (TIMESTAMP(MILLIS,true));}",
			fileSchema{"bucket": "binary", "key": "binary", "size": "int64", "lastmodifieddate": "int64"}},
		{formatORC, "Bucket, Key, Size", nil},
		{formatORC, "struct<", nil},
		{formatParquet, "", nil},
		{formatParquet, "message x }", fileSchema{}},
	} {
		if d := cmp.Diff(tc.want, parseFileSchema(tc.format, tc.text)); d != "" {
			t.Errorf("%s %s (-want +got):\n%s", tc.format, tc.text, d)
		}
	}
}

// TestFilesHaveTheColumnsOfTheSchema has reports with a data file that does not name
// a column, or gives it another type, as the manifest does. Without the column old
// versions would count as objects, or objects as of no storage class.
func TestFilesHaveTheColumnsOfTheSchema(t *testing.T) {
	const (
		orcSchema     = "struct<bucket:string,key:string,is_latest:boolean,size:bigint,last_modified_date:timestamp,storage_class:string>"
		parquetSchema = "message s3.inventory { required binary key (UTF8); optional int64 size; optional int64 last_modified_date; %;}"
	)
	orcFile := func(latest, class string, kind orcwrite.Kind) []byte {
		var b bytes.Buffer
		w, err := orcwrite.NewWriter(&b, []orcwrite.Field{
			{Name: "bucket", Kind: orcwrite.String}, {Name: "key", Kind: orcwrite.String}, {Name: latest, Kind: orcwrite.Boolean},
			{Name: "size", Kind: orcwrite.Long}, {Name: "last_modified_date", Kind: orcwrite.Timestamp}, {Name: class, Kind: kind},
		}, orcwrite.Options{})
		if err == nil {
			err = w.WriteStripe(1, []orcwrite.Column{
				{Strings: []string{"source"}}, {Strings: []string{"a/b"}}, {Bools: []bool{false}},
				{Ints: []int64{7}}, {Times: []time.Time{reportTime}}, {Strings: []string{"STANDARD"}, Ints: []int64{1}},
			})
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	const latest, class = "is_latest", "storage_class"
	whole := orcFile(latest, class, orcwrite.String)
	parquetFile := parquetData(t, "source", sampleObjects(), asS3Writes)
	with := func(column string) string { return strings.Replace(parquetSchema, "%", column, 1) }
	for _, tc := range []struct {
		name, format, schema string
		file                 []byte
		want                 string // "": it is read
	}{
		{"the same columns", "ORC", orcSchema, whole, ""},
		{"the schema of another writer", "ORC", csvFields, whole, ""},
		{"a column that the schema does not name", "ORC", strings.Replace(orcSchema, "storage_class:", "new:", 1), whole, ""},
		{"no is_latest", "ORC", orcSchema, orcFile("is_lates4", class, orcwrite.String), "the column islatest is missing"},
		{"no storage class", "ORC", orcSchema, orcFile(latest, "storage_clasr", orcwrite.String), "the column storageclass is missing"},
		{"a storage class of another type", "ORC", orcSchema, orcFile(latest, class, orcwrite.Long), "the column storageclass is not of the type string"},
		{"a new type in both", "ORC", strings.Replace(orcSchema, "storage_class:string", "storage_class:bigint", 1), orcFile(latest, class, orcwrite.Long), ""},
		{"the same columns", "Parquet", with("optional binary storage_class (UTF8)"), parquetFile, ""},
		{"no access tier", "Parquet", with("optional binary intelligent_tiering_access_tier (UTF8)"), parquetFile, "the column intelligenttieringaccesstier is missing"},
	} {
		tr := newTree(t, tc.format, tc.file)
		tr.manifest.FileSchema = tc.schema
		tr.writeManifest(reportName)
		_, err := SurveyReport(t.Context(), nil, tr.config(), selection(nil), ReportOptions{})
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "data/0.")) {
			t.Errorf("%s, %s: %v, want %q", tc.format, tc.name, err, tc.want)
		}
	}
}
