package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Content is what the objects that are joined must hold.
type Content string

const (
	ContentNDJSON Content = "ndjson" // JSON objects, each closed on the line where it begins
	ContentLines  Content = "lines"  // text lines of any kind, without header lines
)

// ParseContent reads a Content by its name.
func ParseContent(name string) (Content, error) {
	switch c := Content(name); c {
	case ContentNDJSON, ContentLines:
		return c, nil
	}
	return "", fmt.Errorf("unknown content %q: use %s or %s", name, ContentNDJSON, ContentLines)
}

// CheckContent says whether the beginning of a proven object, g.First, is of the content c. An object without
// uncompressed bytes is of any content. What is refused is a [*GzipError] with [ReasonFormat].
//
// NDJSON: the first line that is not blank must be one or more JSON objects side by side and nothing else, each closed on
// that line. Where the line is longer than g.First, what is seen of it must be the beginning of that. Names may repeat
// and strings may hold bytes that are not UTF-8: joining keeps records as they are.
//
// Lines: text without NUL bytes. The first line that is not blank must not be a comment or header (it begins with '#'),
// markup ('<', but not the "<13>" of a syslog line) or a JSON document that goes on after it. That a line is a header
// because all objects begin with it shows only from many objects: see [FirstLine].
//
// Neither may begin with a byte order mark, which would end up in the middle of a joined object, nor be an archive.
func CheckContent(c Content, g Gzip) error {
	if _, err := ParseContent(string(c)); err != nil {
		return err
	}
	if g.UncompressedBytes == 0 {
		return nil
	}
	if what := foreignFormat(g.First); what != "" {
		return formatError(0, "%s", what)
	}
	if c == ContentLines {
		return checkLines(g)
	}
	return checkNDJSON(g)
}

// jsonSpace is the white space of JSON (RFC 8259 section 2), line ends included.
const jsonSpace = " \t\r\n"

// firstLine is the first line of g.First that is not blank, from its first byte that is not white space to its newline, if
// that is there; its offset in the uncompressed data; and whether all of it is in g.First.
func firstLine(g Gzip) (line []byte, offset int64, whole bool) {
	line = bytes.TrimLeft(g.First, jsonSpace)
	offset = int64(len(g.First) - len(line))
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		return line[:end+1], offset, true
	}
	return line, offset, int64(len(g.First)) == g.UncompressedBytes
}

// FirstLine is the first line of a proven object that is not blank, without white space around it, and whether all of it
// is in g.First. It is part of g.First. A line that many objects begin with is a header.
func FirstLine(g Gzip) (line []byte, whole bool) {
	line, _, whole = firstLine(g)
	return bytes.TrimRight(line, jsonSpace), whole
}

func checkNDJSON(g Gzip) error {
	line, offset, whole := firstLine(g)
	if len(line) == 0 {
		return formatError(offset, "white space where a JSON object should be")
	}
	switch line[0] {
	case '{':
	case '[':
		return formatError(offset, "a JSON array, not one JSON object a line")
	case '<':
		return formatError(offset, "markup (HTML or XML), not JSON objects")
	default:
		return formatError(offset, "begins with %q, not with a JSON object", line[0])
	}

	dec := newLineDecoder(line)
	for {
		kind := dec.PeekKind()
		if kind != '{' && kind != jsontext.KindInvalid {
			return formatError(offset+dec.InputOffset(), "a JSON %s after the JSON object on the first line", kind)
		}
		switch err := dec.SkipValue(); {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF) && !whole:
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return formatError(offset, "the JSON object is not closed on its first line")
		default:
			return syntaxError(offset, err)
		}
	}
}

func checkLines(g Gzip) error {
	if at := bytes.IndexByte(g.First, 0); at >= 0 {
		return formatError(int64(at), "a NUL byte, so not text")
	}
	line, offset, whole := firstLine(g)
	if len(line) == 0 {
		return nil
	}
	switch line[0] {
	case '#':
		return formatError(offset, "the first line is a header: it begins with '#'")
	case '<':
		if len(line) == 1 || line[1] < '0' || line[1] > '9' { // no name of an element begins with a digit
			return formatError(offset, "markup (HTML or XML), not lines")
		}
	case '{', '[':
		// Text lines may begin like this too ("[2024-05-01 …"): only what JSON would go on after the line is refused.
		if err := newLineDecoder(line).SkipValue(); whole && errors.Is(err, io.ErrUnexpectedEOF) {
			return formatError(offset, "a JSON document of several lines, not lines")
		}
	}
	return nil
}

// newLineDecoder reads JSON directly from a line.
func newLineDecoder(line []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(line), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// foreignFormat names what data is if its first bytes are those of something that is no text to be joined.
func foreignFormat(data []byte) string {
	const tarMagicOffset = 257 // POSIX.1-1988 ustar header, also in pax and GNU archives
	if len(data) > tarMagicOffset && bytes.HasPrefix(data[tarMagicOffset:], []byte("ustar")) {
		return "a tar archive"
	}
	for _, f := range []struct{ magic, what string }{
		{"\xef\xbb\xbf", "begins with a byte order mark"},
		{"\xff\xfe", "begins with a byte order mark of UTF-16"},
		{"\xfe\xff", "begins with a byte order mark of UTF-16"},
		{"PK\x03\x04", "a zip archive"},
		{"PK\x05\x06", "a zip archive"},
		{"\x1f\x8b", "compressed twice: gzip inside gzip"},
	} {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return f.what
		}
	}
	return ""
}

func formatError(offset int64, format string, args ...any) error {
	return &GzipError{ReasonFormat, offset, fmt.Sprintf(format, args...)}
}

// syntaxError keeps the place and the rule of a JSON error, not the names and values around it.
func syntaxError(offset int64, err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return formatError(offset+syntactic.ByteOffset, "the first line is not JSON: %v", syntactic.Err)
	}
	return formatError(offset, "the first line is not JSON: %v", err)
}
