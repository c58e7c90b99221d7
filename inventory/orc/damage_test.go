package orc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// TestCorruptExamples reads Apache's damaged files. Each must be refused with the right reason.
func TestCorruptExamples(t *testing.T) {
	for name, want := range map[string]string{
		"missing_blob_stream_in_string_dict":   `stripe 0: column "string_col": dictionary of 10 entries: the lengths`,
		"missing_length_stream_in_string_dict": "stripe statistics: inflate: 42 bytes follow the end", // it was edited in place
		"negative_dict_entry_lengths":          `column "date_string_col": dictionary of 31 entries: the lengths`,
		"stripe_footer_bad_column_encodings":   "stripe 0: stripe footer: inflate: 12 bytes follow the end", // edited too
	} {
		b, err := os.ReadFile("testdata/corrupt/" + name + ".orc")
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := readAll(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d rows, %v, want %q", name, rows, err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	lzo, err := os.ReadFile("testdata/TestVectorOrcFile.testLzo.orc")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes: not an ORC file"},
		{"LZO", lzo, "LZO is not supported"},
		{"text", []byte("bucket,key\n"), "not an ORC file"},
		{"zeros", make([]byte, 1000), "not an ORC file"},
		{"gzip", append([]byte{0x1f, 0x8b, 8}, make([]byte, 100)...), "not an ORC file"},
		{"a footer longer than the file", []byte("ORC\x08\x7f\x82\xf4\x03\x03ORC\x09"), "do not fit"},
		{"an unknown compression", []byte("ORC\x10\x07\x82\xf4\x03\x03ORC\x09"), "compression kind 7 is not known"},
	} {
		if _, err := Open(bytes.NewReader(c.file), int64(len(c.file))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	b := one(KindLong, 3, directV2, threeInts).bytes()
	if _, err := Open(bytes.NewReader(b), int64(len(b))+1); err == nil {
		t.Error("a file shorter than its size: no error")
	}
}

// smallExamples returns the example files of at most limit bytes by name.
func smallExamples(t testing.TB, limit int64) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, pattern := range []string{"testdata/*.orc", "testdata/corrupt/*.orc"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(b)) <= limit {
				files[path] = b
			}
		}
	}
	if len(files) < 9 {
		t.Fatalf("only %d small example files", len(files))
	}
	return files
}

// TestFlippedBytes changes every byte of the small example files in turn. Nothing may panic; what is read without an error
// has the number of rows that the file says.
func TestFlippedBytes(t *testing.T) {
	files := smallExamples(t, 900)
	for _, compression := range []orcwrite.Compression{orcwrite.None, orcwrite.Snappy} {
		o := orcwrite.Options{Compression: compression, BlockBytes: 200, RowIndexStride: 5, EarlyPositions: true}
		files[fmt.Sprint("compression ", compression)] = writeInventory(t, 9, o, 0.2, 12)
	}
	for path, b := range files {
		for i := range b {
			for _, mask := range []byte{0x01, 0xff} {
				b[i] ^= mask
				checkRead(t, path, b)
				b[i] ^= mask
			}
		}
	}
}

// checkRead reads all of a file that may be damaged: what is read without an error has as many rows as the file says, and is the
// same in whatever spans it is read, and with columns left unread.
func checkRead(t *testing.T, name string, b []byte) {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return
	}
	columns := readable(f)
	r, err := f.NewReader(columns...)
	if err != nil {
		return
	}
	for i := range f.NumStripes() {
		whole, err := readStripe(context.Background(), r, i)
		if err != nil {
			return
		}
		if int64(whole.Rows) != f.Stripe(i).Rows {
			t.Errorf("%s: stripe %d: %d rows without an error, the file says %d", name, i, whole.Rows, f.Stripe(i).Rows)
		}
		n := f.RowGroups(i)
		if n < 2 || n > 100 {
			continue
		}
		if split, err := readSplit(f, r, columns, i, []int{0, n / 2, n - 1}, false); err == nil {
			if d := difference(split, whole, nil); d != "" {
				t.Errorf("%s: stripe %d in spans: %s", name, i, d)
			}
		}
		err = readSkipping(r, i, rand.New(rand.NewPCG(uint64(len(b)), 1)), whole)
		if errors.Is(err, errDiffers) {
			t.Errorf("%s: stripe %d with columns left unread: %v", name, i, err)
		}
	}
}

