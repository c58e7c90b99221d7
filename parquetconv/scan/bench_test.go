//go:build unix

package scan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/s3compact/s3compact/parquetconv/linerows"
)

// logLines are log records of 21 fields and about 640 bytes, as an edge proxy
// writes them.
func logLines(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
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
	text := logLines(50_000)
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

func BenchmarkRows(b *testing.B) {
	text := logLines(5_000)
	for name, columns := range map[string]string{"10 wanted": wanted10, "21 wanted": wanted21} {
		b.Run(name, func(b *testing.B) {
			d := linerows.NewDecoder(parse(b, columns), 32<<20)
			defer perCPU(b, text)()
			for b.Loop() {
				if err := d.Decode(bytes.NewReader(text), func(*linerows.Block) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkJSONText only checks that the lines are valid.
func BenchmarkJSONText(b *testing.B) {
	text := logLines(5_000)
	defer perCPU(b, text)()
	for b.Loop() {
		if n, err := verdict(text); n != 5_000 || err != nil {
			b.Fatal(n, err)
		}
	}
}
