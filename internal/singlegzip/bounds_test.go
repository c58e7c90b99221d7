package singlegzip

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/validate"
)

// The record as it is in receipts, and its size for an original of one gzip member.
func TestRecordJSON(t *testing.T) {
	out := joined(t, member(plainHeader, bits("1"+fixed+fixedA+fixedEnd), "a"), threeMembers())
	for i, want := range []string{
		`[{"header":"H4sIAAAAAAAA/w==","final_bit":0,"bits":18,"crc32":3904355907,"isize":1}]`,
		`[{"header":"H4sIAAAAAAAA/w==","final_bit":0,"bits":18,"padding":21,"crc32":3904355907,"isize":1},` +
			`{"header":"H4sIAAAAAAAA/w==","final_bit":0,"bits":55,"padding":1,"crc32":3594096647,"isize":5},` +
			`{"header":"H4sIAAAAAAAA/w==","final_bit":0,"bits":56,"crc32":3265866552,"isize":2}]`,
	} {
		pieces := out.originals[i].Pieces
		got := marshal(t, pieces)
		if got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
		if len(got) > pieces.RecordBytes() {
			t.Errorf("%d bytes, said to be at most %d", len(got), pieces.RecordBytes())
		}
		var again Pieces
		if err := json.Unmarshal([]byte(got), &again); err != nil || !cmp.Equal(pieces, again) {
			t.Errorf("read again: %v, %v", again, err)
		}
	}
}

// The longest numbers stay below RecordBytes.
func TestRecordBytes(t *testing.T) {
	for _, headerBytes := range []int{10, 11, 12, 13, 1000} {
		pieces := Pieces{{Header: make([]byte, headerBytes), FinalBit: maxBits, Bits: maxBits, Padding: 127, CRC32: 1<<32 - 1, ISIZE: 1<<32 - 1}}
		if got := len(marshal(t, pieces)); got > pieces.RecordBytes() {
			t.Errorf("%d bytes, said to be at most %d", got, pieces.RecordBytes())
		}
	}
}

// What would need too large a record is told from what is broken, and both from what is sound.
func TestProveRefusesLargeRecords(t *testing.T) {
	nothing := member(plainHeader, bits("1"+fixed+fixedEnd), "")
	most := MaxRecordBytes / recordBytes(len(plainHeader))
	many := bytes.Repeat(nothing, most)
	long := func(n int) []byte { return member(longName(n), bits("1"+fixed+fixedEnd), "") }
	for _, tt := range []struct {
		name   string
		stored []byte
		reason validate.Reason
		offset int
	}{
		{"as many members as may be", many, "", 0},
		{"one member more", joinBytes(many, nothing), ReasonTooManyMembers, len(many)},
		{"one more, and trailing bytes", joinBytes(many, nothing, []byte("x")), validate.ReasonTrailingBytes, len(many) + len(nothing)},
		{"a long header", long(validate.HeaderBytes), "", 0},
		{"a header that is too long", joinBytes(nothing, long(validate.HeaderBytes+1)), ReasonTooManyMembers, len(nothing)},
		{"many long headers", bytes.Repeat(long(validate.HeaderBytes), MaxRecordBytes/validate.HeaderBytes), ReasonTooManyMembers, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := validate.NewProver()
			for _, stream := range []bool{false, true} {
				var pieces Pieces
				var err error
				if stream {
					_, pieces, err = ProveStream(p, bytes.NewReader(tt.stored))
				} else {
					_, pieces, err = Prove(p, tt.stored)
				}
				var flaw *validate.GzipError
				switch {
				case tt.reason == "":
					if err != nil || pieces.Check() != nil || pieces.OriginalBytes() != int64(len(tt.stored)) || pieces.RecordBytes() > MaxRecordBytes {
						t.Errorf("%d pieces, %v", len(pieces), err)
					}
				case !errors.As(err, &flaw) || flaw.Reason != tt.reason || tt.offset >= 0 && flaw.Offset != int64(tt.offset) || pieces != nil:
					t.Errorf("%d pieces, %v, want %s at byte %d", len(pieces), err, tt.reason, tt.offset)
				}
			}
		})
	}
}

