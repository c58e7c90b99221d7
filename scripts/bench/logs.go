package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/buildcache"
)

// logs are the JSON lines that conversions are measured on: records of 21
// fields as an edge proxy writes them, some 640 bytes each, of one day.
const (
	logObjects       = 4211
	logRowsPerObject = 373
	bigLogObjects    = 20
)

// logSizes is what a folder of logs holds.
type logSizes struct {
	Rows, JSONBytes, StoredBytes int64
	// SumBytes and SumStatus are the sums of two columns, to check tables with.
	SumBytes, SumStatus int64
}

// makeJSONLogs returns a folder with the same records twice: in small/ as objects
// of one gzip member, in big/ as 20 objects, each many of the small ones joined.
func makeJSONLogs(ctx context.Context, objects int) (string, error) {
	return buildcache.Make(ctx, path.Join("bench", fmt.Sprintf("logs-v1-%d", objects)), func(_ context.Context, tmp string) error {
		say("making %d log objects of %d records", objects, logRowsPerObject)
		for _, dir := range []string{"small", "big"} {
			if err := os.MkdirAll(filepath.Join(tmp, dir), 0o755); err != nil {
				return err
			}
		}
		w := newLogMaker()
		var sizes logSizes
		var big bytes.Buffer
		bigs := 0
		for i := range objects {
			text := w.object(&sizes)
			var stored bytes.Buffer
			gz, _ := gzip.NewWriterLevel(&stored, 6)
			if _, err := gz.Write(text); err != nil {
				return err
			}
			if err := gz.Close(); err != nil {
				return err
			}
			sizes.JSONBytes += int64(len(text))
			sizes.StoredBytes += int64(stored.Len())
			if err := os.WriteFile(filepath.Join(tmp, "small", fmt.Sprintf("%05d.json.gz", i)), stored.Bytes(), 0o644); err != nil {
				return err
			}
			big.Write(stored.Bytes())
			if (i+1)*bigLogObjects/objects > bigs {
				if err := os.WriteFile(filepath.Join(tmp, "big", fmt.Sprintf("%02d.json.gz", bigs)), big.Bytes(), 0o644); err != nil {
					return err
				}
				bigs++
				big.Reset()
			}
		}
		return writeJSON(filepath.Join(tmp, "sizes.json"), sizes)
	})
}

// logMaker makes records. The same ones on every machine.
type logMaker struct {
	rng *rand.Rand
	at  time.Time
}

func newLogMaker() *logMaker {
	return &logMaker{rng: rand.New(rand.NewPCG(21, 1000)), at: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
}

var (
	logHosts   = []string{"www.example.com", "api.example.com", "static.example.net", "login.example.org"}
	logMethods = []string{"GET", "GET", "GET", "GET", "POST", "PUT", "DELETE"}
	logStates  = []string{"HIT", "HIT", "MISS", "STALE", "BYPASS"}
	logPlaces  = []string{"DE", "US", "FR", "JP", "BR", "IN", "NL", "PL", "GB", "ES"}
	logAgents  = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
		"okhttp/4.12.0", "curl/8.5.0",
	}
)

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// object makes the next object's lines.
func (w *logMaker) object(sizes *logSizes) []byte {
	rng := w.rng
	b := make([]byte, 0, logRowsPerObject*660)
	for range logRowsPerObject {
		w.at = w.at.Add(time.Duration(rng.Int64N(int64(100 * time.Millisecond)))) // all within a day
		host := pick(rng, logHosts)
		status := pick(rng, []int64{200, 200, 200, 204, 301, 304, 404, 500})
		size := rng.Int64N(60_000)
		sizes.Rows++
		sizes.SumBytes += size
		sizes.SumStatus += status
		b = append(b, `{"time":"`...)
		b = w.at.AppendFormat(b, "2006-01-02T15:04:05.000000Z")
		b = strconv.AppendInt(append(b, `","app_id":`...), 1000+rng.Int64N(660), 10)
		b = append(append(b, `,"host":"`...), host...)
		b = append(append(b, `","method":"`...), pick(rng, logMethods)...)
		b = strconv.AppendInt(append(b, `","path":"/v1/items/`...), rng.Int64N(20_000), 10)
		b = strconv.AppendInt(append(b, `/parts","status":`...), status, 10)
		b = strconv.AppendInt(append(b, `,"bytes":`...), size, 10)
		b = strconv.AppendFloat(append(b, `,"request_time":`...), rng.ExpFloat64()*0.06, 'f', 3, 64)
		b = fmt.Appendf(b, `,"upstream":"10.0.%d.%d:8080"`, rng.IntN(4), rng.IntN(60))
		b = strconv.AppendFloat(append(b, `,"upstream_time":`...), rng.ExpFloat64()*0.05, 'f', 3, 64)
		b = append(append(b, `,"user_agent":"`...), pick(rng, logAgents)...)
		b = append(append(b, `","referrer":"https://`...), host...)
		b = fmt.Appendf(b, `/start","client_ip":"198.18.%d.%d"`, rng.IntN(16), rng.IntN(256))
		b = strconv.AppendInt(append(b, `,"client_port":`...), 1024+rng.Int64N(64_000), 10)
		b = append(append(b, `,"cache_status":"`...), pick(rng, logStates)...)
		b = append(append(b, `","tls_version":"TLSv1.3","country":"`...), pick(rng, logPlaces)...)
		b = fmt.Appendf(b, `","trace_id":"%016x%016x"`, rng.Uint64(), rng.Uint64())
		b = fmt.Appendf(b, `,"request_id":"%016x%016x"`, rng.Uint64(), rng.Uint64())
		b = strconv.AppendBool(append(b, `,"bot":`...), rng.IntN(20) == 0)
		b = fmt.Appendf(b, `,"labels":{"team":"edge","region":"eu-%d","canary":false}}`, rng.IntN(3))
		b = append(b, '\n')
	}
	return b
}
