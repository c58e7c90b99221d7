package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/parquetconv/rows"
	"github.com/s3compact/s3compact/parquetconv/table"
)

// batchWriter does one attempt at a batch up to its commit.
type batchWriter struct {
	run     *run
	batch   batchID
	nonce   string
	attempt int
	budget  budget
	// proveFirst has big sources proven before a row of them is taken. Without
	// it they are read once, and an attempt that took rows of a broken one fails.
	proveFirst bool

	reader  *reader
	table   *table.Writer
	files   []table.File
	rejects *rejectWriter
	rows    map[int]int64 // read, by number of the original
	commit  *Commit
	uploads []*upload

	// What Progress was told.
	toldObjects, toldBytes int64
}

func newBatchWriter(r *run, b batchID, attempt int, proveFirst bool) *batchWriter {
	w := &batchWriter{run: r, batch: b, nonce: newNonce(), attempt: attempt, budget: newBudget(r.MemoryBytes), proveFirst: proveFirst, rows: map[int]int64{}}
	if r.tuneBudget != nil {
		r.tuneBudget(&w.budget)
	}
	return w
}

// write reads the sources, writes their rows to files and uploads those, not
// yet visible. The commit it returns is to be written next.
func (w *batchWriter) write(ctx context.Context, sources []planSource) (*Commit, error) {
	w.commit = &Commit{Type: "commit", Plan: w.batch.plan, Batch: w.batch.batch, Attempt: w.attempt, Nonce: w.nonce}
	w.commit.Counts.BadValues, w.commit.Counts.Rejects = map[string]int64{}, map[string]int64{}

	// The writer outlives the group: its files are uploaded afterwards.
	w.table = table.NewWriter(ctx, w.run.tableOptions(w.budget))
	w.rejects = &rejectWriter{}
	g, gctx := errgroup.WithContext(ctx)
	w.reader = newReader(w, g)
	w.reader.start(gctx, sources)
	g.Go(func() error { return w.collect(gctx, w.reader) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rejectBytes, err := w.check()
	if err != nil {
		return nil, err
	}
	return w.commit, w.upload(ctx, rejectBytes)
}

// tableOptions are those of the table's writer.
func (r *run) tableOptions(b budget) table.Options {
	files, _ := r.Schema.Arrow()
	o := table.Options{Schema: files, MemoryBytes: b.tableBytes, Writers: b.scans, Bloom: r.Schema.Bloom, MaxOpenPartitions: r.MaxOpenPartitions}
	for _, s := range r.Schema.SortBy {
		o.SortBy = append(o.SortBy, table.Sort{Column: s.Column, Descending: s.Descending})
	}
	return o
}

// collect takes what was read, in the order of the sources.
func (w *batchWriter) collect(ctx context.Context, rd *reader) error {
	for {
		s, ok, err := receive(ctx, rd.streams)
		if err != nil {
			return err
		}
		if !ok {
			return w.tooManyRejects(true)
		}
		if err := s.each(ctx, func(i item) error { return w.take(s, i) }); err != nil {
			return err
		}
		rd.collected()
	}
}

// take adds an item to the batch.
func (w *batchWriter) take(s *stream, i item) error {
	if i.block != nil {
		if err := w.takeBlock(s, i.block); err != nil {
			return err
		}
	}
	for _, e := range i.ends {
		w.takeEnd(e)
	}
	return nil
}

func (w *batchWriter) takeBlock(s *stream, b *rows.Block) error {
	c := &w.commit.Counts
	c.RowsIn += b.RowsIn
	c.RowsRejected += int64(len(b.Rejects))
	for column, n := range b.BadValues {
		if n > 0 {
			c.BadValues[w.run.Schema.Columns[column].Name] += n
		}
	}
	rejects := b.Rejects
	for _, run := range b.Sources {
		w.rows[run.Source] += run.RowsIn
		if err := w.rejects.add(s.original(run.Source).origin, rejects[:run.Rejects]); err != nil {
			return err
		}
		rejects = rejects[run.Rejects:]
	}
	for _, r := range b.Rejects {
		c.Rejects[r.Reason]++
	}
	if err := w.tooManyRejects(false); err != nil {
		return err
	}
	if b.Rows == 0 {
		return nil
	}
	return w.table.Add(&b.Block)
}

func (w *batchWriter) takeEnd(e end) {
	o := e.original
	if e.refused != nil {
		w.commit.Refused = append(w.commit.Refused, *e.refused)
	} else {
		in := Input{Bucket: o.bucket, Key: o.key, ETag: o.etag, Size: o.size, Rows: w.rows[o.number]}
		if e.from.inside() {
			in.Output, in.Offset = name(e.from.at.bucket, e.from.at.key), e.from.offset
		}
		w.commit.Inputs = append(w.commit.Inputs, in)
		w.commit.Counts.BytesIn += in.Size
	}
	delete(w.rows, o.number)
	var objects int64
	if o.last {
		objects = 1
	}
	w.tell(objects, o.size)
}

// tell adds to the progress.
func (w *batchWriter) tell(objects, bytes int64) {
	w.toldObjects += objects
	w.toldBytes += bytes
	if w.run.Progress != nil {
		w.run.Progress.Add(objects, bytes)
	}
}

// check closes the files, whose rows are counted in their footers as written:
// rows in = rows out + rejects, or the batch fails.
func (w *batchWriter) check() (rejectBytes int64, err error) {
	if w.files, err = w.table.Finish(); err != nil {
		return 0, err
	}
	c := &w.commit.Counts
	for _, f := range w.files {
		c.RowsOut += f.Rows
	}
	if c.RowsIn != c.RowsOut+c.RowsRejected {
		return 0, fmt.Errorf("%d rows were read, but %d are in the files and %d rejected: nothing was committed", c.RowsIn, c.RowsOut, c.RowsRejected)
	}
	return w.rejects.close()
}

// upload sends all files, several at once, without completing them.
func (w *batchWriter) upload(ctx context.Context, rejectBytes int64) error {
	folder := w.run.Table
	for n, f := range w.files {
		key := folder.Key + f.Partition
		if f.Partition != "" {
			key += "/"
		}
		key += fmt.Sprintf("part-%s-%s-%d.parquet", w.batch, w.nonce, n+1)
		w.uploads = append(w.uploads, &upload{output: Output{Key: key, Size: f.SizeBytes, Rows: f.Rows}, file: f})
	}
	if w.rejects.rows > 0 {
		key := fmt.Sprintf("%s%srejects/rejects-%s-%s.jsonl.gz", folder.Key, StateFolder, w.batch, w.nonce)
		w.uploads = append(w.uploads, &upload{output: Output{Key: key, Size: rejectBytes, Rows: w.rejects.rows, Rejects: true}, file: w.rejects.temp})
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploadsAtOnce)
	store := w.run.Stores.of(folder.Bucket)
	for _, u := range w.uploads {
		g.Go(func() error { return u.send(gctx, store, folder.Bucket) })
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

// maxPathBytes is how long a partition's path may be, so that its files can have
// the names that upload gives them.
func (r *run) maxPathBytes() int {
	const maxKeyBytes, maxLocalBytes = 1024, 4095
	most := maxKeyBytes
	if r.Table.Bucket == "" {
		most = maxLocalBytes - len("/")
	}
	longest := fmt.Sprintf("/part-%s-%s-%d.parquet", batchID{1, maxBatches}, newNonce(), 9_999_999)
	return max(1, most-len(r.Table.Key)-len(longest))
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

// mayBeBroken says whether an error of write may be owed to a big source that
// is broken, and would not be there had it been proven first.
func (w *batchWriter) mayBeBroken(err error) bool {
	var unproven *unprovenError
	var fail *rows.FailError
	switch {
	case w.proveFirst:
		return false
	case errors.As(err, &unproven):
		return true
	}
	return w.reader.unproven.Load() && (errors.As(err, &fail) || errors.Is(err, errTooManyRejects))
}

// giveUp ends an attempt that another one follows.
func (w *batchWriter) giveUp(ctx context.Context) {
	w.abort(ctx)
	w.tell(-w.toldObjects, -w.toldBytes)
	w.close()
}

// close frees the temporary files.
func (w *batchWriter) close() {
	var err error
	if w.table != nil {
		err = w.table.Close()
	}
	if w.rejects != nil {
		err = errors.Join(err, w.rejects.free())
	}
	if err != nil {
		w.run.Log.Debug("close temporary files", "error", err)
	}
}