// longName is a header of n bytes with a name.
func longName(n int) []byte {
	h := bytes.Clone(plainHeader)
	h[3] = 1 << 3
	h = append(h, strings.Repeat("n", n-len(h)-1)...)
	return append(h, 0)
}

// chunks is a gzip object of so many times 1 MiB of zeros and 5 bytes more, read from nowhere.
func chunks(t testing.TB, n int) (stored io.Reader, uncompressedBytes int64, crc uint32) {
	t.Helper()
	const chunk, rest = 1 << 20, 5
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(make([]byte, chunk))
	if err = errors.Join(err, w.Flush()); err != nil { // ends on a whole byte, so that it can be repeated
		t.Fatal(err)
	}
	parts := []io.Reader{bytes.NewReader(plainHeader)}
	one := crc32.ChecksumIEEE(make([]byte, chunk))
	for range n {
		parts = append(parts, bytes.NewReader(deflated.Bytes()))
		crc = validate.CombineCRC32(crc, one, chunk)
	}
	crc = validate.CombineCRC32(crc, crc32.ChecksumIEEE(make([]byte, rest)), rest)
	uncompressedBytes = int64(n)*chunk + rest
	end := []byte{1, rest, 0, 0xff - rest, 0xff, 0, 0, 0, 0, 0} // a final stored block
	end = binary.LittleEndian.AppendUint32(end, crc)
	end = binary.LittleEndian.AppendUint32(end, uint32(uncompressedBytes))
	return io.MultiReader(append(parts, bytes.NewReader(end))...), uncompressedBytes, crc
}

// More data than a trailer can count: 2^32 bytes and some, twice.
func TestLengthWraps(t *testing.T) {
	stored, uncompressed, crc := chunks(t, 1<<12)
	g, pieces, err := ProveStream(validate.NewProver(), stored)
	if err != nil || g.UncompressedBytes != uncompressed || pieces[0].ISIZE != 5 || pieces[0].CRC32 != crc {
		t.Fatalf("%+v, %+v, %v", g, pieces, err)
	}
	j := NewJoiner()
	var out validate.Joined
	Begin(&out)
	for range 2 {
		stored, _, _ := chunks(t, 1<<12)
		j.Reset(stored, g, pieces)
		if n, err := io.Copy(io.Discard, j); err != nil || n != pieces.JoinedBytes() {
			t.Fatalf("%d bytes, %v, want %d", n, err, pieces.JoinedBytes())
		}
		out.Add(j.Joined())
	}
	end := Finish(&out)
	if got := binary.LittleEndian.Uint32(end[len(end)-4:]); got != 10 {
		t.Errorf("ISIZE %d, want 10", got)
	}
	if got, want := binary.LittleEndian.Uint32(end[len(end)-8:]), validate.CombineCRC32(crc, crc, uncompressed); got != want {
		t.Errorf("CRC-32 %#x, want %#x", got, want)
	}
}

// Memory does not depend on what an original is, and warm there is nothing to allocate.
func TestMemory(t *testing.T) {
	stored := gzipped(t, string(randomBytes(8<<20)), 0, header(""))
	p, j, r := validate.NewProver(), NewJoiner(), NewRestorer()
	_, pieces, err := Prove(p, stored)
	if err != nil {
		t.Fatal(err)
	}
	proof := validate.Gzip{SizeBytes: int64(len(stored)), CRC64: validate.CRC64(stored)}
	out := joined(t, stored)
	from, whole := bytes.NewReader(nil), out.bytes[out.offsets[0]:][:pieces.JoinedBytes()]
	var discard io.Writer = struct{ io.Writer }{io.Discard} // which does not read by itself
	buf := make([]byte, bufferBytes)
	for name, f := range map[string]func() error{
		"join": func() error {
			from.Reset(stored)
			j.Reset(from, proof, pieces)
			_, err := io.CopyBuffer(discard, j, buf)
			return err
		},
		"restore": func() error {
			from.Reset(whole)
			r.Reset(from, proof.SizeBytes, proof.CRC64, pieces)
			_, err := io.CopyBuffer(discard, r, buf)
			return err
		},
	} {
		if n := testing.AllocsPerRun(2, func() {
			if err := f(); err != nil {
				t.Fatal(name, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := out.verify(bytes.NewReader(out.bytes)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 512<<10 {
		t.Errorf("verify allocates %d bytes", n)
	}
}
