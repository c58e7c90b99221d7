package validate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Flags of a gzip header (RFC 1952 section 2.3.1).
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
	flagsReserved = 1<<5 | 1<<6 | 1<<7
)

// newRand is the same sequence in every test.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(3, 4)) }

// sameBytes compares data at once, not byte by byte; no data and empty data are the same.
var sameBytes = cmp.Comparer(bytes.Equal)

// logObject is a gzip object of log lines, of about sizeBytes stored bytes.
func logObject(t testing.TB, sizeBytes int) []byte {
	t.Helper()
	rng := newRand()
	var lines strings.Builder
	for range sizeBytes / 45 { // a line takes about 45 bytes when compressed
		fmt.Fprintf(&lines, `{"time":"2024-05-01T12:%02d:%02d.%03dZ","status":%d,"method":"GET","path":"/v1/items/%d","bytes":%d,"client":"10.%d.%d.%d","upstream_ms":%d}`+"\n",
			rng.IntN(60), rng.IntN(60), rng.IntN(1000), 200+rng.IntN(4)*100, rng.IntN(100_000), rng.IntN(1<<20),
			rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(1000))
	}
	return gzipped(t, lines.String())
}
