package parquetconv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/inflate"
	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/parquetconv/rows"
	"github.com/s3compact/s3compact/parquetconv/zstdtext"
	"github.com/s3compact/s3compact/validate"
)

// scanner reads units, one after another with the same buffers.
type scanner struct {
	rd       *reader
	decoder  *rows.Decoder
	inflater inflate.Decoder
	prover   *validate.Prover  // of what is not as it should be; made when first needed
	zstd     *zstdtext.Decoder // made when first needed
	text     []byte            // of a small original
	rest     []byte            // of text that came in pieces: the beginning of a row, and what came since
	restWant int               // how long rest should be before it is scanned again

	stream *stream
	unit   *unit
	ends   []end // since the last item
	works  bool  // it is one of budget.scans
}

// scan begins a unit, as one of budget.scans.
func (rd *reader) scan(ctx context.Context, s *stream, u *unit) (*scanner, error) {
	sc, err := rd.scanner()
	if err != nil {
		return nil, err
	}
	sc.stream, sc.unit = s, u
	return sc, sc.work(ctx)
}

// scanner takes the scanner that came to rest last, whose memory is warm, or makes one.
func (rd *reader) scanner() (*scanner, error) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if n := len(rd.scanners); n > 0 {
		sc := rd.scanners[n-1]
		rd.scanners = rd.scanners[:n-1]
		return sc, nil
	}
	d, err := rows.NewDecoder(rd.run.Schema, rows.Options{BatchID: rd.batch.String(), Producer: rd.made, BlockBytes: rd.budget.blockBytes, MaxPathBytes: rd.run.maxPathBytes()})
	if err != nil {
		return nil, fmt.Errorf("make a decoder of rows: %w", err)
	}
	rd.made++
	return &scanner{rd: rd, decoder: d}, nil
}

// work waits for a place among budget.scans.
func (sc *scanner) work(ctx context.Context) error {
	if err := sc.rd.takeCPU(ctx); err != nil {
		return err
	}
	sc.works = true
	return nil
}

// pause leaves the place to another one.
func (sc *scanner) pause() {
	if sc.works {
		sc.works = false
		sc.rd.giveCPU()
	}
}

// await waits until a channel is closed.
func (sc *scanner) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	sc.pause()
	if _, _, err := receive(ctx, done); err != nil {
		return err
	}
	return sc.work(ctx)
}

// release gives the scanner back, however the scan went.
func (sc *scanner) release() {
	sc.pause()
	sc.stream, sc.unit, sc.ends = nil, nil, nil
	rd := sc.rd
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.scanners = append(rd.scanners, sc)
}

