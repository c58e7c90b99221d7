package parquetconv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/s3store"
)

// Commit is the durable record of an attempt at a batch. Of kind "void" it
// declares the commit before it to be undone, and names what that left.
type Commit struct {
	Type       string    `json:"type"` // "commit" or "void"
	Version    int       `json:"version"`
	Plan       int       `json:"plan"`
	Batch      int       `json:"batch"`
	Attempt    int       `json:"attempt"` // from 1, voids included
	Nonce      string    `json:"nonce"`   // of the worker's attempt; part of its files' names
	Tool       string    `json:"tool"`
	SchemaHash string    `json:"schema_hash"`
	Time       time.Time `json:"time"`
	Reason     string    `json:"reason,omitempty"` // void: why

	Counts  Counts    `json:"counts"`
	Inputs  []Input   `json:"inputs,omitempty"`
	Refused []Refusal `json:"refused,omitempty"`
	Outputs []Output  `json:"outputs,omitempty"`
}

// Counts sum up a batch. RowsIn = RowsOut + RowsRejected.
type Counts struct {
	RowsIn       int64            `json:"rows_in"`
	RowsOut      int64            `json:"rows_out"` // by the footers of the files as written
	RowsRejected int64            `json:"rows_rejected"`
	Rejects      map[string]int64 `json:"rejects,omitempty"`    // rows by reason
	BadValues    map[string]int64 `json:"bad_values,omitempty"` // values that became null, by column
	BytesIn      int64            `json:"bytes_in"`             // stored
	BytesOut     int64            `json:"bytes_out"`
}

// Input is an original object that was loaded, as it was first stored.
type Input struct {
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key"`
	ETag   string `json:"etag"`
	Size   int64  `json:"size"` // stored bytes
	Rows   int64  `json:"rows"` // rejects included
	// Output and Offset say where it was read, if compaction had moved it.
	Output string `json:"output,omitempty"`
	Offset int64  `json:"offset,omitempty"`
}

// Output is a file of the table, or the batch's file of rejects.
type Output struct {
	Key      string         `json:"key"`
	Size     int64          `json:"size"`
	Rows     int64          `json:"rows"`
	Rejects  bool           `json:"rejects,omitempty"`
	CRC64    string         `json:"crc64nvme"` // base64, of the full object
	UploadID string         `json:"upload_id"`
	Parts    []s3store.Part `json:"parts"`
}

// batchID names a batch of a list.
type batchID struct{ plan, batch int }

// String is the batch's part of names.
func (b batchID) String() string { return fmt.Sprintf("%08d-%06d", b.plan, b.batch) }

// head is the newest attempt at a batch.
type head struct {
	attempt int // 0: none
	done    bool
	flawed  bool // done, but something was not loaded: the mark says what
}

// outcome is what a batch did not load. It is the content of the mark that the
// batch is done, so that later runs need not read the commit for it.
type outcome struct {
	RowsRejected int64     `json:"rows_rejected"`
	Refused      []Refusal `json:"refused,omitempty"`
}

// flawless is the mark of a batch that loaded everything. A listing tells it
// from the others by its length.
const flawless = "{}\n"

func (c *Commit) outcome() outcome {
	return outcome{RowsRejected: c.Counts.RowsRejected, Refused: c.Refused}
}

// mark is the outcome as it is stored.
func (o outcome) mark() ([]byte, error) {
	if o.RowsRejected == 0 && len(o.Refused) == 0 {
		return []byte(flawless), nil
	}
	return json.Marshal(o)
}

func commitKey(b batchID, attempt int) string {
	return fmt.Sprintf("convert/commits/%s-%04d.json.gz", b, attempt)
}

func doneKey(b batchID, attempt int) string {
	return fmt.Sprintf("convert/commits/%s-%04d.done", b, attempt)
}

