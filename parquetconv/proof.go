package parquetconv

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/singlegzip"
	"github.com/s3compact/s3compact/parquetconv/zstdtext"
	"github.com/s3compact/s3compact/validate"
)

// broken tells an error that says something of an original from others.
func broken(err error) (*Refusal, error) {
	var fault *validate.GzipError
	var flaw *zstdtext.Error
	switch {
	case errors.As(err, &fault):
		return &Refusal{Reason: string(fault.Reason), Detail: fmt.Sprintf("at byte %d: %s", fault.Offset, fault.Detail)}, nil
	case errors.As(err, &flaw):
		return &Refusal{Reason: string(flaw.Reason), Detail: flaw.Error()}, nil
	case errors.Is(err, singlegzip.ErrMismatch):
		return mismatch(err), nil
	}
	return nil, err
}

func mismatch(err error) *Refusal {
	return &Refusal{Reason: string(validate.ReasonCorrupt), Detail: err.Error()}
}

func (o *original) notItsReceipt() *Refusal {
	return &Refusal{Reason: string(validate.ReasonBadCRC), Detail: fmt.Sprintf("its bytes in %s are not those of its receipt", name(o.at.bucket, o.at.key))}
}

func encodeCRC64(crc uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc))
}

// proveBig reads a big original to its end and says why it must not be loaded, if so.
func (rd *reader) proveBig(ctx context.Context, at *original) (*Refusal, error) {
	body, err := rd.open(ctx, at)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if at.zstd {
		return broken(at.eachText(body, func([]byte) error { return nil }))
	}
	proof, err := validate.NewProver().GzipStream(body)
	if refusal, err := broken(err); refusal != nil || err != nil {
		return refusal, err
	}
	if at.crc64 != "" && at.crc64 != encodeCRC64(proof.CRC64) {
		return at.notItsReceipt(), nil
	}
	return nil, nil
}

// open is a reader of an original's bytes. An error that gone knows means that
// it is not where it was said to be.
func (rd *reader) open(ctx context.Context, at *original) (io.ReadCloser, error) {
	body, err := rd.get(ctx, at.at, at.atETag, at.offset, at.rangeBytes())
	if err != nil {
		return nil, err
	}
	back, err := at.rebuilt(body)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{back, body}, nil
}
