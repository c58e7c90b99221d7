//go:build unix

package rows

import (
	"syscall"
	"testing"
	"time"

	"github.com/s3compact/s3compact/parquetconv/naive"
)

const logColumns = `
columns:
  - {name: ts, type: timestamp, path: $.time, required: true}
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

// BenchmarkDecode tells what the decoder costs beside the bare scanner.
func BenchmarkDecode(b *testing.B) {
	const rows = 100_000
	text := naive.Logs(rows, 1)
	scanned := newDecoder(b, parse(b, logColumns), Options{}).scanner
	b.Run("scanner", func(b *testing.B) {
		defer perCPU(b, text)()
		for b.Loop() {
			scanned.Begin(0, 0)
			n := 0
			for rest := text; len(rest) > 0; {
				done, err := scanned.Scan(rest[:min(len(rest), 256<<10)], len(rest) <= 256<<10)
				if err != nil {
					b.Fatal(err)
				}
				rest = rest[done:]
				if scanned.Full() || len(rest) == 0 {
					n += scanned.Take().Rows
				}
			}
			if n != rows {
				b.Fatal(n)
			}
		}
	})
	for _, c := range []struct{ name, derived string }{
		{"columns", ""},
		{"partitions", "partitions: [{name: dt, type: date, expr: \"cast(ts as date)\"}, {name: bucket, type: int32, expr: \"bucket(16, app_id)\"}]"},
		{"derived", "  - {name: source, type: string, expr: \"_source_key\"}\n  - {name: slow, type: boolean, expr: \"request_time > 0.1\"}\n  - {name: section, type: string, expr: \"split_part(path, '/', 3)\"}\n  - {name: class, type: string, expr: \"case when status >= 500 then 'bad' when status >= 400 then 'odd' else 'good' end\"}\npartitions: [{name: dt, type: date, expr: \"cast(ts as date)\"}, {name: bucket, type: int32, expr: \"bucket(16, app_id)\"}]"},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := newDecoder(b, parse(b, logColumns+c.derived), Options{})
			b.ReportAllocs()
			defer perCPU(b, text)()
			for b.Loop() {
				d.Begin(0, Source{Key: "logs/2026/03/01/0001.json.gz"})
				n := 0
				for rest := text; len(rest) > 0; {
					done, err := d.Decode(rest[:min(len(rest), 256<<10)], len(rest) <= 256<<10)
					if err != nil {
						b.Fatal(err)
					}
					rest = rest[done:]
					if d.Full() || len(rest) == 0 {
						block, err := d.Take()
						if err != nil {
							b.Fatal(err)
						}
						n += block.Rows
					}
				}
				if n != rows {
					b.Fatal(n)
				}
			}
		})
	}
}

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