// TestTruncated cuts the small example files at every length. None of the pieces is a file.
func TestTruncated(t *testing.T) {
	for path, b := range smallExamples(t, 2500) {
		for n := range b {
			if rows, err := readAll(b[:n]); err == nil {
				t.Errorf("%s, %d of %d bytes: %d rows, no error", path, n, len(b), rows)
			}
		}
	}
}

// recorder notes which bytes are read.
type recorder struct {
	io.ReaderAt
	reads int
	bytes int
}

func (r *recorder) ReadAt(b []byte, off int64) (int, error) {
	r.reads++
	r.bytes += len(b)
	return r.ReaderAt.ReadAt(b, off)
}

// TestProjectionReads checks that a reader of one column asks only for that column's bytes, with few reads.
func TestProjectionReads(t *testing.T) {
	for _, c := range []struct {
		path             string
		column           string
		opens, reads     int // number of ReadAt
		leastB, mostB    int // bytes read by ReadStripe
		stripe, fileSize int
	}{
		// A file of 1.9 MB in 7 stripes of 12 columns.
		{"testdata/TestOrcFile.testSeek.orc", "long1", 1, 2, 15_000, 25_000, 0, 1898095},
		{"testdata/demo-12-zlib.orc", "_col4", 1, 1, 1, 45_979, 0, 45979},
	} {
		b, err := os.ReadFile(c.path)
		if err != nil || len(b) != c.fileSize {
			t.Fatal(len(b), err)
		}
		rec := &recorder{ReaderAt: bytes.NewReader(b)}
		f, err := Open(rec, int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if rec.reads != c.opens {
			t.Errorf("%s: opened with %d reads, want %d", c.path, rec.reads, c.opens)
		}
		r, err := f.NewReader(c.column)
		if err != nil {
			t.Fatal(err)
		}
		rec.reads, rec.bytes = 0, 0
		if _, err := readStripe(context.Background(), r, c.stripe); err != nil {
			t.Fatal(err)
		}
		if rec.reads != c.reads || rec.bytes < c.leastB || rec.bytes > c.mostB {
			t.Errorf("%s: %d reads of %d bytes, want %d of %d to %d", c.path, rec.reads, rec.bytes, c.reads, c.leastB, c.mostB)
		}
	}
}

// TestFormatsAgree compares two files of the same 1,920,800 rows, one written with run length encoding v1 in 385 stripes,
// the other with v2 in one stripe.
func TestFormatsAgree(t *testing.T) {
	v1, v2 := openTestFile(t, "testdata/demo-11-zlib.orc"), openTestFile(t, "testdata/demo-12-zlib.orc")
	columns := readable(v1)
	r1, err := v1.NewReader(columns...)
	if err != nil {
		t.Fatal(err)
	}
	r2, err := v2.NewReader(columns...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := readStripe(context.Background(), r2, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for i := range v1.NumStripes() {
		a, err := readStripe(context.Background(), r1, i)
		if err != nil {
			t.Fatal(err)
		}
		for c, v := range a.Columns {
			w := b.Columns[c]
			for row := range a.Rows {
				if v.Kind == KindString {
					if !bytes.Equal(v.Bytes(row), w.Bytes(at+row)) {
						t.Fatalf("column %q, row %d: %q and %q", columns[c], at+row, v.Bytes(row), w.Bytes(at+row))
					}
				} else if v.Int64[row] != w.Int64[at+row] {
					t.Fatalf("column %q, row %d: %d and %d", columns[c], at+row, v.Int64[row], w.Int64[at+row])
				}
			}
		}
		at += a.Rows
	}
	if at != b.Rows {
		t.Errorf("%d and %d rows", at, b.Rows)
	}
}

// TestNextAllocatesNothing checks that memory is used again.
func TestNextAllocatesNothing(t *testing.T) {
	f := openTestFile(t, "testdata/demo-12-zlib.orc")
	r, err := f.NewReader(readable(f)...)
	if err != nil {
		t.Fatal(err)
	}
	open := func() {
		if err := r.Open(context.Background(), Span{To: f.RowGroups(0)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	next := func() {
		for {
			if _, err := r.Next(context.Background()); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	open()
	next()
	if n := testing.AllocsPerRun(2, func() { open(); next() }); n > 20 {
		t.Errorf("%v allocations for a stripe of %d rows", n, f.Stripe(0).Rows)
	}
}

// failing reads from a file until told to fail, then so many times more.
type failing struct {
	io.ReaderAt
	err  error
	good int
}

func (f *failing) ReadAt(b []byte, off int64) (int, error) {
	if f.err != nil {
		if f.good == 0 {
			return 0, f.err
		}
		f.good--
	}
	return f.ReaderAt.ReadAt(b, off)
}

// TestReadErrors checks that errors of the io.ReaderAt can be told by the caller.
func TestReadErrors(t *testing.T) {
	b := one(KindLong, 3, directV2, threeInts).bytes()
	failed := errors.New("connection reset")
	r := &failing{ReaderAt: bytes.NewReader(b), err: failed}
	if _, err := Open(r, int64(len(b))); !errors.Is(err, failed) {
		t.Errorf("open: %v", err)
	}
	r.err = nil
	f, err := Open(r, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := f.NewReader("a")
	if err != nil {
		t.Fatal(err)
	}
	r.err = failed
	if _, err := readStripe(context.Background(), reader, 0); !errors.Is(err, failed) {
		t.Errorf("stripe: %v", err)
	}
	r.err = nil // a reader can be used again after an error
	if batch, err := readStripe(context.Background(), reader, 0); err != nil || batch.Rows != 3 {
		t.Errorf("again: %v, %v", batch, err)
	}
}

// TestReadErrorsAnywhere lets each call of the io.ReaderAt fail in turn. The reader can be used again after each.
func TestReadErrorsAnywhere(t *testing.T) {
	b := writeInventory(t, 1, orcwrite.Options{RowIndexStride: 2000}, 0.1, 12_000) // not a small stripe
	source := &failing{ReaderAt: bytes.NewReader(b)}
	f, err := Open(source, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.NewReader(readable(f)...)
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		_, err := readSpan(context.Background(), r, Span{0, 0, f.RowGroups(0)}, func(RowGroup, []bool) {})
		return err
	}
	for good := 0; ; good++ {
		source.good, source.err = good, errors.New("connection reset")
		r.stripe = -1
		err := read()
		source.err = nil
		if err == nil {
			if good < 3 {
				t.Errorf("only %d reads", good)
			}
			break
		}
		if !strings.Contains(err.Error(), "connection reset") {
			t.Errorf("after %d reads: %v", good, err)
		}
		if err := read(); err != nil {
			t.Errorf("again, after %d reads: %v", good, err)
		}
	}
}

// TestOldMagic opens files whose postscript has no magic: the header must have it, wherever the tail that was read begins.
func TestOldMagic(t *testing.T) {
	old := func(rows int) []byte {
		f := one(KindDouble, int64(rows), directV2, data(make([]byte, 8*rows)...)).bytes()
		// Without the magic at the end of the postscript: field 8000, a length and three bytes.
		n := int(f[len(f)-1]) - 7
		return append(f[:len(f)-8], byte(n))
	}
	for _, rows := range []int{1, 20_000} {
		b := old(rows)
		if got, err := readAll(b); err != nil || got != int64(rows) {
			t.Errorf("%d rows, want %d: %v", got, rows, err)
		}
		b[0] = 'o'
		if _, err := readAll(b); err == nil || !strings.Contains(err.Error(), `neither the postscript nor the header says "ORC"`) {
			t.Errorf("%d rows, no magic at all: %v", rows, err)
		}
	}
}
