package table

import (
	"context"
	"errors"
)

// Writer gathers rows by partition and writes them as Parquet files. Add and
// Finish are called from one goroutine.
type Writer struct {
	ctx     context.Context
	options Options
}

// NewWriter makes a writer. Options that cannot be met are told by Add. The
// work stops when ctx ends. Close must be called.
func NewWriter(ctx context.Context, o Options) *Writer {
	return &Writer{ctx: ctx, options: o}
}

// Add gathers the rows of a block, and takes the block over. It waits while
// the encoders are behind. After an error only Close is allowed.
func (w *Writer) Add(b *Block) error { return errors.ErrUnsupported }

// Finish writes what was gathered and closes all files. They are in order of
// their partitions' first occurrence, and within a partition in order of its
// rows. Their rows are counted in the footers as written: it is an error when
// they are not as many as were added to the partition.
func (w *Writer) Finish() ([]File, error) { return nil, errors.ErrUnsupported }

// Close stops what is running and frees the temporary files. It comes after
// Finish, when the files are no longer needed, or in place of it.
func (w *Writer) Close() error { return nil }
