package singlegzip

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/s3compact/s3compact/validate"
)

// Any data in originals of several gzip members by two compressors: one gzip member for the standard library, which reads
// no further (with Multistream(false)), and each original comes back.
func FuzzJoin(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n"), []byte("{\"b\":2}"), 6, 0, true)
	f.Add([]byte(""), []byte("x"), -2, 1, false)
	f.Add([]byte("{\"a\":1}"), []byte(""), 0, 9, true)
	f.Add([]byte(logLines(100)), randomBytes(300), 9, 3, false)
	f.Fuzz(func(t *testing.T, a, b []byte, levelA, levelB int, more bool) {
		level := func(n int) int { // of all that both libraries have
			const levels = gzip.BestCompression - gzip.HuffmanOnly + 1
			return gzip.HuffmanOnly + int(uint(n)%uint(levels))
		}
		one := gzipped(t, string(a), level(levelA), gzip.Header{})
		two := joinBytes(klauspost(t, string(b), level(levelB)), gzipped(t, string(a), level(levelB), header("x")))
		all := [][]byte{one, two}
		if more {
			all = append(all, klauspost(t, string(a), level(levelA)), klauspost(t, "", level(levelB)), one)
		}
		out := joined(t, all...)
		out.check(t, all...)
	})
}

// Any bytes as an original: what validate proves is joined and comes back; what it does not is refused as there.
func FuzzJoinStored(f *testing.F) {
	for _, o := range originals(f) {
		if len(o.stored) < 2_000 {
			f.Add(o.stored)
		}
	}
	p := validate.NewProver()
	f.Fuzz(func(t *testing.T, stored []byte) {
		_, want := p.Gzip(stored)
		_, pieces, err := Prove(p, stored)
		if (err == nil) != (want == nil) || (err == nil) != (len(pieces) > 0) || err != nil && err.Error() != want.Error() {
			if flaw := new(validate.GzipError); !errors.As(err, &flaw) || flaw.Reason != ReasonTooManyMembers {
				t.Fatalf("%d pieces, %v, but validate says %v", len(pieces), err, want)
			}
		}
		if err != nil {
			return
		}
		if r, err := gzip.NewReader(bytes.NewReader(stored)); err != nil || !readable(r) {
			return // a name of more than 511 bytes, which the standard library does not read
		}
		around := gzipped(t, "{\"a\":1}", 6, gzip.Header{})
		out := joined(t, around, stored, around)
		out.check(t, around, stored, around)
	})
}

func readable(r io.Reader) bool {
	_, err := io.Copy(io.Discard, r)
	return err == nil
}

// Any bytes as a range of an output, with any record: an error, or bytes from which the range can be made again.
func FuzzRestore(f *testing.F) {
	for _, o := range originals(f) {
		if len(o.stored) > 2_000 {
			continue
		}
		out := joined(f, o.stored)
		record, err := json.Marshal(out.originals[0].Pieces)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(out.bytes[out.offsets[0]:][:out.originals[0].Pieces.JoinedBytes()], record)
	}
	r, j := NewRestorer(), NewJoiner()
	f.Fuzz(func(t *testing.T, stored, record []byte) {
		var pieces Pieces
		if json.Unmarshal(record, &pieces) != nil {
			return
		}
		// Without a proof: what the record makes of the range.
		back := newSource()
		back.reset(bytes.NewReader(stored), pieces, true)
		original, err := io.ReadAll(&back)
		if err != nil {
			if !errors.Is(err, ErrMismatch) {
				t.Fatal(err)
			}
			return
		}
		if int64(len(original)) != pieces.OriginalBytes() || int64(len(stored)) != pieces.JoinedBytes() {
			t.Fatalf("%d bytes from %d, said to be %d from %d", len(original), len(stored), pieces.OriginalBytes(), pieces.JoinedBytes())
		}
		size, crc64 := int64(len(original)), validate.CRC64(original)
		r.Reset(slowReader(stored), size, crc64, pieces)
		if got, err := readSmall(r); err != nil || !bytes.Equal(got, original) {
			t.Fatalf("%d bytes restored, %v, want %d", len(got), err, size)
		}
		r.Reset(bytes.NewReader(stored), size, crc64+1, pieces)
		if _, err := io.ReadAll(r); !errors.Is(err, ErrMismatch) {
			t.Fatalf("another CRC-64: %v", err)
		}
		j.Reset(bytes.NewReader(original), validate.Gzip{SizeBytes: size, CRC64: crc64}, pieces)
		if got, err := io.ReadAll(j); err != nil || !bytes.Equal(got, stored) {
			t.Fatalf("%d bytes joined again, %v, want %d", len(got), err, len(stored))
		}
	})
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
