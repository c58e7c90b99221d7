package validate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/s3compact/s3compact/internal/inflate"
)

// Prover proves gzip objects one after another with the same buffers, whatever they inflate to: about 185 KiB, 64 KiB more
// once it has read a stream (and up to HeaderBytes with EachMember), and nothing allocated for a sound object once warm. It
// is not safe for concurrent use.
type Prover struct {
	// EachMember, if set, is called for each gzip member when it is proven, in order. What comes later in the object may
	// still be found broken.
	EachMember func(Member)
	// EachData, if set, is called with the uncompressed data as it comes: nothing of it is proven before the object is. It is
	// valid until the next call. An error ends the proof and is returned.
	EachData func([]byte) error

	in      input
	window  *inflate.Window
	data    inflated
	header  headerTap
	last    byte // last byte of deflate data that was used up
	trailer [8]byte
}

// NewProver makes a Prover.
func NewProver() *Prover {
	return &Prover{
		window: inflate.NewWindow(),
		data:   inflated{first: make([]byte, 0, FirstBytes)},
	}
}

// Gzip proves an object that is in memory whole. Whatever is wrong with it is a [*GzipError].
//
// An object that was cut exactly between two members is a valid shorter one: only its length or a checksum of the stored
// bytes can tell.
func (p *Prover) Gzip(stored []byte) (Gzip, error) {
	p.in.setMemory(stored)
	defer p.in.release()
	g, err := p.walk()
	if err != nil {
		return Gzip{}, err
	}
	g.SizeBytes, g.CRC64 = int64(len(stored)), CRC64(stored)
	return g, nil
}

// GzipStream proves an object of any length in constant memory, reading r to its end. Whatever is wrong with the object is
// a [*GzipError]; an error of r is returned wrapped and is no judgement of the object.
func (p *Prover) GzipStream(r io.Reader) (Gzip, error) {
	p.in.setStream(r)
	defer p.in.release()
	g, err := p.walk()
	if p.in.stream.err != nil {
		return Gzip{}, fmt.Errorf("read gzip object at byte %d: %w", p.in.stream.sizeBytes, p.in.stream.err)
	}
	if err != nil {
		return Gzip{}, err
	}
	g.SizeBytes, g.CRC64 = p.in.stream.sizeBytes, p.in.stream.crc64
	return g, nil
}

// walk proves member after member to the end of the data. It fills in all of the proof but what is known of the stored
// bytes.
func (p *Prover) walk() (Gzip, error) {
	p.data.reset()
	var g Gzip
	for {
		m := Member{Offset: p.in.offset(), UncompressedOffset: g.UncompressedBytes}
		done, err := p.member(&m, g.Members+1)
		if err != nil {
			return Gzip{}, err
		}
		if done {
			break
		}
		g.Members++
		g.UncompressedBytes += m.UncompressedBytes
		g.CRC32 = CombineCRC32(g.CRC32, m.CRC32, m.UncompressedBytes)
		if p.EachMember != nil {
			p.EachMember(m)
		}
	}
	g.EndsWithNewline = p.data.last == '\n'
	g.First = p.data.first
	return g, nil
}

// member proves the member that begins here, the number-th of the object. It is done where the data ends after at least
// one member.
func (p *Prover) member(m *Member, number int) (done bool, err error) {
	if err := p.readHeader(); err != nil {
		if err == io.EOF && number > 1 { //nolint:errorlint // a wrapped one is the source's own
			return true, nil
		}
		return false, p.headerFault(err, m, number)
	}
	deflate := p.in.offset()
	p.data.startMember()
	if err := p.inflate(); err != nil {
		return false, p.deflateFault(err, deflate, m, number)
	}
	m.UncompressedBytes, m.CRC32 = p.data.memberBytes, p.data.crc32
	p.describe(m, deflate)

	trailer := p.in.offset()
	// A wrapped io.ErrUnexpectedEOF is the source's own and says nothing of the object: compared as it is.
	switch _, err := io.ReadFull(p.in.reader, p.trailer[:]); err {
	case nil:
	case io.EOF, io.ErrUnexpectedEOF:
		return false, p.truncated("trailer", m, number)
	default:
		return false, err
	}
	m.SizeBytes = p.in.offset() - m.Offset
	if crc := binary.LittleEndian.Uint32(p.trailer[:4]); crc != m.CRC32 {
		return false, &GzipError{ReasonBadCRC, trailer,
			fmt.Sprintf("trailer of member %d: CRC-32 0x%08x, but the data has 0x%08x", number, crc, m.CRC32)}
	}
	if size := binary.LittleEndian.Uint32(p.trailer[4:]); size != uint32(m.UncompressedBytes) { // ISIZE is modulo 2^32
		return false, &GzipError{ReasonBadLength, trailer,
			fmt.Sprintf("trailer of member %d: length %d, but the data has %d bytes", number, size, m.UncompressedBytes)}
	}
	return false, nil
}

