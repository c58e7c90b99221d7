package singlegzip

import (
	"bytes"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/validate"
)

// MaxRecordBytes bounds [Pieces.RecordBytes] of one original: some 12,000 gzip members with short headers.
const MaxRecordBytes = 2 << 20

// ReasonTooManyMembers says that the record of an original would be larger than MaxRecordBytes, or that a header is longer
// than [validate.HeaderBytes]. The object is sound and can be joined in the usual way, of many members.
const ReasonTooManyMembers validate.Reason = "too_many_members"

// Prove is [validate.Prover.Gzip] and the record of the object in one pass. The error is a [*validate.GzipError], with
// ReasonTooManyMembers too.
func Prove(p *validate.Prover, stored []byte) (validate.Gzip, Pieces, error) {
	var c collector
	g, err := c.prove(p, func() (validate.Gzip, error) { return p.Gzip(stored) })
	return g, c.pieces, err
}

// ProveStream is [validate.Prover.GzipStream] and the record of the object in one pass. Errors are those of GzipStream, and
// a [*validate.GzipError] with ReasonTooManyMembers.
func ProveStream(p *validate.Prover, r io.Reader) (validate.Gzip, Pieces, error) {
	var c collector
	g, err := c.prove(p, func() (validate.Gzip, error) { return p.GzipStream(r) })
	return g, c.pieces, err
}

// collector makes the record of an object that is being proven. Memory: MaxRecordBytes and one piece.
type collector struct {
	pieces   Pieces
	bytes    int                 // RecordBytes of the pieces
	tooLarge *validate.GzipError // the record would be; then it is not kept
}

// prove runs a proof by p. The pieces are nil where there is an error.
func (c *collector) prove(p *validate.Prover, proof func() (validate.Gzip, error)) (validate.Gzip, error) {
	each := p.EachMember
	p.EachMember = func(m validate.Member) {
		if each != nil {
			each(m)
		}
		c.add(m)
	}
	defer func() { p.EachMember = each }()
	g, err := proof()
	if err == nil && c.tooLarge != nil {
		err = c.tooLarge
	}
	if err != nil {
		c.pieces = nil
		return validate.Gzip{}, err
	}
	return g, nil
}

func (c *collector) add(m validate.Member) {
	if c.tooLarge != nil {
		return
	}
	c.bytes += recordBytes(len(m.Header))
	switch {
	case m.HeaderBytes > int64(len(m.Header)):
		c.refuse(m.Offset, "a gzip header of %d bytes; one gzip member can be made only of objects with headers of up to %d", m.HeaderBytes, len(m.Header))
		return
	case c.bytes > MaxRecordBytes:
		c.refuse(m.Offset, "more than %d gzip members; what is needed to restore them would not fit into a receipt", len(c.pieces))
		return
	}
	c.pieces = append(c.pieces, Piece{
		Header: c.header(m.Header), FinalBit: m.FinalBit, Bits: m.DeflateBits, Padding: m.Padding,
		CRC32: m.CRC32, ISIZE: uint32(m.UncompressedBytes),
	})
}

// header keeps a header: the one before, where that is the same.
func (c *collector) header(b []byte) []byte {
	if n := len(c.pieces); n > 0 && bytes.Equal(c.pieces[n-1].Header, b) {
		return c.pieces[n-1].Header
	}
	return bytes.Clone(b)
}

func (c *collector) refuse(offset int64, format string, args ...any) {
	c.pieces = nil
	c.tooLarge = &validate.GzipError{Reason: ReasonTooManyMembers, Offset: offset, Detail: fmt.Sprintf(format, args...)}
}
