package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	kflate "github.com/klauspost/compress/flate"
)

func compressed(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func kcompressed(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := kflate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func FuzzAppend(f *testing.F) {
	for l := -2; l <= 9; l++ {
		for _, s := range []string{"", "a", "abcabcabcabcabc", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
			f.Add(compressed(f, []byte(s), l))
			f.Add(kcompressed(f, []byte(s), l))
		}
		f.Add(compressed(f, bytes.Repeat([]byte("hello, world {\"a\":12345, more}"), 1000), l))
		src := make([]byte, 3000)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range src {
			src[i] = byte(rng.IntN(1 + i/20%250))
		}
		f.Add(compressed(f, src, l))
	}
	var d Decoder
	w := NewWindow()
	f.Fuzz(func(t *testing.T, src []byte) {
		r := bytes.NewReader(src)
		want, werr := io.ReadAll(flate.NewReader(r))
		used := len(src) - r.Len()
		got, end, err := d.Append(nil, src, 1<<30)
		if (err == nil) != (werr == nil) {
			t.Fatalf("%v, std %v", err, werr)
		}
		if err == nil && (!bytes.Equal(got, want) || end.SizeBytes != int64(used)) {
			t.Fatalf("other data, %d %d", end.SizeBytes, used)
		}
		if werr != nil && errors.Is(werr, io.ErrUnexpectedEOF) != errors.Is(err, ErrTruncated) {
			t.Errorf("%v, std %v", err, werr)
		}
		w.Reset()
		var all []byte
		rest := src
		n := 0
		for {
			n = min(n+1, len(rest))
			data, used, done, werr := w.Next(rest[:n], n == len(rest))
			all = append(all, data...)
			rest = rest[used:]
			n -= used
			if werr != nil || done {
				if (err == nil) != (werr == nil) {
					t.Fatalf("window %v, %v", werr, err)
				}
				break
			}
		}
		if err == nil && !bytes.Equal(all, want) {
			t.Fatal("window")
		}
	})
}
