package singlegzip

import (
	"bytes"
	"io"
	"testing"

	"github.com/s3compact/s3compact/validate"
)

// An original of the usual size, about 40 KB: what --gzip single costs beyond the proof and the copy that every output needs.
func BenchmarkJoin(b *testing.B) {
	stored := gzipped(b, logLines(2_000), 6, header(""))
	p, j := validate.NewProver(), NewJoiner()
	proof, pieces, err := Prove(p, stored)
	if err != nil {
		b.Fatal(err)
	}
	out := make([]byte, pieces.JoinedBytes()+1) // room for io.EOF
	from := bytes.NewReader(nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(stored)))
	for b.Loop() {
		from.Reset(stored)
		j.Reset(from, proof, pieces)
		if n, err := io.ReadFull(j, out); err != io.ErrUnexpectedEOF || n != len(out)-1 {
			b.Fatal(n, err)
		}
	}
}

// The proof of such an original with its record, to compare with validate's BenchmarkProverGzip.
func BenchmarkProve(b *testing.B) {
	stored := gzipped(b, logLines(2_000), 6, header(""))
	p := validate.NewProver()
	b.ReportAllocs()
	b.SetBytes(int64(len(stored)))
	for b.Loop() {
		if _, _, err := Prove(p, stored); err != nil {
			b.Fatal(err)
		}
	}
}

// The proof without a record.
func BenchmarkProveBare(b *testing.B) {
	stored := gzipped(b, logLines(2_000), 6, header(""))
	p := validate.NewProver()
	b.ReportAllocs()
	b.SetBytes(int64(len(stored)))
	for b.Loop() {
		if _, err := p.Gzip(stored); err != nil {
			b.Fatal(err)
		}
	}
}
