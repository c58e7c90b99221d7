package validate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// gzipped is data as one gzip member, compressed by the standard library.
func gzipped(t testing.TB, data string) []byte {
	return gzippedLevel(t, data, gzip.DefaultCompression, gzip.Header{OS: 255})
}

func gzippedLevel(t testing.TB, data string, level int, header gzip.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Header = header
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withHeader is data as one gzip member behind a header made by hand.
func withHeader(t testing.TB, header []byte, data string) []byte {
	t.Helper()
	b := bytes.NewBuffer(bytes.Clone(header))
	w, err := flate.NewWriter(b, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), trailer(data)...)
}

func trailer(data string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(data)))
	return binary.LittleEndian.AppendUint32(b, uint32(len(data)))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// changed is a copy of b with the byte at the offset inverted; a negative offset counts from the end.
func changed(b []byte, offset int) []byte {
	b = bytes.Clone(b)
	if offset < 0 {
		offset += len(b)
	}
	b[offset] ^= 0xff
	return b
}

// outcome is all that a proof can answer.
type outcome struct {
	Gzip    Gzip
	Members []Member
	Err     *GzipError
}

// prove proves stored in memory and as a stream, in large reads and byte by byte, and fails unless all agree.
func prove(t testing.TB, p *Prover, stored []byte) outcome {
	t.Helper()
	run := func(f func() (Gzip, error)) outcome {
		t.Helper()
		var o outcome
		p.EachMember = func(m Member) {
			m.Header = bytes.Clone(m.Header)
			o.Members = append(o.Members, m)
		}
		defer func() { p.EachMember = nil }()
		var err error
		o.Gzip, err = f()
		o.Gzip.First = bytes.Clone(o.Gzip.First)
		if err != nil && !errors.As(err, &o.Err) {
			t.Fatalf("%v is no *GzipError", err)
		}
		return o
	}
	memory := run(func() (Gzip, error) { return p.Gzip(stored) })
	for name, r := range map[string]io.Reader{
		"stream":             bytes.NewReader(stored),
		"stream of bytes":    iotest.OneByteReader(bytes.NewReader(stored)),
		"stream ending data": iotest.DataErrReader(bytes.NewReader(stored)),
	} {
		if diff := cmp.Diff(memory, run(func() (Gzip, error) { return p.GzipStream(r) }), sameBytes); diff != "" {
			t.Errorf("in memory (-) and as a %s (+) differ:\n%s", name, diff)
		}
	}
	if memory.Err != nil && !cmp.Equal(memory.Gzip, Gzip{}) {
		t.Errorf("a proof came with the error: %+v", memory.Gzip)
	}
	return memory
}

