// Package zstdtext reads the text of zstd (RFC 8878): frames one behind the
// other, each proven by its checksum where it has one.
package zstdtext

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/s3compact/s3compact/validate"
)

// The reasons beside those of package validate.
const (
	ReasonNotZstd    validate.Reason = "not_zstd"   // does not begin with a zstd frame
	ReasonWindow     validate.Reason = "window"     // a frame that needs more than MaxWindowBytes
	ReasonDictionary validate.Reason = "dictionary" // a frame that needs a dictionary
)

// MaxWindowBytes is how much text a frame may refer back to: as much as the
// command zstd takes when it is not asked for more (--long=27). It is the
// memory of a Decoder, beside about 1 MiB; few frames ask for more than 8 MiB.
const MaxWindowBytes = 128 << 20

// Error is a fault of the bytes.
type Error struct {
	Reason    validate.Reason
	TextBytes int64 // that were read before it
	Err       error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v, after %d bytes of text", e.Err, e.TextBytes)
}

func (e *Error) Unwrap() error { return e.Err }

// Decoder reads one text after another. It is not safe for concurrent use.
type Decoder struct {
	frames *zstd.Decoder
	text   []byte
}

// NewDecoder makes a decoder; it has no goroutines, and needs no closing.
func NewDecoder() *Decoder {
	frames, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(MaxWindowBytes))
	if err != nil {
		panic(fmt.Sprintf("zstdtext: options of the decoder: %v", err)) // they are constants
	}
	return &Decoder{frames: frames, text: make([]byte, textBytes)}
}

// textBytes is how much text is handed on at once, at most.
const textBytes = 256 << 10

// Each hands on the text in pieces, which are not to be kept, up to the end of
// the source. Text of a frame comes before its checksum is looked at. The error
// is an *Error where the bytes are to blame, else that of the source or of take.
func (d *Decoder) Each(source io.Reader, take func(text []byte) error) error {
	from := &tracked{source: source}
	if err := d.frames.Reset(from); err != nil {
		return err
	}
	defer func() { _ = d.frames.Reset(nil) }() // lets go of the source; it can't fail
	var total int64
	for {
		n, err := d.frames.Read(d.text)
		total += int64(n)
		if n > 0 {
			if err := take(d.text[:n]); err != nil {
				return err
			}
		}
		switch {
		case from.err != nil:
			return from.err
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &Error{Reason: from.reason(err), TextBytes: total, Err: err}
		}
	}
}

// tracked is a source that remembers how it began, and its error.
type tracked struct {
	source io.Reader
	head   []byte
	err    error // but for its end
}

func (t *tracked) Read(b []byte) (int, error) {
	n, err := t.source.Read(b)
	t.head = append(t.head, b[:min(n, magicBytes-len(t.head))]...)
	if err != nil && err != io.EOF {
		t.err = err
	}
	return n, err
}

const magicBytes = 4

// begins says whether the source begins as a frame does, or as a skippable one.
func (t *tracked) begins() bool {
	h := t.head
	if len(h) < magicBytes {
		return false
	}
	return string(h) == "\x28\xb5\x2f\xfd" || h[0]&0xf0 == 0x50 && string(h[1:]) == "\x2a\x4d\x18"
}

// reason is the word for what the decoder found.
func (t *tracked) reason(err error) validate.Reason {
	switch {
	case !t.begins():
		return ReasonNotZstd
	case errors.Is(err, zstd.ErrMagicMismatch):
		return validate.ReasonTrailingBytes
	case errors.Is(err, io.ErrUnexpectedEOF):
		return validate.ReasonTruncated
	case errors.Is(err, zstd.ErrCRCMismatch):
		return validate.ReasonBadCRC
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return ReasonWindow
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return ReasonDictionary
	}
	return validate.ReasonCorrupt
}
