package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// readText reads originals out of the text of a recompressed output, which is
// inflated twice: to prove each of them, then to decode those that are proven. An
// error that gone knows means that nothing of it was read.
func (rd *reader) readText(ctx context.Context, t task, tools *tools, s *stream) error {
	broken := make([]error, len(t.originals))
	err := rd.eachText(ctx, t, tools, func(i int, text io.Reader) error {
		sum := crc32.NewIEEE()
		if _, err := io.Copy(sum, text); err != nil {
			return err
		}
		if sum.Sum32() != t.originals[i].text.crc32 {
			broken[i] = errors.New("its text is not that of its receipt")
		}
		return nil
	})
	var flaw *textError
	switch {
	case errors.As(err, &flaw): // what comes behind the flaw can't be read either
		for i := range broken {
			broken[i] = errors.Join(broken[i], flaw)
		}
	case err != nil:
		return err
	}
	at := 0
	refuse := func(to int) error { // those before to, which are broken
		for ; at < to; at++ {
			o := &t.originals[at]
			detail := fmt.Sprintf("%s does not hold it: %v", name(o.at.bucket, o.at.key), broken[at])
			if err := rd.refuse(ctx, o, string(validate.ReasonBadCRC), detail, s, t.last && at == len(t.originals)-1); err != nil {
				return err
			}
		}
		return nil
	}
	if flaw == nil {
		err = rd.eachText(ctx, t, tools, func(i int, text io.Reader) error {
			if broken[i] != nil {
				return nil
			}
			if err := refuse(i); err != nil {
				return err
			}
			at++
			return rd.decode(ctx, &t.originals[i], text, tools, s, t.last && i == len(t.originals)-1)
		})
		if err != nil {
			return err
		}
	}
	return refuse(len(t.originals))
}

// textError is a fault of the bytes of a recompressed output.
type textError struct{ err error }

func (e *textError) Error() string { return "it can't be inflated: " + e.err.Error() }

// eachText inflates a recompressed output to its end and hands on the text of each original, in their order.
func (rd *reader) eachText(ctx context.Context, t task, tools *tools, each func(i int, text io.Reader) error) error {
	first := &t.originals[0]
	body, _, err := rd.run.Stores.of(first.at.bucket).Get(ctx, first.at.bucket, first.at.key, s3store.GetOptions{IfMatch: first.atETag})
	if err != nil {
		return err
	}
	defer body.Close()
	in := &faultReader{r: body}
	text := &inflating{in: in, r: tools.gzip}
	if err := tools.gzip.Reset(in); err != nil {
		return text.judge(err)
	}
	at := int64(0)
	for i := range t.originals {
		o := &t.originals[i]
		if _, err := io.CopyN(io.Discard, text, o.offset-at); err != nil {
			return text.ended(err)
		}
		own := &io.LimitedReader{R: text, N: o.text.bytes}
		if err := each(i, own); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, own); err != nil || own.N > 0 {
			return text.ended(errors.Join(err, fmt.Errorf("its text ends %d bytes early", own.N)))
		}
		at = o.offset + o.text.bytes
	}
	_, err = io.Copy(io.Discard, text) // to its checksum
	return err
}

// inflating is a gzip reader whose faults are told from those of its source.
type inflating struct {
	in *faultReader
	r  io.Reader
}

func (t *inflating) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	return n, t.judge(err)
}

func (t *inflating) judge(err error) error {
	if err == nil || err == io.EOF || t.in.err != nil { //nolint:errorlint // a wrapped one is the source's own
		return err
	}
	return &textError{err}
}

// ended is the error of text that is too short.
func (t *inflating) ended(err error) error {
	var flaw *textError
	if errors.As(err, &flaw) || t.in.err != nil {
		return err
	}
	return &textError{err}
}

// faultReader remembers an error of its source, but for its end.
type faultReader struct {
	r   io.Reader
	err error
}

func (f *faultReader) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped one is a fault
		f.err = err
	}
	return n, err
}
