package inventory

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// csvReader reads records of RFC 4180 into memory that the next record uses
// again. Blank lines are skipped, a field without quotes ends at the next
// comma, and a line break inside quotes is read as "\n".
type csvReader struct {
	r      *bufio.Reader
	line   int64 // that the record began on
	next   int64 // lines read so far
	text   []byte
	data   []byte // the fields' contents, one after the other
	ends   []int
	fields [][]byte
}

// maxRecordBytes bounds the memory of one record. A key has at most 1,024
// bytes, 3,072 when each is URL-encoded.
const maxRecordBytes = 1 << 20

var errQuote = errors.New(`a quote (") at a place where CSV has none`)

func newCSVReader(r io.Reader) *csvReader {
	return &csvReader{r: bufio.NewReaderSize(r, 256<<10)}
}

// read returns the fields of the next record, io.EOF after the last. They are
// valid until the next call. An error names the line.
func (c *csvReader) read() ([][]byte, error) {
	for {
		line, err := c.readLine()
		if err != nil {
			return nil, err
		}
		c.line = c.next
		if len(line) == 1 && line[0] == '\n' {
			continue
		}
		if err := c.split(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", c.line, err)
		}
		return c.fields, nil
	}
}

// readLine returns the next line, always with a "\n" at its end and no "\r" before that.
func (c *csvReader) readLine() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		c.text = append(c.text[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) && len(c.text) <= maxRecordBytes {
			line, err = c.r.ReadSlice('\n')
			c.text = append(c.text, line...)
		}
		if len(c.text) > maxRecordBytes {
			return nil, fmt.Errorf("line %d: more than the %d bytes that a row may have", c.next+1, maxRecordBytes)
		}
		line = c.text
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	c.next++
	if err != nil { // the last line has no line break
		c.text = append(append(c.text[:0], line...), '\n')
		line = c.text
	}
	if n := len(line); n >= 2 && line[n-2] == '\r' {
		line[n-2] = '\n'
		line = line[:n-1]
	}
	return line, nil
}

// split takes a record apart that begins with this line.
func (c *csvReader) split(line []byte) error {
	c.data, c.ends = c.data[:0], c.ends[:0]
	for {
		if len(line) > 0 && line[0] == '"' {
			var err error
			if line, err = c.quoted(line[1:]); err != nil {
				return err
			}
		} else {
			i := bytes.IndexAny(line, ",\n")
			if bytes.IndexByte(line[:i], '"') >= 0 {
				return errQuote
			}
			c.data = append(c.data, line[:i]...)
			line = line[i:]
		}
		c.ends = append(c.ends, len(c.data))
		if line[0] == '\n' {
			break
		}
		line = line[1:]
	}
	c.fields = c.fields[:0]
	start := 0
	for _, end := range c.ends {
		c.fields = append(c.fields, c.data[start:end:end])
		start = end
	}
	return nil
}

// quoted takes the content of a field up to its closing quote, and returns
// what follows, which begins with a comma or the line's end.
func (c *csvReader) quoted(line []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(line, '"')
		switch {
		case i < 0:
			c.data = append(c.data, line...)
			if len(c.data) > maxRecordBytes {
				return nil, fmt.Errorf("more than the %d bytes that a row may have", maxRecordBytes)
			}
			var err error
			if line, err = c.readLine(); errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("the file ends inside quotes: %w", io.ErrUnexpectedEOF)
			} else if err != nil {
				return nil, err
			}
		case line[i+1] == '"':
			c.data = append(c.data, line[:i+1]...)
			line = line[i+2:]
		case line[i+1] == ',' || line[i+1] == '\n':
			c.data = append(c.data, line[:i]...)
			return line[i+1:], nil
		default:
			return nil, errQuote
		}
	}
}
