package main

import (
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
)

// listServer is a bucket that can be listed, and nothing else. A server over a
// file system reads a whole folder for each page, which would be what is
// measured then; this one answers from memory, so that what counts is how many of
// its answers are waited for one after another.
// API: ListObjectsV2.
type listServer struct {
	endpoint string
	requests atomic.Int64
	keys     []string // sorted
	http     http.Server
}

const (
	listBucket  = "bench-logs"
	pageEntries = 1000
)

// startListServer starts a server on the loopback interface.
func startListServer(keys []string) (*listServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	slices.Sort(keys)
	s := &listServer{endpoint: "http://" + l.Addr().String(), keys: keys}
	s.http.Handler = http.HandlerFunc(s.list)
	go func() { _ = s.http.Serve(l) }() // ends by close
	return s, nil
}

func (s *listServer) close() { _ = s.http.Close() }

func (s *listServer) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Method != http.MethodGet || q.Get("list-type") != "2" || strings.Trim(r.URL.Path, "/") != listBucket {
		http.Error(w, "only ListObjectsV2 of "+listBucket, http.StatusNotImplemented)
		return
	}
	s.requests.Add(1)
	body := s.page(q)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client sees what is cut short
}

// page is the answer to a request. A common prefix behind which a page ended is
// passed whole. The XML is put together by hand: an encoder would take as much
// time as the client.
func (s *listServer) page(q url.Values) []byte {
	prefix, delimiter, after := q.Get("prefix"), q.Get("delimiter"), q.Get("start-after")
	if token := q.Get("continuation-token"); token != "" {
		after = token
	}
	most := pageEntries
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = min(n, pageEntries)
	}
	encode := escapeXML
	encoding := ""
	if q.Get("encoding-type") == "url" {
		encode = func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }
		encoding = "<EncodingType>url</EncodingType>"
	}

	entries := make([]byte, 0, 300<<10)
	n, next := 0, ""
	i := sort.Search(len(s.keys), func(i int) bool { return s.keys[i] > after })
	i = max(i, sort.SearchStrings(s.keys, prefix))
	for i < len(s.keys) && strings.HasPrefix(s.keys[i], prefix) {
		if n == most {
			next = after
			break
		}
		n++
		key := s.keys[i]
		if at := strings.Index(key[len(prefix):], delimiter); delimiter != "" && at >= 0 {
			common := key[:len(prefix)+at+len(delimiter)]
			i += sort.Search(len(s.keys)-i, func(j int) bool { return !strings.HasPrefix(s.keys[i+j], common) })
			after = s.keys[i-1]
			entries = append(entries, "<CommonPrefixes><Prefix>"+encode(common)+"</Prefix></CommonPrefixes>"...)
			continue
		}
		entries = append(entries, "<Contents><Key>"+encode(key)+"</Key><LastModified>2026-10-03T12:00:00.000Z</LastModified><ETag>&quot;"...)
		entries = fmt.Appendf(entries, "%032x", i)
		entries = append(entries, "&quot;</ETag><Size>"...)
		entries = strconv.AppendInt(entries, keyBytes(key), 10)
		entries = append(entries, "</Size><StorageClass>STANDARD</StorageClass></Contents>"...)
		after = key
		i++
	}

	body := append([]byte(nil), xml.Header+`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>`+listBucket+"</Name><Prefix>"+encode(prefix)+"</Prefix>"+encoding...)
	body = fmt.Appendf(body, "<MaxKeys>%d</MaxKeys><KeyCount>%d</KeyCount><IsTruncated>%t</IsTruncated>", most, n, next != "")
	if next != "" {
		body = append(body, "<NextContinuationToken>"+escapeXML(next)+"</NextContinuationToken>"...)
	}
	return append(append(body, entries...), "</ListBucketResult>"...)
}

func escapeXML(s string) string {
	if !strings.ContainsAny(s, "<>&\"'\r\n\t") {
		return s
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// keyBytes is the size of the object of a key: 40 KB, about.
func keyBytes(key string) int64 {
	h := int64(17)
	for _, c := range []byte(key) {
		h = (h*31 + int64(c)) % 80_000
	}
	return 1 + h
}
