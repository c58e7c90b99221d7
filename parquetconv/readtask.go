package parquetconv

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/parquetconv/linerows"
	"github.com/s3compact/s3compact/validate"
)

// read reads a task's originals. One that has moved since the list was made is
// looked for where compaction has put it; one that cannot be found or proven
// is refused and loads no row.
func (rd *reader) read(ctx context.Context, t task, tools *tools, s *stream) error {
	first := &t.originals[0]
	if first.text != nil {
		err := rd.readText(ctx, t, tools, s)
		if !gone(err) {
			return err
		}
		for i := range t.originals {
			if err := rd.readMoved(ctx, &t.originals[i], err, tools, s, t.last && i == len(t.originals)-1); err != nil {
				return err
			}
		}
		return nil
	}
	if len(t.originals) == 1 {
		err := rd.readAt(ctx, first, tools, s, t.last)
		if gone(err) {
			err = rd.readMoved(ctx, first, err, tools, s, t.last)
		}
		return err
	}
	offset, length := t.span()
	stored, missing := rd.fetch(ctx, first.at, first.atETag, offset, length)
	if missing != nil && !gone(missing) {
		return missing
	}
	for i := range t.originals {
		o := &t.originals[i]
		last := t.last && i == len(t.originals)-1
		var err error
		if missing != nil {
			err = rd.readMoved(ctx, o, missing, tools, s, last)
		} else {
			from := o.offset - offset
			err = rd.load(ctx, o, stored[from:from+o.rangeBytes()], tools, s, last)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readAt reads an original from where it is said to be. An error that gone
// knows means that nothing of it was read.
func (rd *reader) readAt(ctx context.Context, o *original, tools *tools, s *stream, last bool) error {
	if o.text != nil {
		return rd.readText(ctx, task{originals: []original{*o}, last: last}, tools, s)
	}
	if o.rangeBytes() > rd.budget.wholeBytes {
		return rd.stream(ctx, o, tools, s, last)
	}
	stored, err := rd.fetch(ctx, o.at, o.atETag, o.offset, o.rangeBytes())
	if err != nil {
		return err
	}
	return rd.load(ctx, o, stored, tools, s, last)
}

// maxMoves bounds how often an original is looked for again: it may be
// compacted, and its output compacted, while it is being read.
const maxMoves = 3

// readMoved looks for an original elsewhere and reads it there.
func (rd *reader) readMoved(ctx context.Context, o *original, cause error, tools *tools, s *stream, last bool) error {
	at := o
	for range maxMoves {
		moved, err := rd.run.locate(ctx, at)
		if err != nil {
			return err
		}
		if moved == nil {
			break
		}
		if err = rd.readAt(ctx, moved, tools, s, last); !gone(err) {
			return err
		}
		at, cause = moved, err
	}
	return rd.refuseGone(ctx, o, cause, s, last)
}

func (rd *reader) refuseGone(ctx context.Context, o *original, cause error, s *stream, last bool) error {
	return rd.refuse(ctx, o, reasonChanged, describeGone(cause), s, last)
}

// fetch reads a range of one version of an object into memory.
func (rd *reader) fetch(ctx context.Context, id objectID, etag string, offset, length int64) ([]byte, error) {
	body, info, err := rd.run.Stores.of(id.bucket).Get(ctx, id.bucket, id.key, s3store.GetOptions{IfMatch: etag, OffsetBytes: offset, LengthBytes: length})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if info.SizeBytes != length {
		return nil, fmt.Errorf("get %s: %d bytes instead of %d", name(id.bucket, id.key), info.SizeBytes, length)
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(body, b); err != nil {
		return nil, err
	}
	return b, nil
}

// load proves an original in memory and decodes it.
func (rd *reader) load(ctx context.Context, o *original, stored []byte, tools *tools, s *stream, last bool) error {
	if !o.gzip {
		return rd.decode(ctx, o, bytes.NewReader(stored), tools, s, last)
	}
	if o.pieces != nil {
		back, err := o.rebuilt(bytes.NewReader(stored))
		if err == nil {
			stored, err = io.ReadAll(back)
		}
		if err != nil {
			return rd.refuse(ctx, o, string(validate.ReasonBadCRC), fmt.Sprintf("%s does not give it back: %v", name(o.at.bucket, o.at.key), err), s, last)
		}
	}
	proof, err := tools.prover.Gzip(stored)
	if refusal := rd.judge(o, proof, err); refusal != nil {
		return rd.refuse(ctx, o, refusal.Reason, refusal.Detail, s, last)
	}
	if err := tools.gzip.Reset(bytes.NewReader(stored)); err != nil {
		return fmt.Errorf("inflate %s: %w", name(o.bucket, o.key), err)
	}
	return rd.decode(ctx, o, tools.gzip, tools, s, last)
}

// stream proves an original that is too large for memory and then reads it
// again, on the same ETag, to decode it.
func (rd *reader) stream(ctx context.Context, o *original, tools *tools, s *stream, last bool) error {
	open := func() (io.ReadCloser, error) {
		body, _, err := rd.run.Stores.of(o.at.bucket).Get(ctx, o.at.bucket, o.at.key, s3store.GetOptions{IfMatch: o.atETag, OffsetBytes: o.offset, LengthBytes: o.rangeBytes()})
		if err != nil {
			return nil, err
		}
		back, err := o.rebuilt(body)
		return struct {
			io.Reader
			io.Closer
		}{back, body}, err
	}
	body, err := open()
	if err != nil {
		return err
	}
	if !o.gzip {
		defer body.Close()
		return rd.decode(ctx, o, body, tools, s, last)
	}
	proof, err := tools.prover.GzipStream(body)
	_ = body.Close() // read to its end, or of no use any more
	var broken *validate.GzipError
	if err != nil && !errors.As(err, &broken) && !errors.Is(err, singlegzip.ErrMismatch) {
		return err
	}
	if refusal := rd.judge(o, proof, err); refusal != nil {
		return rd.refuse(ctx, o, refusal.Reason, refusal.Detail, s, last)
	}
	if body, err = open(); err != nil {
		return err
	}
	defer body.Close()
	if err := tools.gzip.Reset(body); err != nil {
		return fmt.Errorf("inflate %s: %w", name(o.bucket, o.key), err)
	}
	return rd.decode(ctx, o, tools.gzip, tools, s, last)
}

// judge says why an original must not be loaded, if so.
func (rd *reader) judge(o *original, proof validate.Gzip, err error) *Refusal {
	var broken *validate.GzipError
	switch {
	case errors.As(err, &broken):
		return &Refusal{Reason: string(broken.Reason), Detail: fmt.Sprintf("at byte %d: %s", broken.Offset, broken.Detail)}
	case err != nil:
		return &Refusal{Reason: string(validate.ReasonCorrupt), Detail: err.Error()}
	case o.crc64 != "" && o.crc64 != encodeCRC64(proof.CRC64):
		return &Refusal{Reason: string(validate.ReasonBadCRC), Detail: fmt.Sprintf("its bytes in %s are not those of its receipt", name(o.at.bucket, o.at.key))}
	}
	return nil
}

// decode sends the blocks of an original, and then that it is done.
func (rd *reader) decode(ctx context.Context, o *original, r io.Reader, tools *tools, s *stream, last bool) error {
	input := &Input{Bucket: o.bucket, Key: o.key, ETag: o.etag, Size: o.size}
	if o.inside() {
		input.Output, input.Offset = name(o.at.bucket, o.at.key), o.offset
	}
	err := tools.decoder.Decode(r, func(b *linerows.Block) error {
		input.Rows += b.RowsIn
		return s.send(ctx, item{from: o.origin, block: b})
	})
	if err != nil {
		return fmt.Errorf("convert %s: %w", name(o.bucket, o.key), noSentinel(err))
	}
	return s.send(ctx, item{from: o.origin, input: input, objects: count(last), bytes: o.size})
}

// noSentinel keeps an error in the middle of a source from passing for one at
// its beginning: rows of it are on their way already, so the batch must fail.
func noSentinel(err error) error {
	if gone(err) {
		return errors.New(err.Error())
	}
	return err
}

func (rd *reader) refuse(ctx context.Context, o *original, reason, detail string, s *stream, last bool) error {
	return s.send(ctx, item{
		refused: &Refusal{Bucket: o.bucket, Key: o.key, ETag: o.etag, Reason: reason, Detail: detail},
		objects: count(last), bytes: o.size,
	})
}

func count(last bool) int64 {
	if last {
		return 1
	}
	return 0
}

func encodeCRC64(crc uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc))
}