// heads lists the newest attempt at each batch of a list (0: of all lists).
func (r *run) heads(ctx context.Context, plan int) (map[batchID]head, error) {
	prefix := r.place.prefix + "convert/commits/"
	under := prefix
	if plan > 0 {
		under += fmt.Sprintf("%08d-", plan)
	}
	out := map[batchID]head{}
	err := r.place.store.List(ctx, r.place.bucket, s3store.ListOptions{Prefix: under}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			var b batchID
			var attempt int
			base, extension, _ := strings.Cut(strings.TrimPrefix(o.Key, prefix), ".")
			if _, err := fmt.Sscanf(base, "%08d-%06d-%04d", &b.plan, &b.batch, &attempt); err != nil {
				continue
			}
			h := out[b]
			switch {
			case extension == "json.gz" && attempt > h.attempt:
				h = head{attempt: attempt}
			case extension == "done" && attempt >= h.attempt:
				h = head{attempt: attempt, done: true, flawed: o.SizeBytes != int64(len(flawless))}
			}
			out[b] = h
		}
		return nil
	})
	return out, err
}

// maxCommitBytes bounds a commit: a batch of a million inputs takes about 300 MB.
const maxCommitBytes = 1 << 30

func (r *run) readCommit(ctx context.Context, b batchID, attempt int) (*Commit, error) {
	key := r.place.prefix + commitKey(b, attempt)
	body, _, err := r.place.store.ReadAll(ctx, r.place.bucket, key, maxCommitBytes)
	if err != nil {
		return nil, err
	}
	c := &Commit{}
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err == nil {
		err = json.NewDecoder(io.LimitReader(zr, maxCommitBytes)).Decode(c)
	}
	if err == nil && c.Version != formatVersion {
		err = fmt.Errorf("version %d; this s3compact reads version %d: use a newer one", c.Version, formatVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("read the commit %s: %w", name(r.place.bucket, key), err)
	}
	return c, nil
}

// readOutcome says what a batch that is done did not load.
func (r *run) readOutcome(ctx context.Context, b batchID, h head) (outcome, error) {
	if !h.flawed {
		return outcome{}, nil
	}
	var out outcome
	key := r.place.prefix + doneKey(b, h.attempt)
	body, _, err := r.place.store.ReadAll(ctx, r.place.bucket, key, maxCommitBytes)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, fmt.Errorf("read %s: %w", name(r.place.bucket, key), err)
	}
	return out, nil
}

// errLost says that another worker took the attempt's number.
var errLost = errors.New("another worker committed first")

// commit writes an attempt, create-only. errLost is certain; after any other
// error it is open whether the commit is there.
func (r *run) commit(ctx context.Context, c *Commit) error {
	c.Version, c.Tool, c.SchemaHash, c.Time = formatVersion, r.Tool, r.Schema.Hash, r.now.UTC()
	var buf bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	enc := json.NewEncoder(zw)
	enc.SetEscapeHTML(false)
	if err := errors.Join(enc.Encode(c), zw.Close()); err != nil {
		return err
	}
	b := batchID{c.Plan, c.Batch}
	_, err := r.place.create(ctx, commitKey(b, c.Attempt), buf.Bytes())
	if err == nil {
		return nil
	}
	// A lost answer, or a retry after one, may hide a success.
	there, rerr := r.readCommit(ctx, b, c.Attempt)
	switch {
	case rerr == nil && there.Nonce == c.Nonce:
		return nil
	case rerr == nil:
		return errLost
	}
	return fmt.Errorf("commit batch %s: %w", b, err)
}

// lastHeadWait ends the waiting for a completed file: four looks within 150 ms.
const lastHeadWait = 80 * time.Millisecond

// errVanished says that an upload of a commit is gone and its file not there.
var errVanished = errors.New("an upload of the commit has vanished")

