package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/s3compact/s3compact/validate"
)

// readText reads the originals of a recompressed output, which is inflated
// once for all of them.
func (rd *reader) readText(ctx context.Context, t *task, s *stream) error {
	u, err := s.next(ctx, 1)
	if err != nil {
		return err
	}
	close(s.units)
	sc, err := rd.scan(ctx, s, u)
	if err != nil {
		return err
	}
	defer sc.release()
	rd.unproven.Store(true)
	err = sc.loadText(ctx, t.originals, t.originals, rd.proveFirst)
	if gone(err) {
		missing := err
		for i := range t.originals {
			if err = sc.loadMoved(ctx, &t.originals[i], missing); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	return sc.finish(ctx)
}

// readBigText reads a big original that was moved into a recompressed output.
func (rd *reader) readBigText(ctx context.Context, o, at *original, s *stream) error {
	u, err := s.next(ctx, 1)
	if err != nil {
		return err
	}
	sc, err := rd.scan(ctx, s, u)
	if err != nil {
		return err
	}
	defer sc.release()
	if err = sc.loadText(ctx, []original{*o}, []original{*at}, true); gone(err) {
		close(u.items) // without any
	}
	if err != nil {
		return err
	}
	return sc.finish(ctx)
}

// loadText scans originals that lie in the text of one recompressed output,
// where ats say. Each is proven by its checksum, and all of them by that of
// the output, which is known at its end: prove says that the output is read
// for that first. An error that gone knows means that nothing of it was read.
func (sc *scanner) loadText(ctx context.Context, originals, ats []original, prove bool) error {
	var flaws []string // of each original, once it was looked for
	if prove {
		var err error
		if flaws, err = sc.proveText(ctx, ats); err != nil {
			return err
		}
	}
	i := 0
	sum := uint32(0)
	begin := func() { // the original i
		sum = 0
		if sc.text = sc.text[:0]; i < len(ats) && !sc.fits(&ats[i]) {
			sc.begin(&originals[i], 0)
		}
	}
	end := func() error { // of the original i
		o, at := &originals[i], &ats[i]
		if flaws != nil && flaws[i] != "" {
			sc.refuse(o, at.notInText(flaws[i]))
			return nil
		}
		if sum != at.text.crc32 {
			return &unprovenError{o}
		}
		if sc.fits(at) {
			sc.begin(o, 0)
			if _, err := sc.decode(ctx, sc.text, true); err != nil {
				return err
			}
		} else if err := sc.more(ctx, nil, true); err != nil {
			return err
		}
		sc.ends = append(sc.ends, end{original: o, from: at})
		return nil
	}
	begin()
	err := sc.eachText(ctx, ats, func(text []byte) error {
		sum = crc32.Update(sum, crc32.IEEETable, text)
		switch {
		case flaws != nil && flaws[i] != "":
			return nil
		case sc.fits(&ats[i]):
			sc.text = append(sc.text, text...)
			return nil
		}
		return sc.more(ctx, text, false)
	}, func() error {
		err := end()
		i++
		begin()
		return err
	})
	var flaw *textError
	switch {
	case !errors.As(err, &flaw):
		return err
	case !prove:
		return &unprovenError{&originals[min(i, len(originals)-1)]}
	}
	for ; i < len(originals); i++ { // none of the output was good
		sc.refuse(&originals[i], ats[i].notInText(flaw.Error()))
	}
	return nil
}

// fits says that the text of an original inside a recompressed output is held in memory until it is proven.
func (sc *scanner) fits(at *original) bool { return at.text.bytes <= int64(sc.rd.budget.wholeText) }

func (o *original) notInText(flaw string) Refusal {
	return Refusal{Reason: string(validate.ReasonBadCRC), Detail: fmt.Sprintf("%s does not hold it: %s", name(o.at.bucket, o.at.key), flaw)}
}

// proveText says for each original of a recompressed output why it must not be
// loaded, "" where it may.
func (sc *scanner) proveText(ctx context.Context, ats []original) ([]string, error) {
	flaws := make([]string, len(ats))
	i, sum := 0, uint32(0)
	err := sc.eachText(ctx, ats, func(text []byte) error {
		sum = crc32.Update(sum, crc32.IEEETable, text)
		return nil
	}, func() error {
		if sum != ats[i].text.crc32 {
			flaws[i] = "its text is not that of its receipt"
		}
		i, sum = i+1, 0
		return nil
	})
	var flaw *textError
	if errors.As(err, &flaw) {
		for i := range flaws {
			flaws[i] = flaw.Error()
		}
		err = nil
	}
	return flaws, err
}

// textError is a fault of the bytes of a recompressed output.
type textError struct{ err error }

func (e *textError) Error() string { return "it can't be inflated: " + e.err.Error() }

// eachText inflates a recompressed output to its end and hands on the text of
// each original, in their order, as it comes, and then its end.
func (sc *scanner) eachText(ctx context.Context, ats []original, text func([]byte) error, end func() error) error {
	first := &ats[0]
	sc.pause()
	body, err := sc.rd.get(ctx, first.at, first.atETag, 0, 0)
	if err != nil {
		return errors.Join(err, sc.work(ctx))
	}
	defer body.Close()
	if err := sc.work(ctx); err != nil {
		return err
	}
	prover := validate.NewProver()
	i, at := 0, int64(0) // the original that comes next, and the place in the text
	ended := func() error {
		for i < len(ats) && at >= ats[i].offset+ats[i].text.bytes {
			i++
			if err := end(); err != nil {
				return err
			}
		}
		return nil
	}
	prover.EachData = func(b []byte) error {
		for len(b) > 0 && i < len(ats) {
			to := ats[i].offset // of what lies between two originals
			own := at >= to
			if own {
				to += ats[i].text.bytes
			}
			n := int(min(int64(len(b)), to-at))
			if own {
				if err := text(b[:n]); err != nil {
					return err
				}
			}
			b, at = b[n:], at+int64(n)
			if err := ended(); err != nil {
				return err
			}
		}
		return nil
	}
	_, err = prover.GzipStream(&pausingReader{ctx: ctx, sc: sc, r: body})
	if fault := (*validate.GzipError)(nil); errors.As(err, &fault) {
		return &textError{fault}
	}
	if err == nil {
		err = ended()
	}
	if err == nil && i < len(ats) {
		return &textError{errors.New("its text ends early")}
	}
	return noSentinel(err)
}

// pausingReader leaves the scanner's place to another one while it waits for its source.
type pausingReader struct {
	ctx context.Context
	sc  *scanner
	r   io.Reader
}

func (p *pausingReader) Read(b []byte) (int, error) {
	p.sc.pause()
	n, err := p.r.Read(b)
	if werr := p.sc.work(p.ctx); werr != nil {
		return n, werr
	}
	return n, err
}
