package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/parquetconv/linerows"
)

// batchWriter does one attempt at a batch up to its commit.
type batchWriter struct {
	run     *run
	batch   batchID
	nonce   string
	attempt int
	budget  budget

	gather  *gatherer
	rejects *rejectWriter
	commit  *Commit
	uploads []*upload
}

func newBatchWriter(r *run, b batchID, attempt int) *batchWriter {
	return &batchWriter{run: r, batch: b, nonce: newNonce(), attempt: attempt, budget: newBudget(r.MemoryBytes, r.Concurrency)}
}

// write reads the sources, writes their rows to files and uploads those, not
// yet visible. The commit it returns is to be written next.
func (w *batchWriter) write(ctx context.Context, sources []planSource) (*Commit, error) {
	w.commit = &Commit{Type: "commit", Plan: w.batch.plan, Batch: w.batch.batch, Attempt: w.attempt, Nonce: w.nonce}
	w.commit.Counts.BadValues, w.commit.Counts.Rejects = map[string]int64{}, map[string]int64{}

	g, gctx := errgroup.WithContext(ctx)
	w.gather = newGatherer(gctx, g, w.run.Schema, w.budget)
	w.rejects = &rejectWriter{}
	streams := make(chan *stream, w.run.Concurrency)
	reader := newReader(w.run, w.budget, g, streams)
	g.Go(func() error {
		defer close(streams)
		return reader.start(gctx, sources)
	})
	g.Go(func() error {
		if err := w.collect(gctx, streams); err != nil {
			return err
		}
		return w.gather.flushAll()
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	return w.commit, w.upload(ctx)
}

// collect takes what was read, in the order of the sources.
func (w *batchWriter) collect(ctx context.Context, streams <-chan *stream) error {
	for s := range streams {
		for {
			item, ok, err := s.next(ctx)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := w.take(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// take adds an item to the batch: a block of rows, or an original's end.
func (w *batchWriter) take(item item) error {
	c := &w.commit.Counts
	if item.refused != nil {
		w.commit.Refused = append(w.commit.Refused, *item.refused)
	}
	if item.input != nil {
		w.commit.Inputs = append(w.commit.Inputs, *item.input)
		c.BytesIn += item.input.Size
	}
	if w.run.Progress != nil && (item.objects > 0 || item.bytes > 0) {
		w.run.Progress.Add(item.objects, item.bytes)
	}
	if item.block == nil {
		return nil
	}
	b := item.block
	c.RowsIn += b.RowsIn
	c.RowsRejected += int64(len(b.Rejects))
	for _, r := range b.Rejects {
		c.Rejects[r.Reason]++
	}
	for column, n := range b.BadValues {
		c.BadValues[w.run.Schema.Columns[column].Name] += n
	}
	if err := w.rejects.add(item.from, b.Rejects); err != nil {
		return err
	}
	return w.gather.add(b)
}

// check closes the files and counts their rows from the footers as written:
// rows in = rows out + rejects, or the batch fails.
func (w *batchWriter) check() error {
	c := &w.commit.Counts
	for _, p := range w.gather.order {
		var written int64
		for _, f := range p.files {
			if err := f.close(); err != nil {
				return fmt.Errorf("close a file of partition %q: %w", p.path, err)
			}
			n, err := f.footerRows()
			if err != nil {
				return fmt.Errorf("read back a file of partition %q: %w", p.path, err)
			}
			f.rows = n
			written += n
		}
		if written != p.rows {
			return fmt.Errorf("partition %q: the files hold %d rows instead of %d: nothing was committed", p.path, written, p.rows)
		}
		c.RowsOut += written
	}
	if c.RowsIn != c.RowsOut+c.RowsRejected {
		return fmt.Errorf("%d rows were read, but %d are in the files and %d rejected: nothing was committed", c.RowsIn, c.RowsOut, c.RowsRejected)
	}
	return w.rejects.close()
}

// upload sends all files, several at once, without completing them.
func (w *batchWriter) upload(ctx context.Context) error {
	table := w.run.Table
	n := 0
	for _, p := range w.gather.order {
		for _, f := range p.files {
			n++
			key := table.Key + p.path
			if p.path != "" {
				key += "/"
			}
			key += fmt.Sprintf("part-%s-%s-%d.parquet", w.batch, w.nonce, n)
			w.uploads = append(w.uploads, &upload{output: Output{Key: key, Rows: f.rows}, file: f.temp})
		}
	}
	if w.rejects.rows > 0 {
		key := fmt.Sprintf("%s%srejects/rejects-%s-%s.jsonl.gz", table.Key, StateFolder, w.batch, w.nonce)
		w.uploads = append(w.uploads, &upload{output: Output{Key: key, Rows: w.rejects.rows, Rejects: true}, file: w.rejects.temp})
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploadsAtOnce)
	store := w.run.Stores.of(table.Bucket)
	for _, u := range w.uploads {
		g.Go(func() error { return u.send(gctx, store, table.Bucket) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, u := range w.uploads {
		w.commit.Outputs = append(w.commit.Outputs, u.output)
		if !u.output.Rejects {
			w.commit.Counts.BytesOut += u.output.Size
		}
	}
	return nil
}

// abortTimeout bounds the cleaning up after a run was told to stop.
const abortTimeout = 15 * time.Second

// abort drops the uploads, even where ctx is over.
func (w *batchWriter) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(uploadsAtOnce)
	store := w.run.Stores.of(w.run.Table.Bucket)
	for _, u := range w.uploads {
		if u.output.UploadID == "" {
			continue
		}
		g.Go(func() error {
			err := store.AbortUpload(ctx, w.run.Table.Bucket, u.output.Key, u.output.UploadID)
			if err != nil && !gone(err) {
				w.run.Log.Warn("an upload is left behind; it is dropped by a run after a day", "error", err)
			}
			return nil
		})
	}
	_ = g.Wait() // its tasks return nil
}

// close frees the temporary files.
func (w *batchWriter) close() {
	var err error
	if w.gather != nil {
		err = w.gather.close()
	}
	if w.rejects != nil {
		err = errors.Join(err, w.rejects.free())
	}
	if err != nil {
		w.run.Log.Debug("close temporary files", "error", err)
	}
}

// item is a piece of what was read.
type item struct {
	from    origin
	block   *linerows.Block
	input   *Input // at the end of an original
	refused *Refusal
	// objects and bytes are what is done of the list, for the progress.
	objects, bytes int64
}
