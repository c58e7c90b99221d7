package singlegzip

import (
	"compress/gzip"
	"testing"
)

// named are originals of all kinds, by name.
func named(t testing.TB) map[string][]byte {
	random, logs := string(randomBytes(100_000)), logLines(2_000)
	full := gzip.Header{Name: "access.log", Comment: "rotated", Extra: []byte("AB\x02\x00xy"), OS: 3}
	return map[string][]byte{
		"log lines":                 gzipped(t, logs, 6, gzip.Header{}),
		"log lines, best":           gzipped(t, logs, 9, gzip.Header{}),
		"no final newline":          gzipped(t, "{}", 6, gzip.Header{}),
		"klauspost":                 klauspost(t, logs, 1),
		"klauspost, best":           klauspost(t, logs, 9),
		"klauspost, no compression": klauspost(t, logs, 0),
		"incompressible":            gzipped(t, random, gzip.HuffmanOnly, gzip.Header{}),
		"stored blocks":             gzipped(t, random, gzip.NoCompression, gzip.Header{}),
		"all header fields":         gzipped(t, "{}\n", 6, full),
		"nothing":                   gzipped(t, "", 6, gzip.Header{}),
	}
}

// An output of an original, and of all of them, is one gzip member that holds their data, and each comes back.
func TestJoin(t *testing.T) {
	all := [][]byte{}
	for name, stored := range named(t) {
		t.Run(name, func(t *testing.T) {
			out := joined(t, stored)
			out.check(t, stored)
		})
		all = append(all, stored)
	}
	out := joined(t, all...)
	out.check(t, all...)
}
