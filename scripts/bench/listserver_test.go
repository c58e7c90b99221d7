package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

// pages lists the server's bucket by the project's own client, whose listing is
// tested against a real server.
func pages(t *testing.T, s *listServer, o s3store.ListOptions) (keys, prefixes []string, n int) {
	t.Helper()
	client, err := s3store.Open(t.Context(), s3store.Options{EndpointURL: s.endpoint, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	err = client.List(t.Context(), listBucket, o, func(p s3store.Page) error {
		n++
		for _, o := range p.Objects {
			keys = append(keys, o.Key)
		}
		prefixes = append(prefixes, p.Prefixes...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, prefixes, n
}

func newListServer(t *testing.T, keys []string) *listServer {
	t.Helper()
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"} {
		t.Setenv(k, v)
	}
	s, err := startListServer(keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func TestListServer(t *testing.T) {
	s := newListServer(t, append(treeKeys(2500), "a<b>&\"c'", "d e+f%", "ä/ö", "z"))
	keys, _, n := pages(t, s, s3store.ListOptions{})
	if !slices.Equal(keys, s.keys) || n != 3 || s.count() != 3 || s.count() != 0 {
		t.Errorf("%d of %d keys in %d pages", len(keys), len(s.keys), n)
	}
	middle := s.keys[1200]
	if keys, _, _ := pages(t, s, s3store.ListOptions{StartAfter: middle}); !slices.Equal(keys, s.keys[1201:]) {
		t.Errorf("start-after: %d keys, expected %d", len(keys), len(s.keys)-1201)
	}

	var want []string // the folders of one application, and no keys
	app := middle[:strings.IndexByte(middle, '/')+1]
	for _, k := range s.keys {
		if strings.HasPrefix(k, app+"2026/10/") {
			want = append(want, k[:len(app)+len("2026/10/01/")])
		}
	}
	want = slices.Compact(want)
	if keys, prefixes, _ := pages(t, s, s3store.ListOptions{Prefix: app + "2026/10/", Delimiter: "/"}); len(keys) != 0 || !slices.Equal(prefixes, want) {
		t.Errorf("by delimiter: %d keys, %q, expected %q", len(keys), prefixes, want)
	}
	many := newListServer(t, func() (keys []string) {
		for _, k := range flatKeys(2100) {
			keys = append(keys, k+"/1", k+"/2")
		}
		return keys
	}())
	if _, prefixes, n := pages(t, many, s3store.ListOptions{Prefix: "logs/", Delimiter: "/"}); len(prefixes) != 2100 || n != 3 {
		t.Errorf("by delimiter over pages: %d prefixes in %d pages", len(prefixes), n)
	}

	resp, err := http.Get(s.endpoint + "/" + listBucket + "/key")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotImplemented {
		t.Errorf("a GET of an object: %s", resp.Status)
	}
}

func TestSerialListing(t *testing.T) {
	s := newListServer(t, treeKeys(3500))
	out := filepath.Join(t.TempDir(), "groups.tsv")
	if err := runList(t.Context(), []string{s.endpoint, out}); err != nil {
		t.Fatal(err)
	}
	if err := listedGroups(s.keys).equal(readTable(out)); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(out); len(b) == 0 || s.count() != 4 {
		t.Error("expected four requests and an answer")
	}
}
