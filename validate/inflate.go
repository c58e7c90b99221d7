package validate

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
)

// inflater decodes raw deflate data (RFC 1951). Nothing else here knows the decoder behind it.
type inflater struct {
	decoder io.ReadCloser
}

func newInflater() inflater { return inflater{decoder: flate.NewReader(eofReader{})} }

// inflate decodes one deflate stream from src into dst, which must not fail, and leaves src at the byte after its final
// block. Invalid data is a corruptError; data that ends before the final block does is io.ErrUnexpectedEOF.
func (f inflater) inflate(dst io.Writer, src byteReader) error {
	if err := f.decoder.(flate.Resetter).Reset(src, nil); err != nil {
		return fmt.Errorf("reset deflate decoder: %w", err)
	}
	if _, err := io.Copy(dst, f.decoder); err != nil { // through its WriteTo: without another buffer
		return decoderError(err)
	}
	return nil
}

// decoderError puts the decoder's errors into the terms of inflate.
func decoderError(err error) error {
	var at flate.CorruptInputError
	var internal flate.InternalError
	switch {
	case errors.As(err, &at):
		return corruptError{offset: int64(at)}
	case errors.As(err, &internal): // an impossible code in the data
		return corruptError{}
	}
	return err
}

// corruptError is invalid deflate data.
type corruptError struct {
	offset int64 // from the beginning of the deflate data; at most a few bytes past the fault
}

func (e corruptError) Error() string { return fmt.Sprintf("invalid deflate data at byte %d", e.offset) }

// eofReader is a source without data.
type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }
func (eofReader) ReadByte() (byte, error)  { return 0, io.EOF }
