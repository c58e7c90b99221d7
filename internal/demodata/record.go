package demodata

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// logWriter makes one object's records: requests to one application as an
// edge proxy logs them, one JSON object a line.
type logWriter struct {
	rng     *rand.Rand
	appID   int
	now     time.Time
	step    time.Duration // mean time between two records
	clients []client      // of this object; the first ones are the busiest
	ids     *rand.Zipf

	badTimes int64 // records written so far whose time is none
}

// client is a user of the application, with what stays the same between requests.
type client struct {
	ip, country, agent, tls, cipher, protocol, language, session string
}

// How uneven the choices are: Zipf's s and v for clients and for ids in paths.
const (
	clientsPerObject = 2_000
	idsPerPath       = 20_000
	zipfExponent     = 1.15
	zipfOffset       = 4
)

func newLogWriter(seed uint64, appID int, start time.Time, step time.Duration) *logWriter {
	rng := rand.New(rand.NewPCG(seed, 0))
	w := &logWriter{rng: rng, appID: appID, now: start, step: step, ids: rand.NewZipf(rng, zipfExponent, zipfOffset, idsPerPath)}
	w.clients = make([]client, clientsPerObject)
	return w
}

func (w *logWriter) newClient() client {
	c := client{
		country:  skewed(w.rng, countries),
		agent:    skewed(w.rng, agents),
		tls:      "TLSv1.3",
		cipher:   skewed(w.rng, ciphers13),
		protocol: skewed(w.rng, protocols),
		language: skewed(w.rng, languages),
		session:  base64.RawURLEncoding.EncodeToString(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, w.rng.Uint64()), w.rng.Uint64())),
	}
	if w.rng.IntN(12) == 0 {
		c.tls, c.cipher = "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"
	}
	// Addresses of the ranges kept for benchmarks and documentation.
	if w.rng.IntN(5) == 0 {
		c.ip = fmt.Sprintf("2001:db8:%x:%x::%x", w.rng.IntN(1<<12), w.rng.IntN(1<<16), w.rng.IntN(1<<16))
	} else {
		c.ip = fmt.Sprintf("198.%d.%d.%d", 18+w.rng.IntN(2), w.rng.IntN(256), 1+w.rng.IntN(254))
	}
	return c
}

// appendRecord appends the next record, without a newline.
func (w *logWriter) appendRecord(b []byte) []byte {
	rng := w.rng
	w.now = w.now.Add(time.Duration(rng.ExpFloat64() * float64(w.step)))
	c := &w.clients[min(len(w.clients)-1, int(rng.ExpFloat64()*clientsPerObject/3))]
	if c.ip == "" {
		*c = w.newClient()
	}
	cache := skewed(rng, cacheStates)
	status := skewed(rng, statuses)
	method := skewed(rng, methods)
	host := skewed(rng, hosts)

	b = append(b, `{"time":`...)
	if rng.IntN(20_000) == 0 {
		w.badTimes++
		b = append(b, `"-"`...)
	} else {
		b = w.now.UTC().AppendFormat(append(b, '"'), "2006-01-02T15:04:05.000000Z")
		b = append(b, '"')
	}
	b = strconv.AppendInt(append(b, `,"app_id":`...), int64(w.appID), 10)
	b = append(append(b, `,"host":"`...), host...)
	b = strconv.AppendInt(append(b, `.app`...), int64(w.appID), 10)
	b = append(append(b, `.example.com","method":"`...), method...)
	b = append(b, `","path":"`...)
	b = w.appendPath(b)
	b = append(b, `","status":`...)
	if rng.IntN(2_000) == 0 {
		b = append(b, `"499"`...) // closed by the client; an old module writes a string
	} else {
		b = strconv.AppendInt(b, int64(status), 10)
	}
	b = append(b, `,"bytes":`...)
	if rng.IntN(3_000) == 0 {
		b = strconv.AppendInt(b, 5_000_000_000+rng.Int64N(1_000_000_000), 10) // wider than 32 bits
	} else {
		b = strconv.AppendInt(b, int64(180+rng.ExpFloat64()*9_000), 10)
	}
	requestTime := rng.ExpFloat64() * 0.06
	b = strconv.AppendFloat(append(b, `,"request_time":`...), requestTime, 'f', 3, 64)
	b = w.appendUpstream(b, cache, requestTime)
	b = append(append(b, `,"user_agent":"`...), c.agent...)
	b = append(b, '"')
	if rng.IntN(3) > 0 {
		b = append(append(b, `,"referrer":"https://`...), host...)
		b = strconv.AppendInt(append(b, `.app`...), int64(w.appID), 10)
		b = append(append(b, `.example.com`...), skewed(rng, referrers)...)
		b = append(b, '"')
	}
	b = append(append(b, `,"client_ip":"`...), c.ip...)
	b = strconv.AppendInt(append(b, `","client_port":`...), int64(1024+rng.IntN(64_000)), 10)
	b = append(append(b, `,"cache_status":"`...), cache...)
	b = append(append(b, `","tls_version":"`...), c.tls...)
	b = append(append(b, `","tls_cipher":"`...), c.cipher...)
	b = append(append(b, `","protocol":"`...), c.protocol...)
	switch rng.IntN(400) {
	case 0: // not known, and not said
		b = append(b, '"')
	case 1:
		b = append(b, `","country":null`...)
	default:
		b = append(append(b, `","country":"`...), c.country...)
		b = append(b, '"')
	}
	b = append(append(b, `,"pop":"`...), skewed(rng, pops)...)
	b = append(append(b, `","scheme":"https","trace_id":"`...), hex16(rng.Uint64())...)
	b = append(b, hex16(rng.Uint64())...)
	b = append(append(b, `","span_id":"`...), hex16(rng.Uint64())...)
	b = append(append(b, `","request_id":"`...), hex16(rng.Uint64())...)
	b = append(b, hex16(rng.Uint64())...)
	b = append(append(b, `","connection":"`...), hex16(rng.Uint64())...)
	b = append(append(b, `","request":{"headers":{"user_agent":"`...), c.agent...)
	b = append(append(b, `","accept":"`...), skewed(rng, accepts)...)
	b = append(append(b, `","accept_encoding":"gzip, br","accept_language":"`...), c.language...)
	b = append(append(b, `","x_forwarded_for":"`...), c.ip...)
	b = append(append(b, `","cookie":"sid=`...), c.session...)
	b = append(b, `"},"body_bytes":`...)
	body := 0
	if method == "POST" || method == "PUT" {
		body = int(rng.ExpFloat64() * 2_000)
	}
	b = strconv.AppendInt(b, int64(body), 10)
	b = append(b, `}`...)
	if rng.IntN(500) == 0 { // a field that most records do not have
		b = strconv.AppendInt(append(b, `,"retry":{"attempts":`...), int64(1+rng.IntN(3)), 10)
		b = append(b, `,"hosts":["10.0.1.4","10.0.1.9"]}`...)
	}
	return append(b, '}')
}

