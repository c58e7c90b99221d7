package naive

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// Logs are log records of 21 fields and about 640 bytes, as an edge proxy
// writes them; the same for the same seed.
func Logs(n int, seed uint64) []byte {
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