// readHeader reads the header that begins here, and keeps it where somebody asks for members.
func (p *Prover) readHeader() error {
	if p.EachMember == nil {
		return inflate.ReadGzipHeader(p.in.reader)
	}
	p.header.reset(p.in.reader)
	return inflate.ReadGzipHeader(&p.header)
}

// describe says how a member is made whose deflate data begins at the byte deflate and was inflated.
func (p *Prover) describe(m *Member, deflate int64) {
	end := p.window.End()
	m.Header, m.HeaderBytes = p.header.kept, deflate-m.Offset
	m.DeflateBits = end.SizeBytes*8 - int64(8-end.LastBits)
	m.FinalBit = end.FinalBit
	m.Padding = byte(uint(p.last) >> end.LastBits)
}

// inflate proves the deflate data that begins here and leaves the input at the byte after it.
func (p *Prover) inflate() error {
	p.window.Reset()
	for short := false; ; {
		src, last := p.in.ahead(short)
		data, used, done, err := p.window.Next(src, last)
		if err != nil {
			if errors.Is(err, inflate.ErrTruncated) {
				p.in.skip(len(src)) // to where it ends
			}
			return err
		}
		if used > 0 {
			p.last = src[used-1]
		}
		p.in.skip(used)
		p.data.take(data)
		if p.EachData != nil && len(data) > 0 {
			if err := p.EachData(data); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
		short = len(data) == 0
	}
}

// headerFault says what an error of inflate.ReadGzipHeader means for the object.
func (p *Prover) headerFault(err error, m *Member, number int) error {
	var invalid *inflate.HeaderError
	switch {
	case errors.As(err, &invalid):
		return &GzipError{ReasonCorrupt, m.Offset, fmt.Sprintf("header of member %d: %s", number, invalid.Detail)}
	case errors.Is(err, inflate.ErrNoMember) && number == 1:
		return &GzipError{ReasonNotGzip, m.Offset, "the object does not begin with a gzip header"}
	case errors.Is(err, inflate.ErrNoMember):
		return &GzipError{ReasonTrailingBytes, m.Offset, fmt.Sprintf("what follows member %d is no gzip member", number-1)}
	case err == io.EOF: //nolint:errorlint // a wrapped one is the source's own; before any member
		return &GzipError{ReasonNotGzip, m.Offset, "the object is empty"}
	case err == io.ErrUnexpectedEOF: //nolint:errorlint // as above
		return p.truncated("header", m, number)
	}
	return err
}

// deflateFault says what an error of inflate, whose data began at the byte deflate, means for the object.
func (p *Prover) deflateFault(err error, deflate int64, m *Member, number int) error {
	var corrupt *inflate.CorruptError
	switch {
	case errors.As(err, &corrupt):
		return &GzipError{ReasonCorrupt, deflate + corrupt.Offset,
			fmt.Sprintf("invalid deflate data in member %d, which begins at byte %d: %s", number, m.Offset, corrupt.Detail)}
	case errors.Is(err, inflate.ErrTruncated):
		return p.truncated("deflate data", m, number)
	}
	return err
}

// truncated says that the data ends here, inside a member.
func (p *Prover) truncated(where string, m *Member, number int) error {
	return &GzipError{ReasonTruncated, p.in.offset(),
		fmt.Sprintf("the data ends inside the %s of member %d, which begins at byte %d", where, number, m.Offset)}
}

// inflated takes the uncompressed data of an object: checks it and forgets all but its beginning and its last byte.
type inflated struct {
	first       []byte // at most FirstBytes
	last        byte   // 0 before any data
	memberBytes int64  // of the member at hand
	crc32       uint32 // of the member at hand
}

func (d *inflated) reset() {
	*d = inflated{first: d.first[:0]}
}

func (d *inflated) startMember() {
	d.memberBytes, d.crc32 = 0, 0
}

// take takes what comes next.
func (d *inflated) take(b []byte) {
	if len(b) == 0 {
		return
	}
	d.crc32 = crc32.Update(d.crc32, crc32.IEEETable, b)
	d.memberBytes += int64(len(b))
	d.last = b[len(b)-1]
	if room := FirstBytes - len(d.first); room > 0 {
		d.first = append(d.first, b[:min(room, len(b))]...)
	}
}
