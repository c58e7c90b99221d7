package s3store

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlScanner reads XML from front to back.
type xmlScanner struct {
	b     []byte
	i     int    // the next byte
	texts []byte // those that do not stand in b as they are
}

var errXMLCut = errors.New("the answer ends too early")

// root finds the first element. Names are without their namespace's prefix.
func (x *xmlScanner) root() (name []byte, empty bool, err error) {
	x.i = len(x.b) - len(bytes.TrimPrefix(x.b, []byte("\xef\xbb\xbf")))
	if name, empty, err = x.child(nil); err == nil && name == nil {
		err = errXMLCut
	}
	return name, empty, err
}

// end says what stands behind the root that should not.
func (x *xmlScanner) end() error {
	if name, _, err := x.child(nil); err != nil {
		return err
	} else if name != nil {
		return fmt.Errorf("the answer goes on with %.60q behind its end", name)
	}
	return nil
}

// child finds the next element within parent, or, at parent's end tag, nil.
// Without a parent it may also be the end of the answer. Only white space,
// comments and instructions may stand before it.
func (x *xmlScanner) child(parent []byte) (name []byte, empty bool, err error) {
	for {
		for x.i < len(x.b) && isXMLSpace(x.b[x.i]) {
			x.i++
		}
		if x.i == len(x.b) {
			if parent == nil {
				return nil, false, nil
			}
			return nil, false, errXMLCut
		}
		if x.b[x.i] != '<' {
			return nil, false, fmt.Errorf("text where an element is expected: %.60q", x.b[x.i:])
		}
		rest := x.b[x.i:]
		switch {
		case len(rest) == 1:
			return nil, false, errXMLCut
		case rest[1] == '/' && parent == nil:
			return nil, false, fmt.Errorf("an end without a beginning: %.60q", rest)
		case rest[1] == '/':
			return nil, false, x.close(parent)
		case rest[1] == '?':
			err = x.past("?>")
		case bytes.HasPrefix(rest, []byte("<!--")):
			err = x.past("-->")
		case rest[1] == '!':
			err = fmt.Errorf("a declaration, which no answer of S3 has: %.60q", rest)
		default:
			return x.open()
		}
		if err != nil {
			return nil, false, err
		}
	}
}

// past goes behind the next mark.
func (x *xmlScanner) past(mark string) error {
	n := bytes.Index(x.b[x.i:], []byte(mark))
	if n < 0 {
		return errXMLCut
	}
	x.i += n + len(mark)
	return nil
}

// open reads a start tag.
func (x *xmlScanner) open() (name []byte, empty bool, err error) {
	start := x.i + 1
	i := start
	for i < len(x.b) && !isXMLSpace(x.b[i]) && x.b[i] != '>' && x.b[i] != '/' && x.b[i] != '<' {
		i++
	}
	name = localName(x.b[start:i])
	if len(name) == 0 {
		return nil, false, fmt.Errorf("an element without a name: %.60q", x.b[x.i:])
	}
	for ; i < len(x.b); i++ { // attributes
		switch x.b[i] {
		case '>':
			x.i = i + 1
			return name, x.b[i-1] == '/', nil
		case '"', '\'':
			n := bytes.IndexByte(x.b[i+1:], x.b[i])
			if n < 0 {
				return nil, false, errXMLCut
			}
			i += n + 1
		case '<':
			return nil, false, fmt.Errorf("an element within a tag: %.60q", x.b[x.i:])
		}
	}
	return nil, false, errXMLCut
}

// close reads the end tag of the element.
func (x *xmlScanner) close(element []byte) error {
	if end := x.i + 2 + len(element); end < len(x.b) && x.b[end] == '>' && string(x.b[x.i+2:end]) == string(element) {
		x.i = end + 1
		return nil
	}
	n := bytes.IndexByte(x.b[x.i:], '>')
	if n < 0 {
		return errXMLCut
	}
	if name := localName(bytes.TrimRight(x.b[x.i+2:x.i+n], " \t\r\n")); !bytes.Equal(name, element) {
		return fmt.Errorf("the end of %.60q where %.60q is open", name, element)
	}
	x.i += n + 1
	return nil
}

// maxXMLDepth bounds the nesting of elements that are skipped; S3's have three.
const maxXMLDepth = 32