// complete puts all files of a commit in place, many at once, since readers see
// a part of the batch until all of them are. It may run any number of times, by
// several workers at once.
func (r *run) complete(ctx context.Context, c *Commit) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Concurrency)
	for i := range c.Outputs {
		g.Go(func() error { return r.completeOne(gctx, &c.Outputs[i]) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b := batchID{c.Plan, c.Batch}
	mark, err := c.outcome().mark()
	if err != nil {
		return err
	}
	if _, err := r.place.create(ctx, doneKey(b, c.Attempt), mark); err != nil && !errors.Is(err, s3store.ErrPrecondition) {
		return fmt.Errorf("mark batch %s as done: %w", b, err)
	}
	return nil
}

// completeOne puts a file in place and makes sure that it is the one of the
// commit. The answer to the completion alone says little: an earlier one may
// have done it, and the answer may have been lost.
func (r *run) completeOne(ctx context.Context, o *Output) error {
	store, where := r.Stores.of(r.Table.Bucket), name(r.Table.Bucket, o.Key)
	_, cerr := store.CompleteUpload(ctx, r.Table.Bucket, o.Key, o.UploadID, o.Parts, o.CRC64)
	info, err := r.headCompleted(ctx, store, o.Key)
	switch {
	case err == nil && info.SizeBytes != o.Size:
		return fmt.Errorf("%s has %d bytes instead of the %d of the commit: something else wrote there", where, info.SizeBytes, o.Size)
	case err == nil && info.CRC64NVME != "" && info.CRC64NVME != o.CRC64:
		return fmt.Errorf("%s has another checksum than the commit says: something else wrote there", where)
	case err == nil:
		return nil
	case errors.Is(err, s3store.ErrNotFound) && (cerr == nil || errors.Is(cerr, s3store.ErrNotFound)):
		return fmt.Errorf("%s: %w", where, errVanished)
	case cerr != nil:
		return cerr
	}
	return err
}

// headCompleted looks for a file whose upload is over. A server that completes
// uploads in several steps may hide the file for a moment while another worker
// completes the same one, so one that is not there is looked for again.
func (r *run) headCompleted(ctx context.Context, store Store, key string) (s3store.Info, error) {
	for wait := firstConflictWait; ; wait *= 2 {
		info, err := store.Head(ctx, r.Table.Bucket, key)
		if !errors.Is(err, s3store.ErrNotFound) || wait > lastHeadWait {
			return info, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return info, err
		}
	}
}

// undo removes what a void commit left: first the uploads, so that nobody can
// complete one any more, then the files that are there.
func (r *run) undo(ctx context.Context, void *Commit) error {
	store := r.Stores.of(r.Table.Bucket)
	for _, o := range void.Outputs {
		if err := store.AbortUpload(ctx, r.Table.Bucket, o.Key, o.UploadID); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return err
		}
	}
	for _, o := range void.Outputs {
		info, err := store.Head(ctx, r.Table.Bucket, o.Key)
		if err == nil {
			err = store.Delete(ctx, r.Table.Bucket, o.Key, info.ETag)
		}
		if err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// finish brings a batch whose head is h to its end, or to where a new attempt
// may start: then done is nil and next its number.
func (r *run) finish(ctx context.Context, b batchID, h head) (done *outcome, next int, err error) {
	if h.done {
		out, err := r.readOutcome(ctx, b, h)
		return &out, 0, err
	}
	for h.attempt > 0 {
		c, err := r.readCommit(ctx, b, h.attempt)
		if err != nil {
			return nil, 0, err
		}
		if c.Type == "void" {
			return nil, h.attempt + 1, r.undo(ctx, c)
		}
		err = r.complete(ctx, c)
		if err == nil {
			out := c.outcome()
			return &out, 0, nil
		}
		if !errors.Is(err, errVanished) {
			return nil, 0, err
		}
		r.Log.Warn("a commit cannot be carried out: the batch is done again", "batch", b.String(), "error", err)
		void := &Commit{
			Type: "void", Plan: b.plan, Batch: b.batch, Attempt: h.attempt + 1, Nonce: newNonce(),
			Reason: err.Error(), Outputs: slices.Clone(c.Outputs),
		}
		if err := r.commit(ctx, void); err != nil && !errors.Is(err, errLost) {
			return nil, 0, err
		}
		h = head{attempt: h.attempt + 1}
	}
	return nil, 1, nil
}
