package singlegzip

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/validate"
)

// newRand is the same sequence in every test.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(5, 6)) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rng := newRand()
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func logLines(n int) string {
	rng := newRand()
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, `{"time":"2024-05-01T12:%02d:%02d.%03dZ","status":%d,"path":"/v1/items/%d","bytes":%d}`+"\n",
			rng.IntN(60), rng.IntN(60), rng.IntN(1000), 200+rng.IntN(4)*100, rng.IntN(100_000), rng.IntN(1<<20))
	}
	return b.String()
}

// gzipped is data as one gzip member, compressed by the standard library.
func gzipped(t testing.TB, data string, level int, header gzip.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Header = header
	_, err = io.WriteString(w, data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func klauspost(t testing.TB, data string, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := kgzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func joinBytes(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// inflated is all that the standard library reads of an object: of one gzip member, or of all.
func inflated(t testing.TB, stored []byte, multistream bool) (data []byte, restBytes int) {
	t.Helper()
	r := bytes.NewReader(stored)
	gz, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	gz.Multistream(multistream)
	if data, err = io.ReadAll(gz); err != nil {
		t.Fatal(err)
	}
	return data, r.Len()
}

// output is an output made of originals.
type output struct {
	bytes     []byte
	proof     validate.Joined
	originals []Original
	offsets   []int
}

// joined makes an output of originals, in memory and, of each, as a stream, and fails unless both are the same.
func joined(t testing.TB, originals ...[]byte) output {
	t.Helper()
	var out output
	p, j := validate.NewProver(), NewJoiner()
	out.bytes = append(out.bytes, Begin(&out.proof)...)
	for i, stored := range originals {
		g, pieces, err := Prove(p, stored)
		if err != nil {
			t.Fatalf("original %d: %v", i, err)
		}
		g.First = nil
		streamed, streamedPieces, err := ProveStream(p, slowReader(stored))
		streamed.First = nil
		if err != nil || fmt.Sprint(streamed) != fmt.Sprint(g) || fmt.Sprint(streamedPieces) != fmt.Sprint(pieces) {
			t.Fatalf("original %d: in memory\n%v %v\nas a stream\n%v %v, %v", i, g, pieces, streamed, streamedPieces, err)
		}
		if pieces.OriginalBytes() != int64(len(stored)) {
			t.Fatalf("original %d: %d bytes, not %d", i, pieces.OriginalBytes(), len(stored))
		}
		j.Reset(bytes.NewReader(stored), g, pieces)
		got, err := io.ReadAll(j)
		if err != nil || int64(len(got)) != pieces.JoinedBytes() {
			t.Fatalf("original %d: %d bytes, %v, want %d", i, len(got), err, pieces.JoinedBytes())
		}
		part := j.Joined()
		j.Reset(slowReader(stored), g, pieces)
		if again, err := readSmall(j); err != nil || !bytes.Equal(again, got) || fmt.Sprint(j.Joined()) != fmt.Sprint(part) {
			t.Fatalf("original %d: other bytes as a stream, %v", i, err)
		}
		out.offsets = append(out.offsets, len(out.bytes))
		out.bytes = append(out.bytes, got...)
		out.proof.Add(part)
		if g.NeedsNewline() {
			out.bytes = append(out.bytes, AddNewline(&out.proof)...)
		}
		out.originals = append(out.originals, Original{
			Name: fmt.Sprintf("original %d", i), SizeBytes: g.SizeBytes, CRC64: g.CRC64, Pieces: pieces, Newline: g.NeedsNewline(),
		})
	}
	out.bytes = append(out.bytes, Finish(&out.proof)...)
	return out
}

// check reads an output as one gzip member, and restores its originals.
func (out *output) check(t testing.TB, originals ...[]byte) {
	t.Helper()
	var want []byte
	for _, stored := range originals {
		data, _ := inflated(t, stored, true)
		want = append(want, data...)
		if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
			want = append(want, '\n')
		}
	}
	got, rest := inflated(t, out.bytes, false)
	if !bytes.Equal(got, want) || rest != 0 {
		t.Fatalf("one gzip member of %d bytes and %d stored behind it, want %d and none", len(got), rest, len(want))
	}
	wantProof := validate.Joined{
		SizeBytes: int64(len(out.bytes)), CRC64: validate.CRC64(out.bytes), UncompressedBytes: int64(len(want)), CRC32: crc32.ChecksumIEEE(want),
	}
	if out.proof != wantProof {
		t.Fatalf("proof %+v, want %+v", out.proof, wantProof)
	}
	r := NewRestorer()
	for i, stored := range originals {
		o := out.originals[i]
		from := out.bytes[out.offsets[i]:][:o.Pieces.JoinedBytes()]
		r.Reset(bytes.NewReader(from), o.SizeBytes, o.CRC64, o.Pieces)
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, stored) {
			t.Fatalf("original %d: %d bytes restored, %v, want %d", i, len(got), err, len(stored))
		}
		r.Reset(slowReader(from), o.SizeBytes, o.CRC64, o.Pieces)
		if got, err := readSmall(r); err != nil || !bytes.Equal(got, stored) {
			t.Fatalf("original %d as a stream: %d bytes restored, %v, want %d", i, len(got), err, len(stored))
		}
	}
	for _, r := range []io.Reader{bytes.NewReader(out.bytes), slowReader(out.bytes)} {
		if err := out.verify(r); err != nil {
			t.Fatal(err)
		}
	}
}

func (out *output) verify(r io.Reader) error {
	i := 0
	return Verify(validate.NewProver(), r, out.proof, func() (Original, bool) {
		if i == len(out.originals) {
			return Original{}, false
		}
		i++
		return out.originals[i-1], true
	})
}

// slowReader delivers one byte, two, … up to 40, and again one, and io.EOF with the last ones.
func slowReader(b []byte) io.Reader { return &slow{b: b} }

type slow struct {
	b []byte
	n int
}

func (s *slow) Read(b []byte) (int, error) {
	s.n = s.n%40 + 1
	n := copy(b, s.b[:min(s.n, len(s.b))])
	if s.b = s.b[n:]; len(s.b) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// readSmall reads all, 7 bytes at most at a time.
func readSmall(r io.Reader) ([]byte, error) {
	var all []byte
	for {
		var b [7]byte
		n, err := r.Read(b[:])
		all = append(all, b[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

func header(name string) gzip.Header { return gzip.Header{Name: name, OS: 255} }
