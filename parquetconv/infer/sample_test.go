package infer

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/localdir"
	"github.com/s3compact/s3compact/validate"
)

func gz(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rangesOnly fails the test at reads that are not of a short range of one version.
type rangesOnly struct {
	parquetconv.Store
	t     *testing.T
	limit int64
}

func (r rangesOnly) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	if o.LengthBytes <= 0 || o.LengthBytes > r.limit || o.IfMatch == "" {
		r.t.Errorf("%s was read with %+v", key, o)
	}
	return r.Store.Get(ctx, bucket, key, o)
}

// folder is a sample's options over files.
func folder(t *testing.T, files map[string][]byte, limit int64) Options {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, err := localdir.Key(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Stores:     parquetconv.Stores{Local: rangesOnly{localdir.New(key + "/_up"), t, limit}},
		Sources:    []parquetconv.Source{{Location: s3store.Location{Key: key + "/"}}},
		MaxSources: DefaultSources, MaxBytes: limit, Concurrency: 3,
	}
}

// TestCutSourcesAreNoBadOnes: the sample ends in the middle of a gzip member and
// of a line, which is not reported; what is damaged is.
func TestCutSourcesAreNoBadOnes(t *testing.T) {
	long := lines(20_000, func(i int) string { return fmt.Sprintf(`{"id":%d,"h":"%x"}`, i, uint64(i)*0x9e3779b97f4a7c15) })
	whole := gz(t, `{"id":1}`+"\n")
	two := append(gz(t, long[:len(long)/2]), gz(t, long[len(long)/2:])...)
	damaged := bytes.Clone(gz(t, strings.Repeat(`{"id":1}`+"\n", 10)))
	damaged[len(damaged)-8] ^= 1 // of the CRC-32
	o := folder(t, map[string][]byte{
		"a.json.gz": two, "b.json": []byte(long), "c.json.gz": whole, "d/e.json.gz": append(bytes.Clone(whole), whole...),
		"not.gz": []byte("{}\n"), "cut.gz": whole[:len(whole)-3], "crc.gz": damaged, "tail.gz": append(bytes.Clone(whole), "garbage behind it"...),
		"_no.json": []byte("x"), "d/.no.json": []byte("x"), "other.txt": []byte("x"), "empty.json": nil,
	}, 20_000)
	s, err := Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]validate.Reason{}
	for _, text := range s.Texts {
		name := filepath.Base(text.Source.Key)
		if text.Reason != "" {
			reasons[name] = text.Reason
		}
		if cut := name == "a.json.gz" || name == "b.json"; cut != text.Cut && text.Reason == "" {
			t.Errorf("%s: cut is %v", name, text.Cut)
		}
		if int64(len(text.Bytes)) > o.MaxBytes {
			t.Errorf("%s has %d bytes", name, len(text.Bytes))
		}
	}
	for name, want := range map[string]validate.Reason{"not.gz": "not_gzip", "cut.gz": "truncated", "crc.gz": "bad_crc", "tail.gz": "trailing_bytes"} {
		if reasons[name] != want {
			t.Errorf("%s: %q, want %q", name, reasons[name], want)
		}
	}
	if len(reasons) != 4 || s.Sources != 8 || s.Ignored != 4 {
		t.Errorf("reasons %v, sources %d, ignored %d", reasons, s.Sources, s.Ignored)
	}
	text, err := Schema(s, nil)
	if err != nil || strings.Contains(string(text), "No rows") || !strings.Contains(string(text), "Could not be read: 4 sources") {
		t.Errorf("%v\n%s", err, text)
	}
	o.MaxBytes = 60 // ends before a byte of text
	if short, err := Read(context.Background(), o); err != nil || short.Texts[0].Reason != "" || !short.Texts[0].Cut || len(short.Texts[0].Bytes) > 0 {
		t.Errorf("%v %+v", err, short)
	}
	o.MaxBytes = 20_000
	again, err := Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if other, _ := Schema(again, nil); !bytes.Equal(text, other) {
		t.Error("the same sources give another file")
	}
}

// TestTheSampleIsSpreadEvenly: whatever the number of sources.
func TestTheSampleIsSpreadEvenly(t *testing.T) {
	for _, total := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 1000, 4211} {
		for _, limit := range []int{1, 2, 8} {
			c := thinner{limit: limit}
			for i := range total {
				c.add(parquetconv.SourceObject{Object: s3store.Object{Key: fmt.Sprintf("%06d", i)}})
				if len(c.kept) > 2*limit {
					t.Fatalf("%d are kept", len(c.kept))
				}
			}
			got := c.spread()
			if len(got) != min(limit, total) {
				t.Errorf("%d of %d, want %d", len(got), total, limit)
			}
			for i := 1; i < len(got); i++ {
				var a, b int
				if _, err := fmt.Sscan(strings.TrimLeft(got[i-1].Key, "0")+"0 "+strings.TrimLeft(got[i].Key, "0")+"0", &a, &b); err != nil {
					t.Fatal(err)
				}
				if gap := (b - a) / 10; gap < total/limit/4 || gap > 3*total/limit+1 {
					t.Errorf("%d of %d: %d lie between two", limit, total, gap)
				}
			}
		}
	}
	twice := thinner{limit: 4}
	for range 2 {
		twice.add(parquetconv.SourceObject{Object: s3store.Object{Key: "a"}})
	}
	if got := twice.spread(); len(got) != 1 {
		t.Errorf("a source that is listed twice is sampled %d times", len(got))
	}
}

// changing is a store whose objects change between the listing and the read.
type changing struct{ parquetconv.Store }

func (changing) Get(context.Context, string, string, s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	return nil, s3store.Info{}, fmt.Errorf("get: %w", s3store.ErrPrecondition)
}

// denying is a store that does not let objects be read.
type denying struct{ parquetconv.Store }

func (denying) Get(context.Context, string, string, s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	return nil, s3store.Info{}, fmt.Errorf("get: %w", s3store.ErrDenied)
}

func TestSourcesThatCannotBeRead(t *testing.T) {
	o := folder(t, map[string][]byte{"a.json": []byte(`{"a":1}`)}, 100)
	local := o.Stores.Local
	o.Stores.Local = changing{local}
	s, err := Read(context.Background(), o)
	if err != nil || s.Texts[0].Reason != "changed" {
		t.Errorf("a changed source: %v %+v", err, s)
	}
	o.Stores.Local = denying{local}
	if _, err := Read(context.Background(), o); !errors.Is(err, s3store.ErrDenied) || !strings.Contains(err.Error(), "a.json") {
		t.Errorf("a source that may not be read: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, o); err == nil {
		t.Error("a run that was stopped gave a sample")
	}
}