func TestGzipProves(t *testing.T) {
	long := string(bytes.Repeat([]byte("{\"status\":200,\"path\":\"/a\"}\n"), 40_000)) // 1 MiB: windows and buffers are crossed
	random := string(randomBytes(newRand(), 200_000))
	full := gzip.Header{Name: "access.log", Comment: "rotated", Extra: []byte("AB\x02\x00xy"), OS: 3}
	withCRC := []byte{0x1f, 0x8b, 8, flagHeaderCRC | flagName, 1, 2, 3, 4, 0, 3, 'n', 0}
	withCRC = binary.LittleEndian.AppendUint16(withCRC, uint16(crc32.ChecksumIEEE(withCRC)))
	longName := append([]byte{0x1f, 0x8b, 8, flagName, 0, 0, 0, 0, 0, 255}, bytes.Repeat([]byte("n"), 500)...) // the standard library takes 511
	longName = append(longName, 0)

	for _, tt := range []struct {
		name    string
		stored  []byte
		members int
		data    string
	}{
		{"no data", gzipped(t, ""), 1, ""},
		{"one line", gzipped(t, "{}\n"), 1, "{}\n"},
		{"no final newline", gzipped(t, "{}"), 1, "{}"},
		{"fixed codes", gzippedLevel(t, "ab", gzip.HuffmanOnly, gzip.Header{}), 1, "ab"},
		{"stored blocks", gzippedLevel(t, random, gzip.NoCompression, gzip.Header{}), 1, random},
		{"dynamic codes", gzippedLevel(t, long, gzip.BestCompression, gzip.Header{}), 1, long},
		{"incompressible", gzippedLevel(t, random, gzip.HuffmanOnly, gzip.Header{}), 1, random},
		{"all header fields", gzippedLevel(t, "{}\n", 6, full), 1, "{}\n"},
		{"header CRC", withHeader(t, withCRC, "{}\n"), 1, "{}\n"},
		{"long name", withHeader(t, longName, "{}\n"), 1, "{}\n"},
		{"text flag", withHeader(t, []byte{0x1f, 0x8b, 8, 1, 0, 0, 0, 0, 0, 0}, "a\n"), 1, "a\n"},
		{"two members", join(gzipped(t, "{\"a\":1}\n"), gzipped(t, "{\"b\":2}")), 2, "{\"a\":1}\n{\"b\":2}"},
		{"empty member between", join(gzipped(t, "a\n"), gzipped(t, ""), gzipped(t, "b\n")), 3, "a\nb\n"},
		{"empty member last", join(gzipped(t, "a\n"), gzipped(t, "")), 2, "a\n"},
		{"newline member", join(gzipped(t, "a"), NewlineMember, gzipped(t, "b")), 3, "a\nb"},
		{"members of every kind of block", join(
			gzippedLevel(t, long, gzip.BestSpeed, full), gzippedLevel(t, random, gzip.NoCompression, gzip.Header{}),
			gzippedLevel(t, "x", gzip.HuffmanOnly, gzip.Header{}), gzippedLevel(t, random, gzip.HuffmanOnly, gzip.Header{}),
			gzippedLevel(t, long, gzip.BestCompression, gzip.Header{}),
		), 5, long + random + "x" + random + long},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := prove(t, NewProver(), tt.stored)
			if got.Err != nil {
				t.Fatalf("refused: %v", got.Err)
			}
			want := Gzip{
				Members:           tt.members,
				SizeBytes:         int64(len(tt.stored)),
				CRC64:             CRC64(tt.stored),
				UncompressedBytes: int64(len(tt.data)),
				CRC32:             crc32.ChecksumIEEE([]byte(tt.data)),
				EndsWithNewline:   len(tt.data) > 0 && tt.data[len(tt.data)-1] == '\n',
				First:             []byte(tt.data[:min(len(tt.data), FirstBytes)]),
			}
			if diff := cmp.Diff(want, got.Gzip, sameBytes); diff != "" {
				t.Errorf("proof (-want +got):\n%s", diff)
			}
			checkMembers(t, tt.stored, tt.data, got.Members)
		})
	}
}

// checkMembers reads each member alone, with the standard library, from where it is said to be, and compares it with the
// part of data that it is said to hold.
func checkMembers(t testing.TB, stored []byte, data string, members []Member) {
	t.Helper()
	var offset, uncompressed int64
	for i, m := range members {
		if m.Offset != offset || m.UncompressedOffset != uncompressed {
			t.Fatalf("member %d begins at %d (%d uncompressed), want %d (%d)", i+1, m.Offset, m.UncompressedOffset, offset, uncompressed)
		}
		offset += m.SizeBytes
		uncompressed += m.UncompressedBytes
		r, err := gzip.NewReader(bytes.NewReader(stored[m.Offset:offset]))
		if err != nil {
			t.Fatalf("member %d: %v", i+1, err)
		}
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("member %d: %v", i+1, err)
		}
		if string(got) != data[m.UncompressedOffset:uncompressed] {
			t.Errorf("member %d does not hold bytes %d to %d", i+1, m.UncompressedOffset, uncompressed)
		}
		if crc := crc32.ChecksumIEEE(got); m.CRC32 != crc {
			t.Errorf("member %d: CRC-32 %#x, want %#x", i+1, m.CRC32, crc)
		}
		checkMake(t, stored[m.Offset:offset], got, m)
	}
	if offset != int64(len(stored)) || uncompressed != int64(len(data)) {
		t.Errorf("members end at %d (%d uncompressed), want %d (%d)", offset, uncompressed, len(stored), len(data))
	}
}

