//go:build unix

package csv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/s3compact/s3compact/parquetconv/scan"
)

// perCPU reports MB of text for each second of CPU that the process took, which
// other work on the machine disturbs less than the time that passed.
func perCPU(b *testing.B, text []byte) (done func()) {
	before := cpu(b)
	return func() {
		b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpu(b)-before).Seconds(), "MB/cpu-s")
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkScan(b *testing.B) {
	text := records(50_000)
	for _, c := range []struct{ name, columns string }{
		{"10 columns", recordColumns},
		{"1 column", "columns: [{name: id, type: int64}]"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := scanner(b, c.columns, scan.Options{})
			b.ReportAllocs()
			defer perCPU(b, text)()
			for b.Loop() {
				s.Begin(0, 0)
				for done := 0; done < len(text); {
					n, err := s.Scan(text[done:], true)
					if err != nil {
						b.Fatal(err)
					}
					if done += n; s.Full() || done == len(text) {
						s.Take()
					}
				}
			}
		})
	}
}

// BenchmarkStandard splits the same text into strings, and converts none.
func BenchmarkStandard(b *testing.B) {
	text := records(50_000)
	defer perCPU(b, text)()
	for b.Loop() {
		r := csv.NewReader(bytes.NewReader(text))
		r.ReuseRecord = true
		for {
			if _, err := r.Read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
