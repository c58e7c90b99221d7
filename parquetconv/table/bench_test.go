//go:build unix

package table

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/naive"
	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

const logSchema = `
columns:
  - {name: time, type: timestamp}
  - {name: app_id, type: int64}
  - {name: host, type: string}
  - {name: method, type: string}
  - {name: path, type: string}
  - {name: status, type: int32}
  - {name: bytes, type: int64}
  - {name: request_time, type: double}
  - {name: country, type: string}
  - {name: client_ip, type: string}
  - {name: upstream, type: string}
  - {name: upstream_time, type: double}
  - {name: user_agent, type: string}
  - {name: referrer, type: string}
  - {name: client_port, type: int32}
  - {name: cache_status, type: string}
  - {name: tls_version, type: string}
  - {name: trace_id, type: string}
  - {name: request_id, type: string}
  - {name: bot, type: boolean}
  - {name: labels, type: json}
`

func logColumns(t testing.TB) ([]scan.Column, *arrow.Schema) {
	s, err := schema.Parse([]byte("version: 1\n"+logSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	var columns []scan.Column
	for _, c := range s.Columns {
		columns = append(columns, scan.Column{Name: c.Name, Type: c.Type, Path: c.Path, OnBad: c.OnBad})
	}
	files, _ := s.Arrow()
	return columns, files
}

// logBlocks are blocks as two scanners make them of generated records.
func logBlocks(t testing.TB, records int) (blocks []*Block, files *arrow.Schema, textBytes int) {
	columns, files := logColumns(t)
	for producer := range 2 {
		s, err := scan.New(columns, scan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text := naive.Logs(records/2, uint64(producer))
		textBytes += len(text)
		s.Begin(0, 0)
		for len(text) > 0 {
			n, err := s.Scan(text, true)
			if err != nil {
				t.Fatal(err)
			}
			text = text[n:]
			b := s.Take()
			blocks = append(blocks, &Block{Rows: b.Rows, Columns: b.Columns, Dictionaries: b.Dictionaries, Producer: producer})
		}
	}
	return blocks, files, textBytes
}

// partitioned says of each row which of n partitions it is of.
func partitioned(rng *rand.Rand, from *Block, n int) *Block {
	b := *from
	b.Partition = make([]int32, b.Rows)
	for i := range b.Partition {
		b.Partition[i] = int32(rng.IntN(n))
	}
	for i := range n {
		b.Partitions = append(b.Partitions, fmt.Sprintf("dt=2026-03-%02d/bucket=%d", i/16, i%16))
	}
	return &b
}

func cpu(b testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkWriter(b *testing.B) {
	blocks, files, textBytes := logBlocks(b, 1_570_000)
	for _, partitions := range []int{16, 176, 660} {
		for _, memory := range []int64{512 << 20, 64 << 20} {
			b.Run(fmt.Sprintf("%d partitions, %d MiB", partitions, memory>>20), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 2))
				var parted []*Block
				for _, block := range blocks {
					parted = append(parted, partitioned(rng, block, partitions))
				}
				runtime.GC()
				before := cpu(b)
				var size, spilled int64
				for b.Loop() {
					w := NewWriter(b.Context(), Options{Schema: files, MemoryBytes: memory, TempDir: b.TempDir()})
					for _, block := range parted {
						if err := w.Add(block); err != nil {
							b.Fatal(err)
						}
					}
					out, err := w.Finish()
					if err != nil {
						b.Fatal(err)
					}
					size, spilled = 0, w.spill.size
					for _, f := range out {
						size += f.SizeBytes
					}
					if err := w.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(textBytes)*float64(b.N)/1e6/(cpu(b)-before).Seconds(), "MB/cpu-s")
				b.ReportMetric(float64(size)/1e6, "MB-out")
				b.ReportMetric(float64(spilled)/1e6, "MB-spilled")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