// checkMake looks at what is said of how a member is made: with the final bit cleared and an empty final block behind the
// last bit, its deflate data is sound and holds the same.
func checkMake(t testing.TB, stored, data []byte, m Member) {
	t.Helper()
	deflate := bytes.Clone(stored[m.HeaderBytes : len(stored)-8])
	if !bytes.Equal(m.Header, stored[:min(m.HeaderBytes, HeaderBytes)]) || (m.DeflateBits+7)/8 != int64(len(deflate)) {
		t.Fatalf("header %x of %d bytes and %d bits of deflate data, in %x", m.Header, m.HeaderBytes, m.DeflateBits, stored)
	}
	last, used := &deflate[len(deflate)-1], 8-(8*len(deflate)-int(m.DeflateBits))
	if *last>>used != m.Padding { // none with 8 bits used
		t.Errorf("padding %b behind %d bits of the last byte %08b", m.Padding, used, *last)
	}
	deflate[m.FinalBit/8] &^= 1 << (m.FinalBit % 8)
	// A final block with fixed codes that holds nothing: the bits 1, 10 and 0000000 from the lowest.
	*last = byte(uint(*last)&(1<<used-1) | 3<<used)
	deflate = append(deflate, 3>>(8-used), 0)
	got, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflate)))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("final bit %d and end %d of %d bytes: %d bytes of data, %v, want %d", m.FinalBit, m.DeflateBits, len(deflate)-2, len(got), err, len(data))
	}
}

