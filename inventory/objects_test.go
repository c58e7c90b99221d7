package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
)

// objectsOf are the objects of a report, by key.
func objectsOf(ctx context.Context, location string, o ReportOptions) (bucket string, all []s3store.Object, source Source, err error) {
	source, err = EachObject(ctx, nil, location, o, func(b string, objects []s3store.Object) error {
		bucket, all = b, append(all, objects...)
		return nil
	})
	slices.SortFunc(all, func(a, b s3store.Object) int { return cmp.Compare(a.Key, b.Key) })
	return bucket, all, source, err
}

func TestEachObject(t *testing.T) {
	objects := sampleObjects()
	var want []s3store.Object
	for i := range objects {
		o := &objects[i]
		o.etag = fmt.Sprintf("%x-%d", i, i%3)
		if !o.old && !o.marker && !o.noSize {
			want = append(want, s3store.Object{Key: o.key, SizeBytes: o.size, ETag: o.etag, LastModified: o.modified.UTC()})
		}
	}
	slices.SortFunc(want, func(a, b s3store.Object) int { return cmp.Compare(a.Key, b.Key) })
	half := len(objects) / 2
	quoted := strings.NewReplacer("-0\"", "-0\"\"\"").Replace(string(csvData(objects[:1])))
	quoted = strings.Replace(quoted, `"0-0"`, `"""0-0"`, 1)
	for name, tr := range map[string]*tree{
		"ORC":            newTree(t, "ORC", orcData(t, "source", objects[:half], 7), orcIndexed(t, "source", objects[half:], 1000, 5)),
		"Parquet":        newTree(t, "Parquet", parquetData(t, "source", objects[:half], asS3Writes), parquetData(t, "source", objects[half:], asS3Writes)),
		"CSV":            newTree(t, "CSV", gzipped(csvData(objects[:half])), csvData(objects[half:])),
		"quotes in ETag": newTree(t, "CSV", []byte(quoted), csvData(objects[1:])),
	} {
		for _, concurrency := range []int{1, 3} {
			bucket, got, source, err := objectsOf(t.Context(), tr.config(), ReportOptions{Concurrency: concurrency})
			if err != nil || bucket != "source" || source.ID != "daily" {
				t.Errorf("%s: bucket %q, source %+v, %v", name, bucket, source, err)
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("%s, %d at once (-want +got):\n%s", name, concurrency, d)
			}
		}
	}
}

func TestEachObjectFails(t *testing.T) {
	objects := sampleObjects()
	objects[7].etag = `""`
	_, _, _, err := objectsOf(t.Context(), newTree(t, "Parquet", parquetData(t, "source", objects, asS3Writes)).config(), ReportOptions{})
	if err == nil || !strings.Contains(err.Error(), "row 7 has no ETag") {
		t.Errorf("a row without: %v", err)
	}
	tr := newTree(t, "CSV", csvData(objects))
	tr.manifest.FileSchema = strings.Replace(csvFields, "ETag", "Tag", 1)
	tr.writeManifest(reportName)
	if _, _, _, err = objectsOf(t.Context(), tr.config(), ReportOptions{}); err == nil || !strings.Contains(err.Error(), "the column etag, by which") {
		t.Errorf("a report without: %v", err)
	}
	mine := errors.New("mine")
	_, err = EachObject(t.Context(), nil, newTree(t, "CSV", csvData(sampleObjects())).config(), ReportOptions{}, func(string, []s3store.Object) error { return mine })
	if !errors.Is(err, mine) {
		t.Errorf("an error of the caller: %v", err)
	}
}
