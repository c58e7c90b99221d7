package expr

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func buildLower(c *checker, s *syntax, args []*node) (*node, error) {
	return writing(args, func(dst []byte, v []vector, i int) ([]byte, *value.Bad) {
		return appendMapped(dst, v[0].text(i), 'A', 'Z', unicode.ToLower), nil
	}), c.want(s, args, "s")
}

func buildUpper(c *checker, s *syntax, args []*node) (*node, error) {
	return writing(args, func(dst []byte, v []vector, i int) ([]byte, *value.Bad) {
		return appendMapped(dst, v[0].text(i), 'a', 'z', unicode.ToUpper), nil
	}), c.want(s, args, "s")
}

// appendMapped changes the case of ASCII letters from first to last, and of
// other characters by a table.
func appendMapped(dst, text []byte, first, last byte, table func(rune) rune) []byte {
	start := len(dst)
	dst = append(dst, text...)
	for i, c := range dst[start:] {
		switch {
		case c >= utf8.RuneSelf:
			dst = dst[:start+i]
			for rest := text[i:]; len(rest) > 0; {
				r, size := utf8.DecodeRune(rest)
				dst, rest = utf8.AppendRune(dst, table(r)), rest[size:]
			}
			return dst
		case c >= first && c <= last:
			dst[start+i] = c ^ ' '
		}
	}
	return dst
}

func buildConcat(c *checker, s *syntax, args []*node) (*node, error) {
	if err := c.want(s, args, "s"); err != nil {
		return nil, err
	}
	return writing(args, func(dst []byte, v []vector, i int) ([]byte, *value.Bad) {
		start := len(dst)
		for k := range v {
			b := v[k].text(i)
			if len(dst)-start+len(b) > maxValueBytes {
				return dst, tooLongText
			}
			dst = append(dst, b...)
		}
		return dst, nil
	}), nil
}

func buildLength(c *checker, s *syntax, args []*node) (*node, error) {
	return counting(integer, args, func(v []vector, i int) (int64, *value.Bad) {
		return int64(utf8.RuneCount(v[0].text(i))), nil
	}), c.want(s, args, "s")
}

// buildSubstr is the part of [start, start+length) that the string has. A
// negative start counts from the end, as in Trino, Spark and DuckDB; one before
// the string's beginning counts, as in DuckDB, so substr('abc', 0, 2) is 'a'.
func buildSubstr(c *checker, s *syntax, args []*node) (*node, error) {
	return slicing(args, func(b []byte, v []vector, i int) (int, int, bool, *value.Bad) {
		size := int64(len(b)) // no fewer than its characters
		given := v[1].ints[i&v[1].mask]
		if given < 0 {
			given += int64(utf8.RuneCount(b)) + 1
		}
		start := max(-size-1, min(given, size+1))
		end := size + 1
		if len(v) == 3 {
			length := v[2].ints[i&v[2].mask]
			if length < 0 {
				return 0, 0, false, value.NewBad(value.ReasonRange, "substr with a length of %d", length)
			}
			// The start as it was given counts, so that a far negative one leaves nothing.
			if given < start {
				length = max(0, length-min(length, start-given))
			}
			end = min(end, start+min(length, 2*size+2))
		}
		from := characters(b, start-1)
		to := from + characters(b[from:], max(end, start)-max(start, 1))
		return from, max(from, to), true, nil
	}), c.want(s, args, "si")
}

