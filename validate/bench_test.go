package validate

import (
	"bytes"
	"testing"
)

// An object of the usual size. The rate is in stored bytes; the second metric is of uncompressed ones.
func BenchmarkProverGzip(b *testing.B) {
	stored := logObject(b, 40_000)
	p := NewProver()
	b.ReportAllocs()
	b.SetBytes(int64(len(stored)))
	var uncompressed int64
	for b.Loop() {
		g, err := p.Gzip(stored)
		if err != nil {
			b.Fatal(err)
		}
		uncompressed += g.UncompressedBytes
	}
	b.ReportMetric(float64(uncompressed)/1e6/b.Elapsed().Seconds(), "inflated-MB/s")
}

func BenchmarkProverGzipStream(b *testing.B) {
	stored := logObject(b, 40_000)
	p := NewProver()
	r := bytes.NewReader(nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(stored)))
	var uncompressed int64
	for b.Loop() {
		r.Reset(stored)
		g, err := p.GzipStream(r)
		if err != nil {
			b.Fatal(err)
		}
		uncompressed += g.UncompressedBytes
	}
	b.ReportMetric(float64(uncompressed)/1e6/b.Elapsed().Seconds(), "inflated-MB/s")
}

func BenchmarkCheckContent(b *testing.B) {
	g, err := NewProver().Gzip(logObject(b, 40_000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckContent(ContentNDJSON, g); err != nil {
			b.Fatal(err)
		}
	}
}