func TestGzipRefuses(t *testing.T) {
	one := gzipped(t, "{\"a\":1}\n")
	n := int64(len(one))
	header := func(method, flags byte, rest ...byte) []byte {
		return append([]byte{0x1f, 0x8b, method, flags, 0, 0, 0, 0, 0, 255}, rest...)
	}
	deflated := func(data ...byte) []byte { return append(header(8, 0), data...) }

	for _, tt := range []struct {
		name   string
		stored []byte
		reason Reason
		offset int64 // -1: anywhere
	}{
		{"empty object", nil, ReasonNotGzip, 0},
		{"HTML page", []byte("<!DOCTYPE html><html></html>"), ReasonNotGzip, 0},
		{"plain text", []byte("{\"a\":1}\n"), ReasonNotGzip, 0},
		{"zlib data", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1}, ReasonNotGzip, 0},
		{"half of the magic", []byte{0x1f, 0x8c, 8, 0}, ReasonNotGzip, 0},
		{"compress(1) data", []byte{0x1f, 0x9d, 0x90, 0}, ReasonNotGzip, 0},

		{"first byte only", one[:1], ReasonTruncated, 1},
		{"header only", one[:10], ReasonTruncated, 10},
		{"extra field cut", header(8, flagExtra, 5, 0, 'x'), ReasonTruncated, 13},
		{"length of extra field cut", header(8, flagExtra, 5), ReasonTruncated, 11},
		{"name cut", header(8, flagName, 'x'), ReasonTruncated, 11},
		{"comment cut", header(8, flagComment, 'x'), ReasonTruncated, 11},
		{"header CRC cut", header(8, flagHeaderCRC, 'x'), ReasonTruncated, 11},
		{"deflate data cut", one[:len(one)-9], ReasonTruncated, n - 9},
		{"cut exactly at the trailer", one[:len(one)-8], ReasonTruncated, n - 8},
		{"trailer cut", one[:len(one)-1], ReasonTruncated, n - 1},
		{"second member cut at its trailer", join(one, one[:len(one)-8]), ReasonTruncated, 2*n - 8},
		{"second member of one byte", join(one, one[:1]), ReasonTruncated, n + 1},

		{"zero byte behind", append(bytes.Clone(one), 0), ReasonTrailingBytes, n},
		{"zero padding behind", append(bytes.Clone(one), make([]byte, 512)...), ReasonTrailingBytes, n},
		{"newline behind", append(bytes.Clone(one), '\n'), ReasonTrailingBytes, n},
		{"text behind", append(bytes.Clone(one), "{\"b\":2}\n"...), ReasonTrailingBytes, n},
		{"half of the magic behind", append(bytes.Clone(one), 0x1f, 0), ReasonTrailingBytes, n},
		{"text behind two members", join(one, one, []byte("x")), ReasonTrailingBytes, 2 * n},
		{"zero byte between members", join(one, []byte{0}, one), ReasonTrailingBytes, n},

		{"wrong CRC", changed(one, -5), ReasonBadCRC, n - 8},
		{"wrong CRC of the second member", join(one, changed(one, -8)), ReasonBadCRC, 2*n - 8},
		{"wrong CRC and length", changed(changed(one, -8), -1), ReasonBadCRC, n - 8},
		{"wrong length", changed(one, -4), ReasonBadLength, n - 8},
		{"wrong length, highest byte", changed(one, -1), ReasonBadLength, n - 8},
		{"wrong length of no data", changed(gzipped(t, ""), -1), ReasonBadLength, -1},

		{"other method", header(7, 0, 3, 0), ReasonCorrupt, 0},
		{"other method in the second member", join(one, header(0, 0, 3, 0)), ReasonCorrupt, n},
		{"reserved flag 5", withHeader(t, header(8, 1<<5), "a"), ReasonCorrupt, 0},
		{"reserved flag 6", withHeader(t, header(8, 1<<6), "a"), ReasonCorrupt, 0},
		{"reserved flag 7", withHeader(t, header(8, 1<<7), "a"), ReasonCorrupt, 0},
		{"wrong header CRC", withHeader(t, header(8, flagHeaderCRC, 1, 2), "a"), ReasonCorrupt, 0},
		{"reserved block type", deflated(0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), ReasonCorrupt, 11},
		{"stored block with wrong complement", deflated(1, 5, 0, 5, 0, 'a', 'b', 'c', 'd', 'e'), ReasonCorrupt, 15},
		{"distance before the beginning", deflated(0x4b, 0x04, 0x92, 0, 0, 0, 0, 0, 0, 0, 0), ReasonCorrupt, -1},
		{"too many literal codes", deflated(0xfd, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0), ReasonCorrupt, -1},
		{"deflate data of ones", deflated(bytes.Repeat([]byte{0xff}, 100)...), ReasonCorrupt, 11},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := prove(t, NewProver(), tt.stored).Err
			if got == nil {
				t.Fatalf("proven, want %s", tt.reason)
			}
			if got.Reason != tt.reason || tt.offset >= 0 && got.Offset != tt.offset {
				t.Errorf("%v, want %s at byte %d", got, tt.reason, tt.offset)
			}
			if got.Detail == "" {
				t.Error("no detail")
			}
		})
	}
}

// Header fields of any length; the standard library stops at names of 511 bytes.
func TestGzipLongHeaderFields(t *testing.T) {
	header := []byte{0x1f, 0x8b, 8, flagExtra | flagName | flagComment | flagHeaderCRC, 0, 0, 0, 0, 0, 255, 0xff, 0xff}
	header = append(header, bytes.Repeat([]byte{0}, 0xffff)...)
	header = append(append(header, bytes.Repeat([]byte("n"), 3*readBufferBytes)...), 0)
	header = append(append(header, bytes.Repeat([]byte("c"), 3*readBufferBytes)...), 0)
	header = binary.LittleEndian.AppendUint16(header, uint16(crc32.ChecksumIEEE(header)))
	stored := withHeader(t, header, "{}\n")
	got := prove(t, NewProver(), stored)
	if got.Err != nil || string(got.Gzip.First) != "{}\n" {
		t.Fatalf("%v, data %q, want a proof", got.Err, got.Gzip.First)
	}
	if m := got.Members[0]; m.HeaderBytes != int64(len(header)) || !bytes.Equal(m.Header, header[:HeaderBytes]) {
		t.Errorf("a header of %d bytes, %d of them kept, want %d, %d", m.HeaderBytes, len(m.Header), len(header), HeaderBytes)
	}
}

