package zstdtext

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/s3compact/s3compact/validate"
)

func packed(t testing.TB, text string, options ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(d *Decoder, r io.Reader) (string, error) {
	var b strings.Builder
	err := d.Each(r, func(text []byte) error {
		b.Write(text)
		return nil
	})
	return b.String(), err
}

// noise is text that hardly gets smaller.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

var skippable = []byte("\x5a\x2a\x4d\x18\x03\x00\x00\x00abc")

func TestEach(t *testing.T) {
	long := noise(3 << 20)
	for _, c := range []struct {
		name, text string
		stored     []byte
	}{
		{"nothing", "", packed(t, "")},
		{"a frame", "hello", packed(t, "hello")},
		{"frames", "hello" + long, slices.Concat(packed(t, "hello"), packed(t, ""), packed(t, long))},
		{"without a checksum", long, packed(t, long, zstd.WithEncoderCRC(false))},
		{"frames to be skipped", "hello", slices.Concat(skippable, packed(t, "hello"), skippable)},
		{"the largest window", long, packed(t, long, zstd.WithWindowSize(MaxWindowBytes))},
	} {
		d := NewDecoder()
		for range 2 {
			if got, err := read(d, bytes.NewReader(c.stored)); got != c.text || err != nil {
				t.Errorf("%s: %d bytes, %v", c.name, len(got), err)
			}
			if got, err := read(d, iotest.OneByteReader(bytes.NewReader(c.stored))); got != c.text || err != nil {
				t.Errorf("%s, byte by byte: %d bytes, %v", c.name, len(got), err)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	long := noise(1 << 20)
	good := packed(t, long)
	flipped := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	wide := packed(t, long, zstd.WithWindowSize(2*MaxWindowBytes))
	d := NewDecoder()
	for _, c := range []struct {
		name   string
		stored []byte
		want   validate.Reason
	}{
		{"text", []byte("hello, world\n"), ReasonNotZstd},
		{"gzip", []byte("\x1f\x8b\x08\x00"), ReasonNotZstd},
		{"too short to be anything", []byte("\x28\xb5"), ReasonNotZstd},
		{"a bad checksum", flipped(len(good) - 1), validate.ReasonBadCRC},
		{"cut in the checksum", good[:len(good)-1], validate.ReasonTruncated},
		{"cut in the data", good[:len(good)/2], validate.ReasonTruncated},
		{"cut in the header", good[:5], validate.ReasonTruncated},
		{"cut in the second frame", slices.Concat(good, good[:len(good)-5]), validate.ReasonTruncated},
		{"something behind it", slices.Concat(good, []byte("more text")), validate.ReasonTrailingBytes},
		{"zeros behind it", slices.Concat(good, make([]byte, 512)), validate.ReasonTrailingBytes},
		{"a window that is too large", wide, ReasonWindow},
		{"a dictionary", []byte("\x28\xb5\x2f\xfd\x21\x07\x05\x29\x00\x00hello"), ReasonDictionary},
	} {
		var fault *Error
		if _, err := read(d, bytes.NewReader(c.stored)); !errors.As(err, &fault) || fault.Reason != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if got, err := read(d, bytes.NewReader(good)); got != long || err != nil {
		t.Errorf("after faults: %d bytes, %v", len(got), err)
	}
}

// TestEveryCut: no part of a text passes for all of it, unless whole frames do.
func TestEveryCut(t *testing.T) {
	first := packed(t, "hello, world")
	both := slices.Concat(first, packed(t, noise(300)))
	d := NewDecoder()
	for n := 1; n < len(both); n++ {
		_, err := read(d, bytes.NewReader(both[:n]))
		if fault := (*Error)(nil); errors.As(err, &fault) == (n == len(first)) {
			t.Errorf("%d bytes of %d: %v", n, len(both), err)
		}
	}
}

func TestOtherErrors(t *testing.T) {
	d := NewDecoder()
	stored := packed(t, noise(1<<20))
	mine := errors.New("mine")
	if _, err := read(d, io.MultiReader(bytes.NewReader(stored[:1000]), iotest.ErrReader(mine))); !errors.Is(err, mine) {
		t.Errorf("an error of the source: %v", err)
	}
	cut := io.ErrUnexpectedEOF
	var fault *Error
	if _, err := read(d, io.MultiReader(bytes.NewReader(stored[:1000]), iotest.ErrReader(cut))); !errors.Is(err, cut) || errors.As(err, &fault) {
		t.Errorf("a connection that breaks: %v", err)
	}
	if err := d.Each(bytes.NewReader(stored), func([]byte) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("an error of the taker: %v", err)
	}
}

func FuzzEach(f *testing.F) {
	f.Add(packed(f, "hello"))
	f.Add(append(packed(f, "hello"), skippable...))
	f.Add([]byte("\x28\xb5\x2f\xfd\x21\x07\x05\x29\x00\x00hello"))
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, stored []byte) {
		got, err := read(d, bytes.NewReader(stored))
		whole, err2 := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err2 != nil {
			t.Fatal(err2)
		}
		defer whole.Close()
		want, err2 := whole.DecodeAll(stored, nil)
		var fault *Error
		switch {
		case err == nil && err2 == nil && got != string(want):
			t.Errorf("%q, at once %q", got, want)
		case err != nil && !errors.As(err, &fault):
			t.Errorf("an error that is no fault: %v", err)
		case err != nil && err2 == nil && fault.Reason != ReasonWindow:
			t.Errorf("%v; at once it is %q", err, want)
		}
	})
}