// skip reads over an element's content and end.
func (x *xmlScanner) skip(element []byte) error {
	open := append(make([][]byte, 0, 4), element)
	for len(open) > 0 {
		n := bytes.IndexByte(x.b[x.i:], '<')
		if n < 0 {
			return errXMLCut
		}
		x.i += n
		if bytes.HasPrefix(x.b[x.i:], []byte("<![CDATA[")) {
			if err := x.past("]]>"); err != nil {
				return err
			}
			continue
		}
		name, empty, err := x.child(open[len(open)-1])
		switch {
		case err != nil:
			return err
		case name == nil:
			open = open[:len(open)-1]
		case !empty:
			if open = append(open, name); len(open) > maxXMLDepth {
				return fmt.Errorf("elements nested deeper than %d", maxXMLDepth)
			}
		}
	}
	return nil
}

// text reads the character data of an element without children, and its end.
// It is a part of the answer unless it has entities, CDATA or comments.
func (x *xmlScanner) text(element []byte) ([]byte, error) {
	n := bytes.IndexByte(x.b[x.i:], '<')
	if n < 0 {
		return nil, errXMLCut
	}
	t := x.b[x.i : x.i+n]
	if bytes.HasPrefix(x.b[x.i+n:], []byte("</")) && bytes.IndexByte(t, '&') < 0 && bytes.IndexByte(t, '\r') < 0 {
		x.i += n
		return t, x.close(element)
	}
	from := len(x.texts)
	for {
		n := bytes.IndexByte(x.b[x.i:], '<')
		if n < 0 {
			return nil, errXMLCut
		}
		var err error
		if x.texts, err = appendText(x.texts, x.b[x.i:x.i+n]); err != nil {
			return nil, err
		}
		x.i += n
		rest := x.b[x.i:]
		switch {
		case bytes.HasPrefix(rest, []byte("</")):
			return x.texts[from:len(x.texts):len(x.texts)], x.close(element)
		case bytes.HasPrefix(rest, []byte("<!--")):
			err = x.past("-->")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			data := x.i + len("<![CDATA[")
			if err = x.past("]]>"); err == nil {
				x.texts = appendLines(x.texts, x.b[data:x.i-len("]]>")])
			}
		default:
			err = fmt.Errorf("an element within %.60q: %.60q", element, rest)
		}
		if err != nil {
			return nil, err
		}
	}
}

// appendText appends character data with its entities replaced.
// Source: Extensible Markup Language 1.0, sections 4.1 and 4.6.
func appendText(out, t []byte) ([]byte, error) {
	for {
		n := bytes.IndexByte(t, '&')
		if n < 0 {
			return appendLines(out, t), nil
		}
		out = appendLines(out, t[:n])
		t = t[n+1:]
		end := bytes.IndexByte(t, ';')
		if end < 0 {
			return out, fmt.Errorf("an entity without an end: %.60q", t)
		}
		switch name := t[:end]; string(name) {
		case "amp":
			out = append(out, '&')
		case "lt":
			out = append(out, '<')
		case "gt":
			out = append(out, '>')
		case "quot":
			out = append(out, '"')
		case "apos":
			out = append(out, '\'')
		default:
			r, err := character(string(name))
			if err != nil {
				return out, err
			}
			out = utf8.AppendRune(out, r)
		}
		t = t[end+1:]
	}
}

// character is what a reference such as #8364 or #x20AC stands for.
func character(name string) (rune, error) {
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		return 0, fmt.Errorf("the entity &%.60s; is none of XML's own", name)
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	r, err := strconv.ParseUint(digits, base, 21)
	if err != nil || !utf8.ValidRune(rune(r)) {
		return 0, fmt.Errorf("the entity &%.60s; is no character", name)
	}
	return rune(r), nil
}

// appendLines appends text with its line ends as XML wants them read.
// Source: Extensible Markup Language 1.0, section 2.11.
func appendLines(out, t []byte) []byte {
	if bytes.IndexByte(t, '\r') < 0 {
		return append(out, t...)
	}
	for i, c := range t {
		if c == '\r' {
			if i+1 < len(t) && t[i+1] == '\n' {
				continue
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return out
}

func localName(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

func isXMLSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