func (w *logWriter) appendPath(b []byte) []byte {
	if w.rng.IntN(1_500) == 0 {
		return append(b, `/search?q=caf\u00e9%20\"cr\u00e8me\"&lang=fr`...)
	}
	t := skewed(w.rng, paths)
	for i := range len(t) {
		if t[i] == '#' {
			b = strconv.AppendUint(b, 1000+w.ids.Uint64(), 10)
		} else {
			b = append(b, t[i])
		}
	}
	return b
}

// appendUpstream appends what was asked of the application's own servers:
// nothing for an answer from the cache, for which some proxies write "-".
func (w *logWriter) appendUpstream(b []byte, cache string, requestTime float64) []byte {
	if cache == "HIT" || cache == "STALE" {
		if w.rng.IntN(40) == 0 {
			return append(b, `,"upstream":"-","upstream_time":"-"`...)
		}
		return b
	}
	b = strconv.AppendInt(append(b, `,"upstream":"10.0.`...), int64(w.appID%200), 10)
	b = strconv.AppendInt(append(b, '.'), int64(4+w.rng.IntN(12)), 10)
	b = strconv.AppendFloat(append(b, `:8080","upstream_time":`...), requestTime*0.9, 'f', 3, 64)
	return b
}

// skewed chooses one of the values: the first most often, each further one
// half as often as the one before, but for a small share that is even.
func skewed[T any](rng *rand.Rand, values []T) T {
	r := rng.Uint64()
	if r&0xf == 0 {
		return values[(r>>8)%uint64(len(values))]
	}
	for i := range values {
		r >>= 1
		if r&0x8 != 0 {
			return values[i]
		}
	}
	return values[0]
}

func hex16(v uint64) string { return fmt.Sprintf("%016x", v) }

var (
	hosts       = []string{"www", "api", "static", "img", "m"}
	methods     = []string{"GET", "GET", "GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE"}
	statuses    = []int{200, 200, 200, 304, 404, 301, 206, 302, 403, 500, 502, 503, 429}
	cacheStates = []string{"HIT", "MISS", "BYPASS", "EXPIRED", "STALE", "REVALIDATED"}
	protocols   = []string{"HTTP/2.0", "HTTP/3.0", "HTTP/1.1"}
	ciphers13   = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
	countries   = []string{"DE", "US", "FR", "GB", "NL", "PL", "BR", "IN", "JP", "CA", "ES", "IT", "SE", "AU", "ZA"}
	languages   = []string{"en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.6", "fr-FR,fr;q=0.9", "pl-PL,pl;q=0.8", "pt-BR,pt;q=0.9"}
	pops        = []string{"fra1", "iad2", "cdg1", "lhr3", "ams1", "gru1", "bom1", "nrt2"}
	accepts     = []string{"*/*", "application/json", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "image/avif,image/webp,*/*"}
	referrers   = []string{"/", "/search", "/cart", "/account/orders", "/help"}
	paths       = []string{
		"/v1/items/#", "/v1/items/#/reviews?page=1", "/static/js/app.#.js", "/v2/users/#/cart", "/img/p/#/640.webp",
		"/search?q=term#&sort=price", "/", "/v2/orders/#/status", "/healthz", "/static/css/site.css", "/v1/sessions", "/feed/#.xml",
	}
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0",
		"curl/8.15.0",
		"Go-http-client/2.0",
		"python-requests/2.32.5",
		"okhttp/4.12.0",
	}
)
