package validate

import (
	"bufio"
	"io"
)

// readBufferBytes is how much of a stream is read ahead.
const readBufferBytes = 64 << 10

// byteReader reads gzip headers and trailers.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// input is the stored object that is being walked: bytes in memory, or a stream through a buffer.
type input struct {
	reader   byteReader    // &memory or buffered
	memory   memory        // where the whole object is at hand
	buffered *bufio.Reader // over stream; made when first needed
	stream   countedReader
}

func (in *input) setMemory(stored []byte) {
	in.memory = memory{stored: stored}
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
	in.memory = memory{}
	in.stream = countedReader{}
}

// offset is the byte of the stored object that is read next.
func (in *input) offset() int64 {
	if in.reader == &in.memory {
		return int64(in.memory.read)
	}
	return in.stream.sizeBytes - int64(in.buffered.Buffered())
}

// ahead is what of the object is at hand from here on, or where that was too short, more, and whether it is all the rest.
// It is valid until the next read.
func (in *input) ahead(short bool) (b []byte, last bool) {
	if in.reader == &in.memory {
		return in.memory.stored[in.memory.read:], true
	}
	n := in.buffered.Buffered()
	if n == 0 || short {
		// To see a byte more, it reads what the source has ready. countedReader keeps the error.
		_, err := in.buffered.Peek(n + 1)
		last = err != nil
		n = in.buffered.Buffered()
	}
	b, _ = in.buffered.Peek(n) // no error: they are there
	return b, last
}

// skip goes on by n bytes of those at hand.
func (in *input) skip(n int) {
	if in.reader == &in.memory {
		in.memory.read += n
		return
	}
	_, _ = in.buffered.Discard(n) // no error: they are there
}

// memory reads bytes in memory.
type memory struct {
	stored []byte
	read   int // of them
}

func (m *memory) Read(b []byte) (int, error) {
	if m.read == len(m.stored) {
		return 0, io.EOF
	}
	n := copy(b, m.stored[m.read:])
	m.read += n
	return n, nil
}

func (m *memory) ReadByte() (byte, error) {
	if m.read == len(m.stored) {
		return 0, io.EOF
	}
	m.read++
	return m.stored[m.read-1], nil
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

// headerTap keeps what is read of a header, up to HeaderBytes.
type headerTap struct {
	src  io.ByteReader
	kept []byte
}

func (h *headerTap) reset(src io.ByteReader) { *h = headerTap{src: src, kept: h.kept[:0]} }

func (h *headerTap) ReadByte() (byte, error) {
	b, err := h.src.ReadByte()
	if err == nil && len(h.kept) < HeaderBytes {
		h.kept = append(h.kept, b)
	}
	return b, err
}
