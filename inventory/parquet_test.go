package inventory

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/google/go-cmp/cmp"
)

// parquetForm is how a Parquet file is written.
type parquetForm struct {
	rowGroupRows int
	version      parquet.Version
	pageVersion  parquet.DataPageVersion
	codec        compress.Compression
	dictionary   bool
	times        schema.TimeUnitType // "unknown": INT96
	required     bool                // columns without a missing value
	shortSizes   bool                // INT32
	pageBytes    int64               // 0: small ones
}

// asS3Writes is the form of S3's files.
var asS3Writes = parquetForm{rowGroupRows: 20, version: parquet.V1_0, pageVersion: parquet.DataPageV1, codec: compress.Codecs.Snappy, dictionary: true, times: schema.TimeUnitMillis}

// parquetData writes the objects in columns as S3 has them, and two that nobody
// asked for.
func parquetData(t testing.TB, bucket string, objects []object, form parquetForm) []byte {
	t.Helper()
	optional := parquet.Repetitions.Optional
	var fields schema.FieldList
	var put []func(pqfile.ColumnChunkWriter, []object) error
	add := func(node schema.Node, err error, write func(pqfile.ColumnChunkWriter, []object) error) {
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, node)
		put = append(put, write)
	}
	word := func(name string, value func(object) (string, bool)) {
		repetition := optional
		if form.required && (name == "bucket" || name == "key") {
			repetition = parquet.Repetitions.Required
		}
		node, err := schema.NewPrimitiveNodeConverted(name, repetition, parquet.Types.ByteArray, schema.ConvertedTypes.UTF8, 0, 0, 0, -1)
		add(node, err, func(w pqfile.ColumnChunkWriter, objects []object) error {
			var values []parquet.ByteArray
			var levels []int16
			for _, o := range objects {
				v, there := value(o)
				levels = append(levels, 0)
				if there {
					values, levels[len(levels)-1] = append(values, parquet.ByteArray(v)), 1
				}
			}
			if repetition == parquet.Repetitions.Required {
				levels = nil
			}
			_, err := w.(*pqfile.ByteArrayColumnChunkWriter).WriteBatch(values, levels, nil)
			return err
		})
	}
	flag := func(name string, value func(object) bool) {
		add(schema.NewBooleanNode(name, optional, -1), nil, func(w pqfile.ColumnChunkWriter, objects []object) error {
			var values []bool
			var levels []int16
			for i, o := range objects {
				v := value(o)
				if isDefault := v == (name == "is_latest"); isDefault && i%3 == 0 {
					levels = append(levels, 0)
					continue
				}
				values, levels = append(values, v), append(levels, 1)
			}
			_, err := w.(*pqfile.BooleanColumnChunkWriter).WriteBatch(values, levels, nil)
			return err
		})
	}
	number := func(name string, node schema.Node, err error, value func(object) (time.Time, int64, bool)) {
		add(node, err, func(w pqfile.ColumnChunkWriter, objects []object) error {
			var short []int32
			var long []int64
			var old []parquet.Int96
			var levels []int16
			for _, o := range objects {
				at, n, there := value(o)
				levels = append(levels, 0)
				if !there {
					continue
				}
				levels[len(levels)-1] = 1
				switch form.times {
				case schema.TimeUnitMicros:
					long = append(long, at.UnixMicro()+n)
				case schema.TimeUnitNanos:
					long = append(long, at.UnixNano()+n)
				default:
					long = append(long, at.UnixMilli()+n)
				}
				if name == "size" {
					long[len(long)-1] = n
				}
				short = append(short, int32(n))
				var i96 parquet.Int96
				binary.LittleEndian.PutUint64(i96[:8], uint64(at.UnixNano()%(24*3600e9)))
				binary.LittleEndian.PutUint32(i96[8:], uint32(at.Unix()/(24*3600)+2440588))
				old = append(old, i96)
			}
			var err error
			switch w := w.(type) {
			case *pqfile.Int32ColumnChunkWriter:
				_, err = w.WriteBatch(short, levels, nil)
			case *pqfile.Int64ColumnChunkWriter:
				_, err = w.WriteBatch(long, levels, nil)
			case *pqfile.Int96ColumnChunkWriter:
				_, err = w.WriteBatch(old, levels, nil)
			}
			return err
		})
	}
	timeNode := func(name string) (schema.Node, error) {
		if form.times == schema.TimeUnitUnknown {
			return schema.NewInt96Node(name, optional, -1), nil
		}
		return schema.NewPrimitiveNodeLogical(name, optional, schema.NewTimestampLogicalType(true, form.times), parquet.Types.Int64, -1, -1)
	}
	word("bucket", func(object) (string, bool) { return bucket, true })
	word("key", func(o object) (string, bool) { return o.key, true })
	word("version_id", func(object) (string, bool) { return "", false })
	flag("is_latest", func(o object) bool { return !o.old })
	flag("is_delete_marker", func(o object) bool { return o.marker })
	size := schema.NewInt64Node("size", optional, -1)
	if form.shortSizes {
		size = schema.NewInt32Node("size", optional, -1)
	}
	number("size", size, nil, func(o object) (time.Time, int64, bool) { return time.Time{}, o.size, !o.marker && !o.noSize })
	node, err := timeNode("last_modified_date")
	number("last_modified_date", node, err, func(o object) (time.Time, int64, bool) { return o.modified, 0, true })
	word("e_tag", func(o object) (string, bool) { return o.tag(), !o.marker })
	word("storage_class", func(o object) (string, bool) { return o.class, !o.marker })
	word("encryption_status", func(o object) (string, bool) { return "SSE-S3", o.size%2 == 0 })
	word("object_lock_mode", func(o object) (string, bool) { return "GOVERNANCE", o.size%7 == 0 })
	node, err = timeNode("object_lock_retain_until_date")
	number("object_lock_retain_until_date", node, err, func(o object) (time.Time, int64, bool) { return o.modified, 0, o.size%7 == 0 })
	word("object_lock_legal_hold_status", func(o object) (string, bool) {
		return map[bool]string{true: "On", false: "Off"}[o.size%5 == 0], true
	})
	number("something_new", schema.NewInt64Node("something_new", optional, -1), nil, func(object) (time.Time, int64, bool) { return time.Unix(0, 0), 7, true })

	root, err := schema.NewGroupNode("s3.inventory", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		t.Fatal(err)
	}
	if form.pageBytes == 0 {
		form.pageBytes = 512
	}
	var out bytes.Buffer
	w := pqfile.NewParquetWriter(&out, root, pqfile.WithWriterProps(parquet.NewWriterProperties(
		parquet.WithVersion(form.version), parquet.WithDataPageVersion(form.pageVersion), parquet.WithCompression(form.codec), parquet.WithDictionaryDefault(form.dictionary),
		parquet.WithDataPageSize(form.pageBytes), parquet.WithBatchSize(form.pageBytes/100),
	)))
	for len(objects) > 0 {
		n := min(form.rowGroupRows, len(objects))
		g, err := w.AppendRowGroupChecked()
		if err != nil {
			t.Fatal(err)
		}
		for _, write := range put {
			c, err := g.NextColumn()
			if err == nil {
				err = write(c, objects[:n])
			}
			if err == nil {
				err = c.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		objects = objects[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// parquetAsCSV is the same report as CSV.
func parquetAsCSV(bucket string, objects []object) (schema string, b []byte) {
	var out bytes.Buffer
	for _, o := range objects {
		var encryption, mode, until string
		if o.size%2 == 0 {
			encryption = "SSE-S3"
		}
		if o.size%7 == 0 {
			mode, until = "GOVERNANCE", o.modified.UTC().Format(time.RFC3339)
		}
		size, class := fmt.Sprint(o.size), o.class
		if o.marker || o.noSize {
			size = ""
		}
		if o.marker {
			class = ""
		}
		fmt.Fprintf(&out, `"%s","%s","%t","%t","%s","%s","%s","%s","%s","%s","%s"`+"\n", bucket, csvEscape(o.key), !o.old, o.marker, size,
			o.modified.UTC().Format("2006-01-02T15:04:05.000Z"), class, encryption, mode, until, map[bool]string{true: "On", false: "Off"}[o.size%5 == 0])
	}
	return "Bucket, Key, IsLatest, IsDeleteMarker, Size, LastModifiedDate, StorageClass, EncryptionStatus, ObjectLockMode, ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus", out.Bytes()
}

func csvEscape(key string) string {
	var b strings.Builder
	for _, c := range []byte(key) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// TestParquetReports holds Parquet reports in many forms against the CSV of the
// same rows.
func TestParquetReports(t *testing.T) {
	var objects []object
	for range 100 {
		objects = append(objects, sampleObjects()...)
	}
	for i := range objects {
		objects[i].size = min(objects[i].size, 1<<30) // so that INT32 holds it
	}
	sel := selection(func(s *Selection) { s.MinObjects = 2 })
	read := func(tr *tree, concurrency int) *Plan {
		t.Helper()
		p, err := planOfReport(t.Context(), nil, tr.config(), sel, ReportOptions{Concurrency: concurrency, VerifyChecksums: true})
		if err != nil {
			t.Fatal(err)
		}
		p.Source.Format, p.Source.Report = "", ""
		timeless(&p.PlanHeader)
		return p
	}
	fields, csv := parquetAsCSV("source", objects)
	tr := newTree(t, "CSV", csv)
	tr.manifest.FileSchema = fields
	tr.writeManifest(reportName)
	want := read(tr, 1)
	if want.Source.Ignored == 0 || len(want.Hotspots) < 2 || want.Hotspots[0].Locked == 0 || len(want.Hotspots[0].Encryption) == 0 {
		t.Fatalf("plan of the CSV: %+v", want)
	}
	for name, change := range map[string]func(*parquetForm){
		"as S3 writes":       func(*parquetForm) {},
		"one row group":      func(f *parquetForm) { f.rowGroupRows = len(objects) },
		"version 2":          func(f *parquetForm) { f.version, f.pageVersion = parquet.V2_LATEST, parquet.DataPageV2 },
		"plain":              func(f *parquetForm) { f.dictionary, f.codec = false, compress.Codecs.Uncompressed },
		"gzip":               func(f *parquetForm) { f.codec = compress.Codecs.Gzip },
		"zstd, large groups": func(f *parquetForm) { f.codec, f.rowGroupRows = compress.Codecs.Zstd, 1000 },
		"microseconds":       func(f *parquetForm) { f.times = schema.TimeUnitMicros },
		"nanoseconds":        func(f *parquetForm) { f.times = schema.TimeUnitNanos },
		"INT96":              func(f *parquetForm) { f.times = schema.TimeUnitUnknown },
		"required, INT32":    func(f *parquetForm) { f.required, f.shortSizes = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			form := asS3Writes
			change(&form)
			half := len(objects) / 2
			got := read(newTree(t, "Parquet", parquetData(t, "source", objects[:half], form), parquetData(t, "source", objects[half:], form)), 3)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-CSV +Parquet):\n%s", d)
			}
		})
	}
}

func TestParquetReportsRefuses(t *testing.T) {
	objects := sampleObjects()
	at := objects[0].modified
	for _, tc := range []struct {
		name   string
		bucket string
		rows   []object
		want   []string
	}{
		{"another bucket", "other", objects, []string{"row group 0", "column bucket", "row 0", `"other"`}},
		{"negative size", "source", append([]object{objects[0]}, object{key: "a", size: -3, modified: at}), []string{"row group 0", "row 1", "-3 bytes"}},
		{"no key", "source", append(objects[:25:25], object{key: "", size: 3, modified: at}), []string{"row group 1", "row 25", "empty key"}},
		{"a long key", "source", []object{{key: strings.Repeat("k", 1025), modified: at}}, []string{"column key", "1025 bytes"}},
		{"no UTF-8", "source", []object{{key: "a\xff/b", modified: at}}, []string{"UTF-8"}},
		{"no storage class", "source", []object{{key: "a", modified: at, class: "two words"}}, []string{"column storage_class", "two words"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := planOfReport(t.Context(), nil, newTree(t, "Parquet", parquetData(t, tc.bucket, tc.rows, asS3Writes)).config(), selection(nil), ReportOptions{})
			if p != nil || err == nil {
				t.Fatalf("plan %v, error %v", p, err)
			}
			for _, want := range append(tc.want, "data/0.parquet") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

// readParquet sums up a Parquet file.
func readParquet(ctx context.Context, b []byte) (*Plan, error) {
	f, err := openParquet(bytes.NewReader(b), int64(len(b)), nil, false)
	if err != nil {
		return nil, err
	}
	g := newGroups(selection(nil), "source", time.Unix(1790000000, 0))
	w := g.worker()
	for unit := range f.units() {
		r, err := f.reader()
		if err == nil {
			err = r.read(ctx, unit, w, noProgress{})
		}
		if err != nil {
			return nil, err
		}
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	return newSurvey("source", "", Source{}, g).Plan(), nil
}

// TestDamagedParquetIsNeverCountedShort flips bits of a file: it is an error or
// the same number of rows, never a panic. (The MD5 in the manifest finds the rest.)
func TestDamagedParquetIsNeverCountedShort(t *testing.T) {
	form := asS3Writes
	whole := parquetData(t, "source", sampleObjects()[:12], form)
	damageParquet(t, whole, func(i int) []byte { return []byte{[...]byte{1, 0x80, 0xff}[i%3]} })
	for _, n := range []int{0, 1, 11, 12, len(whole) / 2, len(whole) - 1} {
		if _, err := readParquet(t.Context(), whole[:n]); err == nil {
			t.Errorf("%d of %d bytes were read", n, len(whole))
		}
	}
}

// damageParquet flips the bits that masks names of each byte, one after the other.
func damageParquet(t *testing.T, whole []byte, masks func(i int) []byte) {
	t.Helper()
	want, err := readParquet(t.Context(), whole)
	if err != nil {
		t.Fatal(err)
	}
	refused, panics := 0, 0
	for i := range whole {
		for _, mask := range masks(i) {
			b := bytes.Clone(whole)
			b[i] ^= mask
			p, err := readParquet(t.Context(), b)
			if err != nil {
				refused++
				if strings.Contains(err.Error(), "damaged: runtime error") {
					panics++
				}
				continue
			}
			if got := p.Totals.Objects + p.Source.Ignored; got != want.Totals.Objects+want.Source.Ignored {
				t.Errorf("byte %d ^ %#x: %d rows, of %d", i, mask, got, want.Totals.Objects+want.Source.Ignored)
			}
		}
	}
	t.Logf("%d flips in %d bytes were refused, %d of them by a panic of the decoder", refused, len(whole), panics)
}

// FuzzParquet reads anything, without a panic and in bounded time.
func FuzzParquet(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	form := asS3Writes
	form.rowGroupRows = 5
	for _, codec := range []compress.Compression{compress.Codecs.Snappy, compress.Codecs.Uncompressed} {
		form.codec = codec
		b := parquetData(f, "source", sampleObjects()[:12], form)
		f.Add(b)
		b = bytes.Clone(b)
		b[r.IntN(len(b))] ^= 0x55
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		if p, err := readParquet(t.Context(), b); err == nil && p == nil {
			t.Error("neither a plan nor an error")
		}
	})
}

// BenchmarkParquet sums up 400,000 rows with keys of 45 bytes, in the form that
// S3 writes.
func BenchmarkParquet(b *testing.B) {
	form := asS3Writes
	form.rowGroupRows, form.pageBytes = 200_000, 1<<20
	r := rand.New(rand.NewPCG(1, 1))
	var objects []object
	for i := range 400_000 {
		key := fmt.Sprintf("%d/2026/10/04/%016x-%08d.json.gz", 10000+r.IntN(300), r.Uint64(), i)
		objects = append(objects, object{key: key, size: 40000 + r.Int64N(1000), modified: time.UnixMilli(1790000000000 + int64(i)), class: "STANDARD"})
	}
	file := parquetData(b, "source", objects, form)
	b.ReportAllocs()
	for b.Loop() {
		if p, err := readParquet(b.Context(), file); err != nil || p.Totals.Objects != int64(len(objects)) {
			b.Fatal(p, err)
		}
	}
	b.ReportMetric(float64(len(objects))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// TestLargeParquetFilesAreReadByRowGroups has a file beyond what is read whole.
func TestLargeParquetFilesAreReadByRowGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	objects := make([]object, 120_000)
	for i := range objects {
		key := fmt.Sprintf("%d/%016x%016x%016x%016x", i%3, r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		objects[i] = object{key: key, size: int64(i), modified: time.Unix(int64(i), 0), class: "STANDARD"}
	}
	form := asS3Writes
	form.rowGroupRows, form.pageBytes, form.codec = 50_000, 1<<20, compress.Codecs.Uncompressed
	b := parquetData(t, "source", objects, form)
	if len(b) <= wholeFileBytes {
		t.Fatalf("the file has %d bytes, no more than the %d that are read whole", len(b), wholeFileBytes)
	}
	want, err := readParquet(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	tr := newTree(t, "Parquet", b)
	for _, verify := range []bool{false, true} {
		var m meter
		got, err := planOfReport(t.Context(), nil, tr.config(), selection(nil), ReportOptions{Concurrency: 3, VerifyChecksums: verify, Progress: &m})
		if err != nil {
			t.Fatal(err)
		}
		if got.Totals.Objects != int64(len(objects)) || cmp.Diff(want.Totals, got.Totals) != "" || len(got.Hotspots) != 3 {
			t.Errorf("verified %v: %+v, want %+v", verify, got.Totals, want.Totals)
		}
		if m.objects != int64(len(objects)) || m.bytes != int64(len(b)) || m.totalBytes != int64(len(b)) {
			t.Errorf("progress of %d rows and %d bytes, want %d rows of %d bytes", m.objects, m.bytes, len(objects), len(b))
		}
	}
	tr.manifest.Files[0].MD5 = "00000000000000000000000000000000"
	tr.writeManifest(reportName)
	var damaged *checksumError
	if _, err := planOfReport(t.Context(), nil, tr.config(), selection(nil), ReportOptions{VerifyChecksums: true}); !errors.As(err, &damaged) {
		t.Errorf("another MD5, verified: error %v", err)
	}
}
