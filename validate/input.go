package validate

import (
	"bufio"
	"bytes"
	"io"
)

// readBufferBytes is how much of a stream is read ahead.
const readBufferBytes = 64 << 10

// byteReader is what the deflate decoder needs so that it takes not one byte more than the deflate data.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// input is the stored object that is being walked: bytes in memory, or a stream through a buffer. The decoder has fast
// ways for exactly these two readers, so they are handed to it as they are.
type input struct {
	reader   byteReader    // &memory or buffered
	memory   bytes.Reader  // where the whole object is at hand
	buffered *bufio.Reader // over stream; made when first needed
	stream   countedReader
}

func (in *input) setMemory(stored []byte) {
	in.memory.Reset(stored)
	in.reader = &in.memory
}

func (in *input) setStream(r io.Reader) {
	in.stream = countedReader{r: r}
	if in.buffered == nil {
		in.buffered = bufio.NewReaderSize(nil, readBufferBytes)
	}
	in.buffered.Reset(&in.stream)
	in.reader = in.buffered
}

// release lets go of the object.
func (in *input) release() {
	in.memory.Reset(nil)
	in.stream = countedReader{}
}

// offset is the byte of the stored object that is read next.
func (in *input) offset() int64 {
	if in.reader == &in.memory {
		return in.memory.Size() - int64(in.memory.Len())
	}
	return in.stream.sizeBytes - int64(in.buffered.Buffered())
}

// countedReader counts and checksums what a stream delivers, and keeps its error apart from the end of the data: a broken
// connection that reports io.ErrUnexpectedEOF must not pass for a truncated object.
type countedReader struct {
	r         io.Reader
	sizeBytes int64
	crc64     uint64
	err       error // first error other than io.EOF
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.sizeBytes += int64(n)
	c.crc64 = CRC64Update(c.crc64, b[:n])
	if err != nil && err != io.EOF && c.err == nil {
		c.err = err
	}
	return n, err
}