// Cut after any number of bytes, an object is truncated, but for two cuts: nothing is left, or just the first member. The
// latter is a sound, shorter object. Nothing in it tells that there was more; only its length or its checksum does.
func TestGzipCutAnywhere(t *testing.T) {
	first := gzippedLevel(t, "{\"a\":1}\n{\"a\":2}\n", 6, gzip.Header{Name: "n", Comment: "c", Extra: []byte("AB\x00\x00")})
	second := gzippedLevel(t, "{\"a\":3}\n", gzip.NoCompression, gzip.Header{})
	whole := join(first, second)
	p := NewProver()
	for n := range whole {
		got := prove(t, p, whole[:n])
		switch n {
		case 0:
			if got.Err == nil || got.Err.Reason != ReasonNotGzip {
				t.Errorf("cut to nothing: %v, want %s", got.Err, ReasonNotGzip)
			}
		case len(first):
			if got.Err != nil || got.Gzip.Members != 1 || got.Gzip.CRC64 == CRC64(whole) {
				t.Errorf("cut between the members: %v, %+v, want a proof of one member with another CRC", got.Err, got.Gzip)
			}
		default:
			if got.Err == nil || got.Err.Reason != ReasonTruncated || got.Err.Offset != int64(n) {
				t.Errorf("cut to %d bytes: %v, want %s at byte %d", n, got.Err, ReasonTruncated, n)
			}
		}
	}
	if got := prove(t, p, whole); got.Err != nil || got.Gzip.Members != 2 {
		t.Errorf("whole: %v, %d members, want 2", got.Err, got.Gzip.Members)
	}
}

// Whichever bit of an object is flipped, the proof notices or the uncompressed data is the same (the flip is in a field that
// says nothing of it: time, name, operating system, padding).
func TestGzipFlippedAnywhere(t *testing.T) {
	const data = "{\"a\":1,\"b\":\"some text, some more text\"}\n"
	whole := gzippedLevel(t, data, 6, gzip.Header{Name: "name"})
	p := NewProver()
	for i := range whole {
		for bit := range 8 {
			stored := bytes.Clone(whole)
			stored[i] ^= 1 << bit
			got := prove(t, p, stored)
			if got.Err == nil && string(got.Gzip.First) != data {
				t.Errorf("bit %d of byte %d flipped: proven with other data %q", bit, i, got.Gzip.First)
			}
			if got.Err == nil && got.Gzip.CRC64 == CRC64(whole) {
				t.Errorf("bit %d of byte %d flipped: the same CRC-64", bit, i)
			}
		}
	}
}

// A stream that breaks says nothing of the object, even where its error is the one that a short body reports, and even
// where it breaks exactly behind a member.
func TestGzipStreamBroken(t *testing.T) {
	one := gzipped(t, "{\"a\":1}\n")
	whole := join(one, one)
	p := NewProver()
	for _, want := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
		for n := range len(whole) + 1 {
			g, err := p.GzipStream(io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(want)))
			var invalid *GzipError
			if !errors.Is(err, want) || errors.As(err, &invalid) {
				t.Errorf("broken after %d bytes by %q: %v, want that error, wrapped", n, want, err)
			}
			if !cmp.Equal(g, Gzip{}) {
				t.Errorf("broken after %d bytes: a proof came with the error", n)
			}
		}
	}
}

// More data than ISIZE can count: 2^32 bytes and some.
func TestGzipLengthWraps(t *testing.T) {
	const chunk, chunks, rest = 1 << 20, 1 << 12, 5
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, chunk)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil { // ends on a whole byte, so that it can be repeated
		t.Fatal(err)
	}
	crc := CombineCRC32(0, crc32.ChecksumIEEE(make([]byte, chunk)), chunk)
	length := int64(chunk)
	for length < chunk*chunks {
		crc = CombineCRC32(crc, crc, length)
		length *= 2
	}
	crc = CombineCRC32(crc, crc32.ChecksumIEEE(make([]byte, rest)), rest)
	object := func(isize uint32) io.Reader {
		parts := []io.Reader{bytes.NewReader([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255})}
		for range chunks {
			parts = append(parts, bytes.NewReader(deflated.Bytes()))
		}
		end := []byte{1, rest, 0, 0xff - rest, 0xff, 0, 0, 0, 0, 0} // a final stored block
		end = binary.LittleEndian.AppendUint32(end, crc)
		end = binary.LittleEndian.AppendUint32(end, isize)
		return io.MultiReader(append(parts, bytes.NewReader(end))...)
	}
	g, err := NewProver().GzipStream(object(rest))
	if err != nil || g.UncompressedBytes != length+rest || g.CRC32 != crc {
		t.Errorf("%d uncompressed bytes, CRC-32 %#x, %v, want %d, %#x", g.UncompressedBytes, g.CRC32, err, length+rest, crc)
	}
}

