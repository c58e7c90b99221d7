package listing

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/slow"
	"github.com/s3compact/s3compact/internal/s3test/versitygw"
)

// BenchmarkWalk lists buckets through a proxy that is 20 ms away, with one and
// with 32 requests at once: those of versitygw, which reads a folder anew for
// each page, and those of a server that answers from memory.
func BenchmarkWalk(b *testing.B) {
	for _, server := range []struct {
		name  string
		start func(b testing.TB, setenv func(name, value string), keys []string) (endpoint string)
	}{{"memory", fromMemory}, {"versitygw", fromVersitygw}} {
		for _, shape := range shapes[:4] {
			keys := shape.keys()
			b.Run(server.name+"/"+shape.name, func(b *testing.B) {
				endpoint := server.start(b, b.Setenv, keys)
				proxy, err := slow.Start(endpoint, 20*time.Millisecond)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() {
					if err := proxy.Close(); err != nil {
						b.Error(err)
					}
				})
				for _, concurrency := range []int{1, 32} {
					b.Run(fmt.Sprint(concurrency), func(b *testing.B) {
						store, err := s3store.Open(b.Context(), s3store.Options{EndpointURL: proxy.Endpoint, Concurrency: concurrency})
						if err != nil {
							b.Fatal(err)
						}
						for b.Loop() {
							got, err := collectFrom(b.Context(), store, concurrency)
							if err != nil || got != len(keys) {
								b.Fatalf("%d keys, %v; want %d", got, err, len(keys))
							}
						}
						b.ReportMetric(float64(store.Requests().List)/float64(b.N), "requests/op")
					})
				}
			})
		}
	}
}

func collectFrom(ctx context.Context, l Lister, concurrency int) (int, error) {
	counts := make([]int, concurrency)
	err := Walk(ctx, l, "bucket", "", concurrency, func(worker int, objects []s3store.Object) error {
		counts[worker] += len(objects)
		return nil
	})
	n := 0
	for _, c := range counts {
		n += c
	}
	return n, err
}

// fromMemory answers LISTs from memory.
func fromMemory(b testing.TB, setenv func(name, value string), keys []string) (endpoint string) {
	setenv("AWS_ACCESS_KEY_ID", "bench")
	setenv("AWS_SECRET_ACCESS_KEY", "bench")
	f := newFake(1000, keys)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		after := max(q.Get("start-after"), q.Get("continuation-token"))
		page, last := f.page(s3store.ListOptions{Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter")}, after)
		var body strings.Builder
		fmt.Fprintf(&body, "<ListBucketResult><IsTruncated>%t</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", page.More, last)
		for _, o := range page.Objects {
			body.WriteString("<Contents><Key>")
			body.WriteString(o.Key)
			body.WriteString("</Key><LastModified>2026-10-04T01:02:03.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>40000</Size><StorageClass>STANDARD</StorageClass></Contents>")
		}
		for _, p := range page.Prefixes {
			body.WriteString("<CommonPrefixes><Prefix>" + p + "</Prefix></CommonPrefixes>")
		}
		body.WriteString("</ListBucketResult>")
		_, _ = w.Write([]byte(body.String())) // the client sees what is cut short
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// fromVersitygw puts empty files into the folder of a bucket.
func fromVersitygw(b testing.TB, setenv func(name, value string), keys []string) (endpoint string) {
	binary, err := versitygw.Binary(b.Context(), func(s string) { b.Log(s) })
	if err != nil {
		b.Fatal(err)
	}
	server, err := versitygw.StartWithProcess(context.Background(), binary)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { runtime.KeepAlive(server) }) // it ends when nobody holds it
	for _, e := range server.Env() {
		name, value, _ := strings.Cut(e, "=")
		setenv(name, value)
	}
	for _, key := range keys {
		name := filepath.Join(server.Dir, "data", "bucket", filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return server.Endpoint
}
