//go:build unix

package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

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

// logLines are log records of 21 fields and about 640 bytes.
func logLines(n int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 2))
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	hosts := []string{"www.example.com", "api.example.com", "static.example.net", "login.example.org"}
	agents := []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
	}
	methods, countries, caches := []string{"GET", "GET", "GET", "POST", "PUT"}, []string{"DE", "US", "FR", "JP", "BR", "IN"}, []string{"HIT", "MISS", "STALE"}
	var b bytes.Buffer
	for range n {
		at = at.Add(time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond)))
		host := hosts[rng.IntN(len(hosts))]
		fmt.Fprintf(&b, `{"time":"%s","app_id":%d,"host":"%s","method":"%s","path":"/v1/items/%d/parts","status":%d,"bytes":%d,"request_time":%.3f,`,
			at.Format("2006-01-02T15:04:05.000000Z"), 1000+rng.IntN(50), host, methods[rng.IntN(len(methods))], rng.IntN(20_000), 200+rng.IntN(3)*100, rng.IntN(60_000), rng.ExpFloat64()*0.06)
		fmt.Fprintf(&b, `"upstream":"10.0.%d.%d:8080","upstream_time":%.3f,"user_agent":"%s","referrer":"https://%s/start","client_ip":"198.18.%d.%d","client_port":%d,`,
			rng.IntN(4), rng.IntN(250), rng.ExpFloat64()*0.05, agents[rng.IntN(len(agents))], host, rng.IntN(256), rng.IntN(256), 1024+rng.IntN(64_000))
		fmt.Fprintf(&b, `"cache_status":"%s","tls_version":"TLSv1.3","country":"%s","trace_id":"%016x%016x","request_id":"%016x%016x","bot":%t,"labels":{"team":"edge","region":"eu-%d","canary":false}}`+"\n",
			caches[rng.IntN(len(caches))], countries[rng.IntN(len(countries))], rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.IntN(20) == 0, rng.IntN(3))
	}
	return b.Bytes()
}

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
		text := logLines(records/2, uint64(producer))
		textBytes += len(text)
		s.Begin(0, 0)
		for len(text) > 0 {
			n, err := s.Scan(text, true)
			if err != nil {
				t.Fatal(err)
			}
			text = text[n:]
			b := s.Take()
			blocks = append(blocks, &Block{Rows: b.Rows, Columns: b.Columns, Dictionaries: b.Dictionaries, Producer: producer, SizeBytes: b.SizeBytes})
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
