package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/s3compact/s3compact/internal/s3store"
)

// readParquet reads the footer and three columns of a file.
func (a *answer) readParquet(ctx context.Context, store *s3store.Client, bucket string, o s3store.Object) error {
	in := &countedReaderAt{r: store.ReaderAt(ctx, bucket, o.Key, o.ETag, o.SizeBytes), n: &a.readBytes}
	pf, err := file.NewParquetReader(io.NewSectionReader(in, 0, o.SizeBytes))
	if err != nil {
		return fmt.Errorf("open s3://%s/%s: %w", bucket, o.Key, err)
	}
	defer pf.Close()
	fr, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: 64 << 10}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	var columns []int
	for _, name := range []string{"app_id", "status", "bytes"} {
		i := pf.MetaData().Schema.ColumnIndexByName(name)
		if i < 0 {
			return fmt.Errorf("s3://%s/%s has no column %q", bucket, o.Key, name)
		}
		columns = append(columns, i)
	}
	rows, err := fr.GetRecordReader(ctx, columns, nil)
	if err != nil {
		return err
	}
	defer rows.Release()
	part := map[int64]usage{}
	for rows.Next() {
		if err := sumRecords(part, rows.RecordBatch()); err != nil {
			return fmt.Errorf("read s3://%s/%s: %w", bucket, o.Key, err)
		}
	}
	if err := rows.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read s3://%s/%s: %w", bucket, o.Key, err)
	}
	a.merge(part)
	return nil
}

func sumRecords(part map[int64]usage, b arrow.RecordBatch) error {
	columns := map[string]arrow.Array{}
	for i, f := range b.Schema().Fields() {
		columns[f.Name] = b.Column(i)
	}
	apps, ok1 := columns["app_id"].(*array.Int64)
	status, ok2 := columns["status"].(*array.Int32)
	bytes, ok3 := columns["bytes"].(*array.Int64)
	if !ok1 || !ok2 || !ok3 {
		return fmt.Errorf("the columns are not of the types int64, int32, int64: %v", b.Schema())
	}
	for i := range int(b.NumRows()) {
		u := part[apps.Value(i)]
		u.requests++
		if bytes.IsValid(i) {
			u.bytes += bytes.Value(i)
		}
		if status.IsValid(i) && status.Value(i) >= 500 {
			u.errors++
		}
		part[apps.Value(i)] = u
	}
	return nil
}

// countedReaderAt counts the bytes that are read through it.
type countedReaderAt struct {
	r io.ReaderAt
	n *atomic.Int64
}

func (c *countedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}
