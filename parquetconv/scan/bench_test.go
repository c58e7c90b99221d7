//go:build unix

package scan

import (
	"syscall"
	"testing"
	"time"

	"github.com/s3compact/s3compact/parquetconv/naive"
)

const wanted10 = `
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
`

const wanted21 = wanted10 + `
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

// perCPU reports MB of text for each second of CPU that the process took, which
// other work on the machine disturbs less than the time that passed.
func perCPU(b *testing.B, text []byte) (done func()) {
	b.SetBytes(int64(len(text)))
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
	text := naive.Logs(50_000, 1)
	b.Logf("%d bytes a row", len(text)/50_000)
	for _, c := range []struct{ name, columns string }{{"10 wanted", wanted10}, {"21 wanted", wanted21}, {"none wanted", "columns: [{name: nothing, type: string}]"}} {
		b.Run(c.name, func(b *testing.B) {
			s, err := New(columnsOf(parse(b, c.columns)), Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			defer perCPU(b, text)()
			for b.Loop() {
				s.Begin(0, 0)
				rows := 0
				for rest := text; len(rest) > 0; {
					n, err := s.Scan(rest, true)
					if err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
					rows += s.Take().Rows
				}
				if rows != 50_000 {
					b.Fatalf("%d rows", rows)
				}
			}
		})
	}
}

// BenchmarkJSONText only checks that the lines are valid.
func BenchmarkJSONText(b *testing.B) {
	text := naive.Logs(5_000, 1)
	defer perCPU(b, text)()
	for b.Loop() {
		if n, err := verdict(text); n != 5_000 || err != nil {
			b.Fatal(n, err)
		}
	}
}
