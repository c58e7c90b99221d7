package singlegzip

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// Blocks made by hand, as strings of bits in the order of the stream: a block begins with BFINAL and two bits of BTYPE, the
// lower one first; codewords come with their highest bit first. What the last bits are is the point of these originals.
const (
	stored, fixed, dynamic = "00", "10", "01"

	fixedEnd = "0000000"
	fixedA   = "10010001"  // 'a', of 8 bits
	fixed144 = "110010000" // the byte 144, of 9 bits
)

// bits is bytes made of bits, the first one lowest; spaces do not count, and what is left of the last byte is 0.
func bits(s string) []byte {
	s = strings.ReplaceAll(s, " ", "")
	b := make([]byte, (len(s)+7)/8)
	for i, c := range s {
		if c == '1' {
			b[i/8] |= 1 << (i % 8)
		}
	}
	return b
}

// number is the n lowest bits of a number, in the order of the stream.
func number(v uint, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprint(&b, v>>i&1)
	}
	return b.String()
}

// emptyDynamic is a dynamic block that holds nothing: 256 symbols without a codeword, and the end.
func emptyDynamic(final string) string {
	s := final + dynamic + number(0, 5) + number(0, 5) + number(18-4, 4)
	lengths := []uint{0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2} // of 16, 17, 18, 0, … and 1 at last
	for _, length := range lengths {
		s += number(length, 3)
	}
	s += "0" + number(138-11, 7) + "0" + number(118-11, 7) // 18: as many zeros
	s += "11" + "10"                                       // the end has length 1, the one distance 0
	return s + "0"
}

// member is deflate data that inflates to data, between the header and a right trailer.
func member(header, deflate []byte, data string) []byte {
	b := append(bytes.Clone(header), deflate...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(data)))
	return binary.LittleEndian.AppendUint32(b, uint32(len(data)))
}

var plainHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// original is one of the originals that tests join.
type original struct {
	name   string
	stored []byte
}

// originals are of all kinds, and small but for a few.
func originals(t testing.TB) []original {
	random, logs := string(randomBytes(100_000)), logLines(2_000)
	full := gzip.Header{Name: "access.log", Comment: "rotated", Extra: []byte("AB\x02\x00xy"), OS: 3}
	withCRC := []byte{0x1f, 0x8b, 8, 1<<1 | 1<<3, 1, 2, 3, 4, 0, 3, 'n', 0}
	withCRC = binary.LittleEndian.AppendUint16(withCRC, uint16(crc32.ChecksumIEEE(withCRC)))
	none := gzip.Header{}
	hand := func(deflate []byte, data string) []byte { return member(plainHeader, deflate, data) }
	all := []original{
		{"log lines", gzipped(t, logs, 6, none)},
		{"log lines, best", gzipped(t, logs, 9, none)},
		{"no final newline", gzipped(t, "{}", 6, none)},
		{"klauspost", klauspost(t, logs, 1)},
		{"klauspost, best", klauspost(t, logs, 9)},
		{"klauspost, no compression", klauspost(t, logs, 0)},
		{"incompressible", gzipped(t, random, gzip.HuffmanOnly, none)},
		{"stored blocks", gzipped(t, random, gzip.NoCompression, none)},
		{"all header fields", gzipped(t, "{}\n", 6, full)},
		{"header CRC", member(withCRC, bits("1"+fixed+fixedA+fixedEnd), "a")},
		{"header of the greatest length that is kept", member(longHeader(64<<10), bits("1"+fixed+fixedEnd), "")},

		{"nothing", gzipped(t, "", 6, none)},
		{"empty last block, stored", hand([]byte{1, 0, 0, 0xff, 0xff}, "")},
		{"empty last block, fixed", hand(bits("1"+fixed+fixedEnd), "")},
		{"empty last block, dynamic", hand(bits(emptyDynamic("1")), "")},
		{"empty blocks of all kinds", hand(joinBytes(
			bits("0"+stored), []byte{0, 0, 0xff, 0xff},
			bits("0"+fixed+fixedEnd+emptyDynamic("0")+"0"+stored), []byte{0, 0, 0xff, 0xff},
			bits("1"+fixed+fixedEnd)), "")},
		{"empty last block, stored, behind data", hand(joinBytes(bits("0"+fixed+fixedA+fixedEnd+"1"+stored), []byte{0, 0, 0xff, 0xff}), "a")},
		{"empty last block, fixed, behind data", hand(bits("0"+fixed+fixedA+fixedEnd+"1"+fixed+fixedEnd), "a")},
		{"empty last block, dynamic, behind data", hand(bits("0"+fixed+fixedA+fixedEnd+emptyDynamic("1")), "a")},
		{"last block stored", hand([]byte{1, 3, 0, 0xfc, 0xff, 'a', 'b', '\n'}, "ab\n")},
		{"last block stored, its header in the byte before", hand(joinBytes(
			bits("0"+fixed+fixedA+fixedEnd+"1"+stored), []byte{3, 0, 0xfc, 0xff, 'x', 'y', '\n'}), "axy\n")},
		{"last block stored, its header over two bytes", hand(joinBytes(
			bits("0"+fixed+fixedA+fixed144+fixed144+fixed144+fixedEnd+"1"+stored), []byte{3, 0, 0xfc, 0xff, 'x', 'y', '\n'}), "a\x90\x90\x90xy\n")},
		{"last block stored, bits set in front of its length", hand(joinBytes(
			bits("0"+fixed+fixedEnd+"1"+stored+"111"), []byte{1, 0, 0xfe, 0xff, 'a'}), "a")},
	}
	for n := range 8 { // the deflate data ends at each bit of a byte, with all that may be left of it
		end := "1" + fixed + strings.Repeat(fixed144, n) + fixedEnd
		left := -len(end) & 7
		for padding := range uint(1) << left {
			all = append(all, original{fmt.Sprintf("%d bits left of the last byte, %b", left, padding), hand(bits(end+number(padding, left)), strings.Repeat("\x90", n))})
		}
	}
	one, two, nothing := gzipped(t, "{\"a\":1}\n", 6, full), klauspost(t, "{\"b\":2}", 9), gzipped(t, "", 6, none)
	return append(all,
		original{"two members", joinBytes(one, two)},
		original{"members of nothing", joinBytes(nothing, nothing)},
		original{"members of nothing around one", joinBytes(nothing, two, nothing)},
		original{"members of all the kinds above", func() (b []byte) {
			for _, o := range all {
				b = append(b, o.stored...)
			}
			return b
		}()},
	)
}

// longHeader is a header of n bytes with an extra field, of which the standard library reads more than of a name.
func longHeader(n int) []byte {
	h := bytes.Clone(plainHeader)
	h[3] = 1 << 2
	h = binary.LittleEndian.AppendUint16(h, uint16(n-len(h)-2))
	return append(h, make([]byte, n-len(h))...)
}
