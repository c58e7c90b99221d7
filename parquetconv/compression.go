package parquetconv

import (
	"bytes"
	"io"
	"strings"

	"github.com/s3compact/s3compact/parquetconv/zstdtext"
	"github.com/s3compact/s3compact/validate"
)

// isGzip and isZstd say how an object is read, by its name.
func isGzip(key string) bool { return strings.HasSuffix(key, ".gz") }
func isZstd(key string) bool { return strings.HasSuffix(key, ".zst") }

// compressed says that an original's bytes are not its text.
func (o *original) compressed() bool { return o.gzip || o.zstd }

// eachText hands on the text of an original in pieces, to its end, from the
// bytes that hold it. Text comes before all of it is proven. An error that
// broken knows says that the bytes are to blame.
func (o *original) eachText(stored io.Reader, take func(text []byte) error) error {
	switch {
	case o.zstd:
		return zstdtext.NewDecoder().Each(stored, take)
	case o.gzip:
		prover := validate.NewProver()
		prover.EachData = take
		_, err := prover.GzipStream(stored)
		return err
	}
	_, err := io.Copy(writerFunc(take), stored)
	return err
}

// writerFunc is a function that takes what is written.
type writerFunc func([]byte) error

func (f writerFunc) Write(b []byte) (int, error) { return len(b), f(b) }

// proveZstd is prove for zstd.
func (sc *scanner) proveZstd(stored []byte) (b []byte, inflated bool, refusal *Refusal, err error) {
	if sc.zstd == nil {
		sc.zstd = zstdtext.NewDecoder()
	}
	sc.text = sc.text[:0]
	long := false
	err = sc.zstd.Each(bytes.NewReader(stored), func(text []byte) error {
		if long = long || len(sc.text)+len(text) > sc.rd.budget.wholeText; !long {
			sc.text = append(sc.text, text...)
		}
		return nil
	})
	if err != nil {
		refusal, err = broken(err)
		return nil, false, refusal, err
	}
	if long {
		return stored, false, nil, nil
	}
	return sc.text, true, nil, nil
}
