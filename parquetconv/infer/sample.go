// Package infer looks at a bounded sample of a conversion's sources: it writes
// a schema file that fits them, and tells what a schema would do to them.
package infer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/zstdtext"
	"github.com/s3compact/s3compact/validate"
)

// The usual size of a sample.
const (
	DefaultSources = 64
	DefaultBytes   = 1 << 20 // of each
)

// Options say what to take the sample of.
type Options struct {
	Stores  parquetconv.Stores
	Sources []parquetconv.Source
	State   s3store.Location      // nothing below it is a source; may be empty
	Format  schema.Format         // what the sources hold, see parquetconv.Finder
	Match   func(key string) bool // which objects are sources, see there

	// The sample is the first MaxBytes of text of MaxSources sources, which are
	// spread evenly over all in key order. Its memory is their product, and
	// while it is read Concurrency × MaxBytes more. No source is read beyond
	// MaxBytes stored bytes.
	MaxSources  int
	MaxBytes    int64
	Concurrency int
	Progress    parquetconv.Progress // may be nil
}

// Sample is the beginnings of some sources, in key order.
type Sample struct {
	Format      schema.Format // the default where it is empty
	Texts       []Text
	Sources     int64 // that there are in all
	StoredBytes int64 // of all
	Ignored     int64 // objects that are no sources
}

// Text is the beginning of a source.
type Text struct {
	Source parquetconv.SourceObject
	Bytes  []byte
	Cut    bool            // the source goes on
	Reason validate.Reason // stable word, where it cannot be read; then there are no Bytes
	Detail string          // of Reason
}

// Read takes the sample. The same objects give the same sample.
func Read(ctx context.Context, o Options) (*Sample, error) {
	s := &Sample{Format: o.Format}
	chosen := thinner{limit: max(1, o.MaxSources)}
	sources := slices.Clone(o.Sources)
	slices.SortStableFunc(sources, func(a, b parquetconv.Source) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
	var err error
	find := parquetconv.Finder{Stores: o.Stores, Sources: sources, State: o.State, Format: o.Format, Match: o.Match, Concurrency: o.Concurrency}
	s.Ignored, err = find.Each(ctx, func(object parquetconv.SourceObject) error {
		s.Sources++
		s.StoredBytes += object.SizeBytes
		chosen.add(object)
		return nil
	})
	if err != nil {
		return nil, err
	}
	objects := chosen.spread()
	if o.Progress != nil {
		o.Progress.Total(int64(len(objects)), 0)
	}
	s.Texts = make([]Text, len(objects))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, o.Concurrency))
	for i, object := range objects {
		g.Go(func() (err error) {
			s.Texts[i], err = beginning(gctx, o, object)
			if o.Progress != nil {
				o.Progress.Add(1, 0)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return s, ctx.Err()
}

// beginning reads the first bytes of an object.
func beginning(ctx context.Context, o Options, object parquetconv.SourceObject) (Text, error) {
	t := Text{Source: object}
	store := o.Stores.Local
	if object.Bucket != "" {
		store = o.Stores.S3
	}
	length := min(object.SizeBytes, max(1, o.MaxBytes))
	body, _, err := store.Get(ctx, object.Bucket, object.Key, s3store.GetOptions{IfMatch: object.ETag, LengthBytes: length})
	switch {
	case errors.Is(err, s3store.ErrNotFound) || errors.Is(err, s3store.ErrPrecondition):
		t.Reason, t.Detail = reasonChanged, "it changed while the sample was taken"
		return t, nil
	case err != nil:
		return t, fmt.Errorf("sample %s: %w", object, err)
	}
	defer body.Close()
	stored := make([]byte, length)
	if _, err := io.ReadFull(body, stored); err != nil {
		return t, fmt.Errorf("sample %s: %w", object, err)
	}
	t.Bytes, t.Cut = stored, length < object.SizeBytes
	switch {
	case object.Gzip():
		t.inflate(stored, max(1, o.MaxBytes))
	case object.Zstd():
		t.unzstd(stored, max(1, o.MaxBytes))
	}
	return t, nil
}

// inflate makes the text of the beginning of a gzip object, at most limit bytes of it.
func (t *Text) inflate(stored []byte, limit int64) {
	t.Bytes = nil
	var text bytes.Buffer
	zr, err := gzip.NewReader(bytes.NewReader(stored))
	if err == nil {
		_, err = io.Copy(&text, io.LimitReader(zr, limit+1))
	}
	switch {
	case int64(text.Len()) > limit:
		t.Bytes, t.Cut = text.Bytes()[:limit], true
	case err == nil, t.Cut && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)):
		t.Bytes = text.Bytes()
	default:
		t.Reason, t.Detail = gzipReason(err, stored, text.Len()), fmt.Sprintf("inflate: %v", err)
	}
}

// errEnough ends the reading of a text early.
var errEnough = errors.New("enough")

// unzstd is inflate for zstd.
func (t *Text) unzstd(stored []byte, limit int64) {
	t.Bytes = nil
	var out []byte
	err := zstdtext.NewDecoder().Each(bytes.NewReader(stored), func(text []byte) error {
		out = append(out, text[:min(int64(len(text)), limit+1-int64(len(out)))]...)
		if int64(len(out)) > limit {
			return errEnough
		}
		return nil
	})
	var fault *zstdtext.Error
	switch isFault := errors.As(err, &fault); {
	case errors.Is(err, errEnough):
		t.Bytes, t.Cut = out[:limit], true
	case isFault && !(t.Cut && fault.Reason == validate.ReasonTruncated):
		t.Reason, t.Detail = fault.Reason, fault.Error()
	default:
		t.Bytes = out
	}
}

// reasonChanged is the reason of a source that is no longer what was listed.
const reasonChanged validate.Reason = "changed"

// gzipReason says why a gzip was given up after some bytes of text.
func gzipReason(err error, stored []byte, textBytes int) validate.Reason {
	switch {
	case !bytes.HasPrefix(stored, []byte("\x1f\x8b")): // RFC 1952 section 2.3.1
		return validate.ReasonNotGzip
	case errors.Is(err, gzip.ErrHeader) && textBytes > 0:
		return validate.ReasonTrailingBytes
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return validate.ReasonTruncated
	case errors.Is(err, gzip.ErrChecksum):
		return validate.ReasonBadCRC
	}
	return validate.ReasonCorrupt
}

// thinner keeps sources that are spread evenly over a sequence whose length is
// not known, at most twice the limit of them.
type thinner struct {
	limit int
	every int64 // one of so many is kept
	seen  int64
	kept  []parquetconv.SourceObject
}

func (t *thinner) add(o parquetconv.SourceObject) {
	t.every = max(1, t.every)
	if t.seen%t.every == 0 {
		t.kept = append(t.kept, o)
	}
	t.seen++
	if len(t.kept) <= 2*t.limit {
		return
	}
	t.every *= 2
	half := t.kept[:0]
	for i, k := range t.kept {
		if i%2 == 0 {
			half = append(half, k)
		}
	}
	t.kept = half
}

// spread returns at most limit of them in key order, each once.
func (t *thinner) spread() []parquetconv.SourceObject {
	order := func(a, b parquetconv.SourceObject) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	}
	slices.SortFunc(t.kept, order)
	kept := slices.CompactFunc(t.kept, func(a, b parquetconv.SourceObject) bool { return order(a, b) == 0 })
	n := min(t.limit, len(kept))
	out := make([]parquetconv.SourceObject, n)
	for i := range out {
		out[i] = kept[i*(len(kept)-1)/max(1, n-1)]
	}
	return out
}
