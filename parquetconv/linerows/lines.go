package linerows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// MaxRowBytes is the longest line that is read as a row; a longer one is
// rejected. It bounds what one source holds in memory beside its block.
const MaxRowBytes = 8 << 20

// readAheadBytes is the buffer between a source and its lines.
const readAheadBytes = 128 << 10

// lines splits a stream at line feeds.
type lines struct {
	buffered *bufio.Reader
	long     []byte // a line that passes the buffer
	offset   int64  // of the next line
	first    bool
}

func newLines() *lines { return &lines{buffered: bufio.NewReaderSize(nil, readAheadBytes)} }

func (l *lines) reset(r io.Reader) {
	l.buffered.Reset(r)
	l.offset, l.first = 0, true
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// next returns the next line without its line feed, valid until the next call,
// and its offset. tooLong: the line passed MaxRowBytes and only its beginning
// is returned. At the end it returns io.EOF.
func (l *lines) next() (line []byte, offset int64, tooLong bool, err error) {
	offset = l.offset
	line, err = l.buffered.ReadSlice('\n')
	l.offset += int64(len(line))
	if errors.Is(err, bufio.ErrBufferFull) {
		line, tooLong, err = l.rest(line)
	}
	if errors.Is(err, io.EOF) && l.offset > offset {
		err = nil
	}
	if err != nil {
		return nil, offset, false, err
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	if l.first {
		l.first = false
		if bytes.HasPrefix(line, byteOrderMark) {
			line, offset = line[len(byteOrderMark):], offset+int64(len(byteOrderMark))
		}
	}
	return line, offset, tooLong, nil
}

// rest reads on to the end of a line that did not fit the buffer.
func (l *lines) rest(start []byte) (line []byte, tooLong bool, err error) {
	l.long = append(l.long[:0], start...)
	for {
		part, err := l.buffered.ReadSlice('\n')
		l.offset += int64(len(part))
		if room := MaxRowBytes + 1 - len(l.long); len(part) > room {
			part, tooLong = part[:room], true
		}
		l.long = append(l.long, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.long, tooLong, err
		}
	}
}
