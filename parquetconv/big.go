package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/validate"
)

// unprovenError says that a big original proved broken after rows of it were
// handed on: nothing of the batch may be committed.
type unprovenError struct{ o *original }

func (e *unprovenError) Error() string {
	return fmt.Sprintf("%s is broken", name(e.o.bucket, e.o.key))
}

// readBig reads a big original: as it comes, it is cut into pieces that are
// inflated and scanned at the same time.
func (rd *reader) readBig(ctx context.Context, o *original, s *stream) error {
	err := rd.readBigAt(ctx, o, o, s)
	if gone(err) {
		err = rd.moved(ctx, o, err, func(at *original) error { return rd.readBigAt(ctx, o, at, s) })
	}
	if gone(err) {
		err = s.end(ctx, o.refuse(Refusal{Reason: reasonChanged, Detail: describeGone(err)}))
	}
	if err == nil {
		close(s.units)
	}
	return err
}

// end is a unit of an original's end alone.
func (s *stream) end(ctx context.Context, e end) error {
	u, err := s.next(ctx, 1)
	if err != nil {
		return err
	}
	u.items <- item{ends: []end{e}} // it has room for one
	close(u.items)
	return nil
}

// readBigAt reads a big original where at says. An error that gone knows means
// that nothing of it was read.
func (rd *reader) readBigAt(ctx context.Context, o, at *original, s *stream) error {
	if at.text != nil {
		return rd.readBigText(ctx, o, at, s)
	}
	if at.compressed() && !rd.proveFirst {
		rd.unproven.Store(true)
	} else if at.compressed() {
		refusal, err := rd.proveBig(ctx, at)
		if err != nil {
			return err
		}
		if refusal != nil {
			return s.end(ctx, o.refuse(*refusal))
		}
	}
	body, err := rd.open(ctx, at)
	if err != nil {
		return err
	}
	defer body.Close()
	c := &chunks{rd: rd, stream: s, original: o}
	switch {
	case at.gzip:
		err = rd.inflate(ctx, at, body, c)
	case at.zstd:
		err = at.eachText(body, func(text []byte) error { return c.write(ctx, text) })
	default:
		err = c.read(ctx, body)
	}
	if err == nil {
		err = c.finish(ctx)
	}
	refusal, err := broken(err)
	switch {
	case err != nil:
		return noSentinel(err)
	case refusal == nil:
		return s.end(ctx, end{original: o, from: at})
	case c.begun:
		return &unprovenError{o}
	}
	// Where it is broken shows from its beginning.
	if refusal, err = rd.proveBig(ctx, at); err == nil && refusal == nil {
		err = fmt.Errorf("%s was broken when it was read, but not when it was read again", name(o.bucket, o.key))
	}
	if err != nil {
		return noSentinel(err)
	}
	return s.end(ctx, o.refuse(*refusal))
}

// noSentinel keeps an error in the middle of a source from passing for one at
// its beginning.
func noSentinel(err error) error {
	if gone(err) {
		return errors.New(err.Error())
	}
	return err
}

// inflate inflates a big original from its stored bytes. An error that broken
// knows says that it is broken, but not precisely how.
func (rd *reader) inflate(ctx context.Context, at *original, body io.Reader, c *chunks) error {
	sp, stop := rd.split(ctx, at, body)
	defer stop()
	for {
		seg, ok, err := receive(ctx, sp.segments)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if seg.inflated != nil {
			if _, _, err := receive(ctx, seg.inflated); err != nil {
				return err
			}
			if err := c.add(ctx, seg.text); err != nil {
				return err
			}
			if seg.used == len(seg.stored) {
				rd.storedBuffers.put(seg.stored)
				continue
			}
		}
		// What begins here is no run of small members: one goroutine inflates
		// the rest, and says what is wrong with it, if something is.
		sp.serial.Store(true)
		prover := validate.NewProver()
		prover.EachData = func(text []byte) error { return c.write(ctx, text) }
		if _, err := prover.GzipStream(&segmentReader{ctx: ctx, from: sp, ahead: seg.stored[seg.used:]}); err != nil {
			return err
		}
	}
	switch {
	case sp.err != nil:
		return sp.err
	case sp.sum && at.crc64 != encodeCRC64(sp.crc64):
		return fmt.Errorf("%w: not the checksum of its receipt", singlegzip.ErrMismatch)
	}
	return nil
}
