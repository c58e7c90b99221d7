package parquetconv

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// chunks hands the text of a big original to scans. Where rows stand on lines,
// it is cut at line ends, and each piece is scanned by whoever is free; rows
// that go from one piece to the next are put together. Other text is scanned by
// one scan, as it comes.
type chunks struct {
	rd       *reader
	stream   *stream
	original *original

	begun  bool   // a scan has begun
	offset int64  // of carry in the text
	carry  []byte // the beginning of a line
	piece  []byte // what write gathers

	pieces chan []byte // to the one scan of the rest
}

// read takes text as it is stored.
func (c *chunks) read(ctx context.Context, body io.Reader) error {
	for {
		b := c.rd.textBuffers.get(c.rd.budget.chunkText)
		n, err := io.ReadFull(body, b[:c.rd.budget.chunkText])
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return err
		}
		if err := c.add(ctx, b[:n]); err != nil || end {
			return err
		}
	}
}

// write takes text that must be copied.
func (c *chunks) write(ctx context.Context, text []byte) error {
	for len(text) > 0 {
		if c.piece == nil {
			c.piece = c.rd.textBuffers.get(c.rd.budget.chunkText)
		}
		n := min(len(text), c.rd.budget.chunkText-len(c.piece))
		c.piece, text = append(c.piece, text[:n]...), text[n:]
		if len(c.piece) == c.rd.budget.chunkText {
			full := c.piece
			c.piece = nil
			if err := c.add(ctx, full); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxCarryBytes is how long a line may grow before the rest of the text is
// scanned by one scan, which need not see the line's end.
const maxCarryBytes = 2 * scan.DefaultMaxRowBytes

// add takes a buffer of text over.
func (c *chunks) add(ctx context.Context, text []byte) error {
	if c.pieces == nil && (!c.rd.onLines() || len(c.carry)+len(text) > maxCarryBytes && bytes.IndexByte(text, '\n') < 0) {
		if err := c.scanRest(ctx); err != nil {
			return err
		}
	}
	if c.pieces != nil {
		return c.send(ctx, text)
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	if end == 0 {
		c.carry = append(c.carry, text...)
		c.rd.textBuffers.put(text)
		return nil
	}
	var head []byte // the line that began in the text before
	body := text[:end]
	if len(c.carry) > 0 {
		first := bytes.IndexByte(text, '\n') + 1
		head, body = slices.Concat(c.carry, text[:first]), text[first:end]
	}
	offset := c.offset
	c.offset += int64(len(head) + len(body))
	c.carry = bytes.Clone(text[end:])
	return c.scan(ctx, offset, head, body, text)
}

// scan has whole lines scanned. buffer is what body lies in.
func (c *chunks) scan(ctx context.Context, offset int64, head, body, buffer []byte) error {
	u, err := c.stream.next(ctx, c.rd.budget.unitBlocks)
	if err != nil {
		return err
	}
	c.begun = true
	c.rd.group.Go(func() error {
		sc, err := c.rd.scan(ctx, c.stream, u)
		if err != nil {
			return err
		}
		defer sc.release()
		sc.begin(c.original, offset)
		if len(head) > 0 {
			n, err := sc.decode(ctx, head, len(body) == 0)
			if err != nil {
				return err
			}
			if n < len(head) {
				body = append(head[n:len(head):len(head)], body...)
			}
		}
		if len(body) > 0 {
			if _, err := sc.decode(ctx, body, true); err != nil {
				return err
			}
		}
		c.rd.textBuffers.put(buffer)
		return sc.finish(ctx)
	})
	return nil
}

// scanRest begins the scan of all the rest of the text.
func (c *chunks) scanRest(ctx context.Context) error {
	u, err := c.stream.next(ctx, 1)
	if err != nil {
		return err
	}
	c.begun = true
	c.pieces = make(chan []byte, 1)
	pieces, offset := c.pieces, c.offset
	c.rd.group.Go(func() error {
		sc, err := c.rd.scan(ctx, c.stream, u)
		if err != nil {
			return err
		}
		defer sc.release()
		sc.begin(c.original, offset)
		for {
			sc.pause()
			piece, ok, err := receive(ctx, pieces)
			if err != nil {
				return err
			}
			if err := sc.work(ctx); err != nil {
				return err
			}
			if err := sc.more(ctx, piece, !ok); err != nil {
				return err
			}
			if !ok {
				return sc.finish(ctx)
			}
			c.rd.textBuffers.put(piece)
		}
	})
	carry := c.carry
	c.carry = nil
	return c.send(ctx, carry)
}

func (c *chunks) send(ctx context.Context, piece []byte) error {
	select {
	case c.pieces <- piece:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish says that the text is complete.
func (c *chunks) finish(ctx context.Context) error {
	if len(c.piece) > 0 {
		if err := c.add(ctx, c.piece); err != nil {
			return err
		}
	}
	switch {
	case c.pieces != nil:
		close(c.pieces)
	case len(c.carry) > 0:
		return c.scan(ctx, c.offset, nil, c.carry, nil)
	}
	return nil
}

// onLines says that no row goes on behind the end of its line.
func (rd *reader) onLines() bool {
	return rd.run.Schema.Format == schema.FormatNDJSON && rd.run.Schema.Layout == schema.LayoutLines
}