// A proof leaves nothing behind for the next one.
func TestProverReuse(t *testing.T) {
	sound := join(gzipped(t, "{\"a\":1}\n"), gzipped(t, "{\"b\":2}"))
	large := gzipped(t, string(randomBytes(newRand(), FirstBytes+100)))
	nothing := gzipped(t, "")
	p := NewProver()
	for _, object := range [][]byte{sound, large, nothing} {
		want := prove(t, NewProver(), object)
		for _, before := range [][]byte{
			nil, nothing, gzipped(t, "\n"), sound, large, sound[:20], large[:len(large)-8], changed(large, 100), []byte("text"),
		} {
			_, memoryErr := p.Gzip(before)
			_, streamErr := p.GzipStream(bytes.NewReader(before))
			if (memoryErr == nil) != (streamErr == nil) {
				t.Errorf("in memory: %v, as a stream: %v", memoryErr, streamErr)
			}
			if diff := cmp.Diff(want, prove(t, p, object), sameBytes); diff != "" {
				t.Errorf("after another object (-want +got):\n%s", diff)
			}
		}
	}
}

func TestProverDoesNotAllocate(t *testing.T) {
	p := NewProver()
	stored := join(logObject(t, 40_000), logObject(t, 40_000))
	r := bytes.NewReader(stored)
	for name, f := range map[string]func(){
		"memory": func() {
			if _, err := p.Gzip(stored); err != nil {
				t.Fatal(err)
			}
		},
		"stream": func() {
			r.Reset(stored)
			if _, err := p.GzipStream(r); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(20, f); n != 0 {
				t.Errorf("%v allocations for each object, want none", n)
			}
		})
	}
}

// A Prover's memory is what it says, whatever an object inflates to.
func TestProverMemory(t *testing.T) {
	large := gzipped(t, string(make([]byte, 50<<20)))
	allocated := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	var p *Prover
	for _, tt := range []struct {
		name       string
		f          func()
		limitBytes uint64
	}{
		{"in memory", func() {
			p = NewProver()
			if _, err := p.Gzip(large); err != nil {
				t.Error(err)
			}
		}, 210 << 10},
		{"as a stream", func() {
			if _, err := p.GzipStream(bytes.NewReader(large)); err != nil {
				t.Error(err)
			}
		}, 80 << 10},
	} {
		if n := allocated(tt.f); n > tt.limitBytes {
			t.Errorf("%s: %d bytes, want at most %d", tt.name, n, tt.limitBytes)
		}
	}
}

// TestEachData: the text as it was, and an error of whoever takes it ends the proof.
func TestEachData(t *testing.T) {
	object := append(logObject(t, 100_000), gzipped(t, "more\n")...)
	want, err := io.ReadAll(must(gzip.NewReader(bytes.NewReader(object))))
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	p := NewProver()
	p.EachData = func(b []byte) error {
		got = append(got, b...)
		return nil
	}
	if _, err := p.GzipStream(iotest.OneByteReader(bytes.NewReader(object))); err != nil || !bytes.Equal(got, want) {
		t.Errorf("stream: %d bytes, want %d; error %v", len(got), len(want), err)
	}
	got = nil
	if _, err := p.Gzip(object); err != nil || !bytes.Equal(got, want) {
		t.Errorf("memory: %d bytes, want %d; error %v", len(got), len(want), err)
	}
	enough := errors.New("enough")
	p.EachData = func([]byte) error { return enough }
	if _, err := p.Gzip(object); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