func (rd *reader) takeCPU(ctx context.Context) error {
	select {
	case rd.cpus <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (rd *reader) giveCPU() { <-rd.cpus }

// load proves a small original, whose bytes were read where at says, and scans
// it: no row of it is handed on before all of it is proven.
func (sc *scanner) load(ctx context.Context, o, at *original, stored []byte) error {
	text, inflated, refusal, err := sc.prove(at, stored)
	if err != nil {
		return err
	}
	if refusal != nil {
		sc.refuse(o, *refusal)
		return nil
	}
	sc.begin(o, 0)
	if inflated {
		_, err = sc.decode(ctx, text, true)
	} else {
		err = sc.loadPieces(ctx, at, text)
	}
	if err != nil {
		return err
	}
	sc.ends = append(sc.ends, end{original: o, from: at})
	return nil
}

// prove inflates an original, which proves it. Where its text would take too
// much memory it is proven all the same, but inflated is false and b is what
// is to be inflated.
func (sc *scanner) prove(o *original, stored []byte) (b []byte, inflated bool, refusal *Refusal, err error) {
	switch {
	case o.zstd:
		return sc.proveZstd(stored)
	case !o.gzip:
		return stored, true, nil, nil
	}
	if o.pieces != nil {
		back, err := o.rebuilt(bytes.NewReader(stored))
		if err != nil {
			return nil, false, nil, err
		}
		if stored, err = io.ReadAll(back); errors.Is(err, singlegzip.ErrMismatch) {
			return nil, false, mismatch(err), nil
		} else if err != nil {
			return nil, false, nil, err
		}
	}
	text, rest, fault := sc.text[:0], stored, error(nil)
	for len(rest) > 0 && fault == nil {
		var n int
		text, n, fault = sc.inflater.AppendGzip(text, rest, sc.rd.budget.wholeText-len(text))
		rest = rest[n:]
	}
	sc.text = text
	if fault != nil {
		if sc.prover == nil {
			sc.prover = validate.NewProver()
		}
		// It says where and why, in the words of validate.
		_, err := sc.prover.Gzip(stored)
		if refusal, err := broken(err); refusal != nil || err != nil {
			return nil, false, refusal, err
		}
		if !errors.Is(fault, inflate.ErrTooLong) {
			return nil, false, nil, fmt.Errorf("inflate %s: %w", name(o.bucket, o.key), fault)
		}
		text = stored
	}
	if o.crc64 != "" && o.crc64 != encodeCRC64(validate.CRC64(stored)) {
		return nil, false, o.notItsReceipt(), nil
	}
	return text, fault == nil, nil, nil
}

// loadPieces scans an original that is proven, as its text comes.
func (sc *scanner) loadPieces(ctx context.Context, at *original, stored []byte) error {
	err := at.eachText(bytes.NewReader(stored), func(text []byte) error { return sc.more(ctx, text, false) })
	if err != nil {
		return err
	}
	return sc.more(ctx, nil, true)
}

// loadBig proves a big original and scans it, in two readings and piece by piece.
func (sc *scanner) loadBig(ctx context.Context, o, at *original) error {
	if at.compressed() {
		refusal, err := sc.rd.proveBig(ctx, at)
		if err != nil {
			return err
		}
		if refusal != nil {
			sc.refuse(o, *refusal)
			return nil
		}
	}
	body, err := sc.rd.open(ctx, at)
	if err != nil {
		return err
	}
	defer body.Close()
	sc.begin(o, 0)
	err = at.eachText(body, func(text []byte) error { return sc.more(ctx, text, false) })
	if err == nil {
		err = sc.more(ctx, nil, true)
	}
	sc.ends = append(sc.ends, end{original: o, from: at})
	return noSentinel(err)
}

// begin says that the text of an original comes next, from its byte at an offset.
func (sc *scanner) begin(o *original, offset int64) {
	sc.rest, sc.restWant = sc.rest[:0], 0
	sc.decoder.Begin(o.number, rows.Source{Key: o.sourceKey(), ETag: o.etag, OffsetBytes: offset})
}

// decode reads rows from text and hands on each block that is full. It returns
// how many bytes are done with.
func (sc *scanner) decode(ctx context.Context, text []byte, last bool) (done int, err error) {
	for {
		n, err := sc.decoder.Decode(text[done:], last)
		done += n
		if err != nil {
			return done, sc.failed(err)
		}
		if !sc.decoder.Full() {
			return done, nil
		}
		if err := sc.emit(ctx); err != nil {
			return done, err
		}
	}
}

// failed names the source of a row that may not be loaded, nor rejected.
func (sc *scanner) failed(err error) error {
	var fail *rows.FailError
	if !errors.As(err, &fail) {
		return err
	}
	o := sc.stream.original(fail.Source)
	return fmt.Errorf("convert %s: %w", name(o.bucket, o.key), err)
}

// more decodes text that comes in pieces.
func (sc *scanner) more(ctx context.Context, piece []byte, last bool) error {
	sc.rest = append(sc.rest, piece...)
	if !last && len(sc.rest) < sc.restWant {
		return nil
	}
	n, err := sc.decode(ctx, sc.rest, last)
	if err != nil {
		return err
	}
	sc.rest = append(sc.rest[:0], sc.rest[n:]...)
	sc.restWant = max(sc.rd.budget.chunkText, 2*len(sc.rest)) // a row is read anew
	return nil
}

// emit hands on the block at hand, and the originals that have ended.
func (sc *scanner) emit(ctx context.Context) error {
	i := item{ends: sc.ends}
	sc.ends = nil
	if !sc.decoder.Empty() {
		b, err := sc.decoder.Take()
		if err != nil {
			return sc.failed(err)
		}
		i.block = b
	}
	select {
	case sc.unit.items <- i:
		return nil
	default:
	}
	sc.pause()
	select {
	case sc.unit.items <- i:
		return sc.work(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish hands on the rest of the unit.
func (sc *scanner) finish(ctx context.Context) error {
	if !sc.decoder.Empty() || len(sc.ends) > 0 {
		if err := sc.emit(ctx); err != nil {
			return err
		}
	}
	close(sc.unit.items)
	return nil
}

func (sc *scanner) refuse(o *original, r Refusal) {
	sc.ends = append(sc.ends, o.refuse(r))
}

// refuse is the end of an original that loads no row.
func (o *original) refuse(r Refusal) end {
	r.Bucket, r.Key, r.ETag = o.bucket, o.key, o.etag
	return end{original: o, refused: &r}
}
