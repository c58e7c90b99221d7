//go:build interop

package singlegzip

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
)

// writers makes originals with zlib as others set it: all levels, strategies and windows, flushed in the middle, in one
// gzip member or several, and with Python's gzip module, which writes a name and a time.
const writers = `
import sys, os, gzip, io, zlib
folder, lines = sys.argv[1], open(sys.argv[2], "rb").read()
n = 0
def write(b):
    global n
    open(os.path.join(folder, "%04d.gz" % n), "wb").write(b)
    n += 1
def member(data, level=6, bits=31, memory=8, strategy=0, flushes=()):
    c = zlib.compressobj(level, zlib.DEFLATED, bits, memory, strategy)
    out, step = b"", len(data) // (len(flushes) + 1)
    for i, f in enumerate(flushes):
        out += c.compress(data[i*step:(i+1)*step]) + c.flush(f)
    return out + c.compress(data[len(flushes)*step:]) + c.flush(zlib.Z_FINISH)
small = lines[:3000]
for level in range(10):
    for strategy in range(5):
        write(member(small, level, strategy=strategy))
for bits in range(25, 32):
    write(member(lines, bits=bits, memory=1 + bits % 9))
for flush in (zlib.Z_PARTIAL_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_BLOCK):
    write(member(small, flushes=(flush,) * 5))
    write(member(small[:-1], strategy=zlib.Z_FIXED, flushes=(flush,)))
for size in range(40):
    write(member(lines[:size], strategy=zlib.Z_FIXED) + member(b"") + member(lines[:size][::-1]))
write(member(lines, 0))
b = io.BytesIO()
with gzip.GzipFile("some name", "wb", fileobj=b) as f:
    f.write(lines)
write(b.getvalue())
`

// readers reads an output with zlib, which stops at the end of the first gzip member, with the gzip module, which reads all
// and compares the trailer, with pyarrow and with DuckDB; and compares it with the data of the originals.
const readers = `
import sys, gzip, zlib, glob, os, pyarrow as pa, duckdb
output, folder = sys.argv[1:]
want = b""
for name in sorted(glob.glob(os.path.join(folder, "*.gz"))):
    data = gzip.decompress(open(name, "rb").read())
    want += data if not data or data.endswith(b"\n") else data + b"\n"
stored = open(output, "rb").read()
d = zlib.decompressobj(31)
first = d.decompress(stored) + d.flush()
assert d.eof and d.unused_data == b"", "zlib: %s bytes behind the first gzip member" % len(d.unused_data)
assert first == want, "zlib: %d bytes, not %d" % (len(first), len(want))
assert gzip.decompress(stored) == want, "gzip"
assert pa.CompressedInputStream(pa.OSFile(output), "gzip").read() == want, "pyarrow"
n = duckdb.sql("select count(*) from read_csv('%s', header=false, delim='\x07', quote='', escape='', columns={'line': 'varchar'}, strict_mode=false)" % output).fetchall()[0][0]
assert n == want.count(b"\n"), "DuckDB: %d lines, not %d" % (n, want.count(b"\n"))
print(len(want))
`

func TestOthersReadOneMember(t *testing.T) {
	python := interop.Python(t)
	folder := t.TempDir()
	lines := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(lines, []byte(logLines(3_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	interop.Run(t, python, writers, folder, lines)
	names, err := filepath.Glob(filepath.Join(folder, "*.gz"))
	if err != nil || len(names) < 100 {
		t.Fatalf("%d originals, %v", len(names), err)
	}
	var all [][]byte
	for _, name := range names {
		stored, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, stored)
	}
	out := joined(t, all...)
	out.check(t, all...)
	file := filepath.Join(t.TempDir(), "output.gz")
	if err := os.WriteFile(file, out.bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(string(interop.Run(t, python, readers, file, folder))), fmt.Sprint(out.proof.UncompressedBytes); got != want {
		t.Errorf("%s bytes, want %s", got, want)
	}
	// Python's zlib notices a change, so that what it says above counts.
	changed := bytes.Clone(out.bytes)
	changed[len(changed)-5] ^= 1
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	const refuses = `
import sys, gzip
try: gzip.decompress(open(sys.argv[1], "rb").read())
except gzip.BadGzipFile as e: print("refused")
`
	if got := strings.TrimSpace(string(interop.Run(t, python, refuses, file))); got != "refused" {
		t.Errorf("a wrong length in the trailer: %q", got)
	}
}
