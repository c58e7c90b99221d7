package scan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// Eight bytes at a time: a word holds one byte in each of its lanes.
const (
	lanes    = 0x0101010101010101
	highBits = 0x8080808080808080
)

func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }

// specialIn marks, in the high bit of each lane, the bytes that end a run of
// plain text in a string: a quote, a backslash, a control character or the
// beginning of a character beyond ASCII. Only the lowest mark is exact: a borrow
// out of a marked lane may mark the one above it.
func specialIn(w uint64) uint64 {
	quote := (w ^ '"'*lanes) - lanes
	escape := (w ^ '\\'*lanes) - lanes
	control := w - ' '*lanes
	return (quote | escape | control | w) & highBits
}

// isPlain says of a byte that it ends no run of plain text.
func isPlain(c byte) bool { return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' }

// text reads a string from behind its opening quote. end is the index of the
// closing quote, or failed.
func (s *Scanner) text(b []byte, i int) (end int, escaped bool) {
	for {
		for {
			if i > len(b)-8 {
				for i < len(b) && isPlain(b[i]) {
					i++
				}
				break
			}
			if special := specialIn(word(b, i)); special != 0 {
				i += bits.TrailingZeros64(special) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return s.cut(len(b)), false
		}
		switch c := b[i]; {
		case c == '"':
			return i, escaped
		case c >= utf8.RuneSelf:
			if i = s.beyondASCII(b, i); i < 0 {
				return failed, false
			}
		case c == '\\':
			escaped = true
			if i = s.escape(b, i); i < 0 {
				return failed, false
			}
		default:
			return s.invalid(b, i, "in string"), false
		}
	}
}

// beyondASCII reads characters of more than one byte.
func (s *Scanner) beyondASCII(b []byte, i int) int {
	for i < len(b) && b[i] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(b[i:]) {
				return s.cut(len(b))
			}
			s.fault = fault{kind: encoding, at: i, detail: "invalid UTF-8"}
			return failed
		}
		i += n
	}
	return i
}

const unicodeEscape = len(`\u0000`)

// escape reads an escape sequence (RFC 8259 section 7). Of two that stand for
// the halves of a surrogate pair it reads both; half a pair is not valid.
func (s *Scanner) escape(b []byte, i int) int {
	if i+1 >= len(b) {
		return s.cut(len(b))
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return s.malformed(i, "invalid escape sequence")
	}
	first, n := hex4(b, i)
	switch {
	case n == unicodeEscape && !utf16.IsSurrogate(first):
		return i + n
	case n < unicodeEscape && i+n >= len(b):
		return s.cut(len(b))
	case n < unicodeEscape || first >= lowSurrogate:
		return s.malformed(i, "invalid escape sequence")
	}
	second, n := hex4(b, i+unicodeEscape)
	switch {
	case n == unicodeEscape && second >= lowSurrogate && second < afterSurrogates:
		return i + 2*unicodeEscape
	case n < unicodeEscape && i+unicodeEscape+n >= len(b):
		// More text may make it one, if its first digits are right.
		missing := 4 * min(unicodeEscape-n, 4)
		if second<<missing < afterSurrogates && (second+1)<<missing > lowSurrogate {
			return s.cut(len(b))
		}
	}
	return s.malformed(i, "half a surrogate pair")
}

// The halves of a surrogate pair: the second lies from lowSurrogate up to
// afterSurrogates.
const (
	lowSurrogate    = 0xdc00
	afterSurrogates = 0xe000
)

// hex4 reads \u0000 at b[i]; n is how much of it is as it must be.
func hex4(b []byte, i int) (r rune, n int) {
	for ; n < unicodeEscape && i+n < len(b); n++ {
		switch c := b[i+n]; {
		case n == 0 && c == '\\', n == 1 && c == 'u':
		case n < 2:
			return 0, n
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, n
		}
	}
	return r, n
}

// appendUnescaped appends what stands between the quotes of a valid string.
func appendUnescaped(dst, inner []byte) []byte {
	for i := 0; i < len(inner); {
		start := i
		for i < len(inner) && inner[i] != '\\' {
			i++
		}
		dst = append(dst, inner[start:i]...)
		if i == len(inner) {
			break
		}
		switch c := inner[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(inner, i)
			if utf16.IsSurrogate(r) {
				i += unicodeEscape
				second, _ := hex4(inner, i)
				r = utf16.DecodeRune(r, second)
			}
			dst = utf8.AppendRune(dst, r)
			i += unicodeEscape
			continue
		default: // a quote, a backslash or a slash
			dst = append(dst, c)
		}
		i += 2
	}
	return dst
}

// isSpace is white space in JSON (RFC 8259 section 2).
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// space skips white space; it may return len(b). Where rows are lines, a line
// feed is none.
func (s *Scanner) space(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) && (b[i] != '\n' || s.options.Layout != schema.LayoutLines) {
		i++
	}
	return i
}