// characters is the length in bytes of the first n characters.
func characters(b []byte, n int64) int {
	i := 0
	for ; n > 0 && i < len(b); n-- {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return i
}

// buildSplitPart: past the last part it is null, as in Trino.
func buildSplitPart(c *checker, s *syntax, args []*node) (*node, error) {
	return slicing(args, func(b []byte, v []vector, i int) (from, to int, ok bool, bad *value.Bad) {
		delimiter, n := v[1].text(i), v[2].ints[i&v[2].mask]
		if n < 1 || len(delimiter) == 0 {
			return 0, 0, false, badSplitPart
		}
		for {
			end := bytes.Index(b[from:], delimiter)
			switch {
			case n == 1 && end < 0:
				return from, len(b), true, nil
			case n == 1:
				return from, from + end, true, nil
			case end < 0:
				return 0, 0, false, nil
			}
			from += end + len(delimiter)
			n--
		}
	}), c.want(s, args, "ssi")
}

var badSplitPart = value.NewBad(value.ReasonRange, "split_part counts from 1 and needs a delimiter")

// trimmer takes white space, or the characters of the second argument, off the
// beginning and the end.
func trimmer(left, right bool) func(*checker, *syntax, []*node) (*node, error) {
	return func(c *checker, s *syntax, args []*node) (*node, error) {
		return slicing(args, func(b []byte, v []vector, i int) (int, int, bool, *value.Bad) {
			var set []byte
			if len(v) == 2 {
				set = v[1].text(i)
			}
			from, to := 0, len(b)
			for left && from < to {
				r, size := utf8.DecodeRune(b[from:])
				if !trims(r, set, len(v) == 2) {
					break
				}
				from += size
			}
			for right && from < to {
				r, size := utf8.DecodeLastRune(b[from:to])
				if !trims(r, set, len(v) == 2) {
					break
				}
				to -= size
			}
			return from, to, true, nil
		}), c.want(s, args, "s")
	}
}

func trims(r rune, set []byte, given bool) bool {
	if given {
		return bytes.ContainsRune(set, r)
	}
	return unicode.IsSpace(r)
}

// buildReplace replaces each occurrence; without a replacement it takes them out.
func buildReplace(c *checker, s *syntax, args []*node) (*node, error) {
	return writing(args, func(dst []byte, v []vector, i int) ([]byte, *value.Bad) {
		b, search, replacement := v[0].text(i), v[1].text(i), []byte(nil)
		if len(v) == 3 {
			replacement = v[2].text(i)
		}
		if len(search) == 0 {
			return append(dst, b...), nil
		}
		if len(replacement) > len(search) && bytes.Count(b, search)*(len(replacement)-len(search))+len(b) > maxValueBytes {
			return dst, tooLongText
		}
		for {
			at := bytes.Index(b, search)
			if at < 0 {
				return append(dst, b...), nil
			}
			dst = append(append(dst, b[:at]...), replacement...)
			b = b[at+len(search):]
		}
	}), c.want(s, args, "s")
}

func buildStartsWith(c *checker, s *syntax, args []*node) (*node, error) {
	return predicate(args, func(v []vector, i int) bool { return bytes.HasPrefix(v[0].text(i), v[1].text(i)) }), c.want(s, args, "s")
}

// buildStrpos is where the first occurrence begins, 0 if there is none.
func buildStrpos(c *checker, s *syntax, args []*node) (*node, error) {
	return counting(integer, args, func(v []vector, i int) (int64, *value.Bad) {
		b := v[0].text(i)
		at := bytes.Index(b, v[1].text(i))
		if at < 0 {
			return 0, nil
		}
		return int64(utf8.RuneCount(b[:at])) + 1, nil
	}), c.want(s, args, "s")
}

// buildURLDecode undoes percent-encoding, and takes + for a space, as forms
// and query strings are written (application/x-www-form-urlencoded).
func buildURLDecode(c *checker, s *syntax, args []*node) (*node, error) {
	return writing(args, func(dst []byte, v []vector, i int) ([]byte, *value.Bad) {
		b := v[0].text(i)
		start := len(dst)
		for k := 0; k < len(b); k++ {
			switch b[k] {
			case '+':
				dst = append(dst, ' ')
			case '%':
				if k+2 >= len(b) || !isHex(b[k+1]) || !isHex(b[k+2]) {
					return dst, value.NewBad(value.ReasonSyntax, "a percent sign without two hexadecimal digits at byte %d", k)
				}
				dst = append(dst, hexDigit(b[k+1])<<4|hexDigit(b[k+2]))
				k += 2
			default:
				dst = append(dst, b[k])
			}
		}
		if !utf8.Valid(dst[start:]) {
			return dst, value.NewBad(value.ReasonSyntax, "what is decoded is not UTF-8")
		}
		return dst, nil
	}), c.want(s, args, "s")
}

func isHex(c byte) bool { return isDigit(c) || c|' ' >= 'a' && c|' ' <= 'f' }

func hexDigit(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | ' ' - 'a' + 10
}
