// Package parquetconv turns a history of JSON lines into a Hive-partitioned
// Parquet table, in batches that each show all their files or none.
//
// The state of a conversion lies beside the table: lists of batches and, for
// each batch, a log of commits. All of it is written create-only, so workers
// need nothing else to agree:
//
//	convert/plans/00000001.jsonl.gz                  a list of batches and their sources
//	convert/commits/00000001-000001-0001.json.gz     an attempt at a batch: its commit, or void
//	convert/commits/00000001-000001-0001.done        all files of that commit are in place; what was not loaded
//
// A worker writes a batch's files as uploads that nobody sees, commits, and
// then completes the uploads from what the commit records. Whoever finds a
// commit that is not done completes it; if an upload has vanished, the commit
// is declared void, what it left is removed, and the batch is done again.
package parquetconv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// Store is what the conversion asks of an object store, or of a local file
// system that behaves like one. Its errors wrap the sentinels of s3store.
type Store interface {
	List(ctx context.Context, bucket string, o s3store.ListOptions, fn func(s3store.Page) error) error
	Head(ctx context.Context, bucket, key string) (s3store.Info, error)
	Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error)
	ReadAll(ctx context.Context, bucket, key string, limitBytes int64) ([]byte, s3store.Info, error)
	Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error)
	Delete(ctx context.Context, bucket, key, etag string) error
	CreateUpload(ctx context.Context, bucket, key string, a s3store.Attributes) (uploadID string, err error)
	UploadPart(ctx context.Context, bucket, key, uploadID string, number int32, body []byte, crc64 uint64) (s3store.Part, error)
	CompleteUpload(ctx context.Context, bucket, key, uploadID string, parts []s3store.Part, crc64nvme string) (etag string, err error)
	AbortUpload(ctx context.Context, bucket, key, uploadID string) error
	ListUploads(ctx context.Context, bucket, prefix string, fn func(s3store.Upload) error) error
}

// Stores are the two kinds of places. S3 may be nil where every location is
// local, Local where every one is in S3.
type Stores struct {
	S3    Store
	Local Store
}

// of is the store of a bucket; the bucket "" is the local file system.
func (s Stores) of(bucket string) Store {
	if bucket == "" {
		return s.Local
	}
	return s.S3
}

// name is how a person writes the place of an object.
func name(bucket, key string) string {
	if bucket == "" {
		return "/" + key
	}
	return "s3://" + bucket + "/" + key
}

// Progress is told how much there is and how much is done.
type Progress interface {
	Total(objects, bytes int64)
	Add(objects, bytes int64)
}

// Options say what to convert. Locations with an empty bucket are local: the
// key is an absolute path without its leading slash.
type Options struct {
	Stores  Stores
	Sources []Source
	Table   s3store.Location // with a closing slash
	State   s3store.Location // with a closing slash

	// Match and List say which objects the sources hold, see Finder.
	Match func(key string) bool
	List  ListFunc

	// Schema is the table's. Nil takes the one that the newest list keeps, and
	// for a new table what Infer makes.
	Schema      *schema.Schema
	SchemaText  []byte   // the file that Schema was read from; lists keep it
	PartitionBy []string // what Schema was read with, or is to be
	Infer       func(ctx context.Context) (text []byte, err error)
	// Inferred is told the inferred schema of a new table.
	Inferred func(text []byte)

	BatchBytes  int64 // stored bytes of a batch, about
	Shard       int   // this worker's share of the batches, from 0
	Shards      int
	Concurrency int   // requests for sources at once, from 1 to MaxConcurrency
	MemoryBytes int64 // bound of the buffers, see newBudget
	// MaxOpenPartitions bounds the partitions of a batch that have a file being
	// written; rows of others wait on disk. 0: a default.
	MaxOpenPartitions int
	MaxRejects        RejectLimit
	// FailOnChanged stops the run, before anything is converted, when a source
	// changed after it was converted. Such a source is refused otherwise.
	FailOnChanged bool
	DryRun        bool

	Tool     string
	Log      *slog.Logger
	Progress Progress
	// Refused is called for each source that is not loaded, those of earlier
	// runs of the same list included.
	Refused func(Refusal)
	// Planned is called for each batch that a dry run would carry out.
	Planned func(PlannedBatch)

	tuneBudget func(*budget) // for tests
}

// MaxConcurrency bounds Options.Concurrency: each of so many connections has
// buffers of its own, which Options.MemoryBytes does not bound.
const MaxConcurrency = 1024

// Refusal is a source that would be loaded but must not be.
type Refusal struct {
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key"`
	ETag   string `json:"etag,omitempty"`
	Reason string `json:"reason"` // stable word
	Detail string `json:"detail,omitempty"`
}

// PlannedBatch is a batch that a dry run would carry out.
type PlannedBatch struct {
	Plan      int    `json:"plan"`  // number of the list, from 1
	Batch     int    `json:"batch"` // in the list, from 1
	Sources   int    `json:"sources"`
	SizeBytes int64  `json:"bytes"` // stored
	First     string `json:"first"`
	Last      string `json:"last"`
}

// Summary is what a run did. A dry run counts what it would do in Batches,
// Sources and BytesIn.
type Summary struct {
	RowsIn         int64 `json:"rows_in"`
	RowsOut        int64 `json:"rows_out"`
	RowsRejected   int64 `json:"rows_rejected"`
	Files          int64 `json:"files"` // of the table
	Batches        int64 `json:"batches"`
	BytesIn        int64 `json:"bytes_in"` // stored
	BytesOut       int64 `json:"bytes_out"`
	Sources        int64 `json:"sources"`              // loaded
	Refused        int64 `json:"sources_refused"`      // those that earlier runs refused included
	RejectedBefore int64 `json:"rows_rejected_before"` // by earlier runs of the same list
	Ignored        int64 `json:"objects_ignored"`

	Rejects   map[string]int64 `json:"rejects,omitempty"`     // RowsRejected by reason
	BadValues map[string]int64 `json:"values_null,omitempty"` // values that became null since their column can't hold them, by column
}

// StateFolder is the folder, in the table, of rejects, of local uploads and, by
// default, of the state. Engines skip names that begin so.
const StateFolder = "_s3compact/"

// Incomplete says that something was not loaded.
func (s *Summary) Incomplete() bool {
	return s.Refused > 0 || s.RowsRejected > 0 || s.RejectedBefore > 0
}

// Run converts this shard's share of the newest list of batches. If all
// batches of all lists are done, it first makes a new list of the sources that
// no earlier list holds. Run again to go on after an error.
func Run(ctx context.Context, o Options) (Summary, error) {
	o.Concurrency = min(max(1, o.Concurrency), MaxConcurrency)
	r := &run{Options: o, told: map[Refusal]bool{}, place: place{store: o.Stores.of(o.State.Bucket), bucket: o.State.Bucket, prefix: o.State.Key}}
	err := r.run(ctx)
	if err == nil {
		err = context.Cause(ctx)
	}
	return r.summary, err
}

// place is where the state lies.
type place struct {
	store  Store
	bucket string
	prefix string
}

// create writes an object of the state; ErrPrecondition when it exists. A store
// may answer 409 to a conditional write that meets another one, which settles
// nothing: it is sent again (S3 User Guide, "Conditional writes").
func (p place) create(ctx context.Context, key string, body []byte) (s3store.Info, error) {
	for wait := firstConflictWait; ; wait *= 2 {
		info, err := p.store.Put(ctx, p.bucket, p.prefix+key, body, s3store.PutOptions{CreateOnly: true})
		if !errors.Is(err, s3store.ErrConflict) || wait > lastConflictWait {
			return info, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return info, err
		}
	}
}

// The waits after a conflict double from the first to the last: six tries within a second.
const (
	firstConflictWait = 20 * time.Millisecond
	lastConflictWait  = 400 * time.Millisecond
)

type run struct {
	Options
	place    place
	now      time.Time // the state's clock at the start
	summary  Summary
	told     map[Refusal]bool // refusals, each of which is told once
	lineages lineages
	places   *places // of the sources; made when first asked
}

func (r *run) run(ctx context.Context) error {
	if !r.DryRun {
		if err := r.proveCreateOnly(ctx); err != nil {
			return err
		}
	}
	plans, err := r.planNumbers(ctx)
	if err != nil {
		return err
	}
	inferred, err := r.settleSchema(ctx, plans)
	if err != nil {
		return err
	}
	if r.FailOnChanged && len(plans) > 0 {
		// It is asked before the list at hand goes on, too.
		if _, _, err := r.newSources(ctx, plans); err != nil {
			return err
		}
	}
	if len(plans) > 0 {
		newest := plans[len(plans)-1]
		done, err := r.carryOut(ctx, newest)
		if err != nil || !done {
			return err
		}
		if r.summary.Batches > 0 && r.Shards > 1 {
			// The other shards may be gone: a new list would be left to this one.
			r.Log.Info("the list of an earlier run is done; run again for newer sources", "plan", newest)
			return nil
		}
	}
	for {
		number, own, err := r.newPlan(ctx, plans)
		if err == nil && inferred {
			if number > 0 && !own { // the table is that of the worker who was faster
				err = r.adoptSchema(ctx, number)
			}
			inferred = false
			r.tellInferred()
		}
		if err != nil || number == 0 {
			return err
		}
		if r.summary.Batches == 0 {
			r.summary.RejectedBefore = 0 // of a list that was done before; this run is about a new one
		}
		done, err := r.carryOut(ctx, number)
		if err != nil || own || !done || r.Shards > 1 {
			return err
		}
		// Another worker was faster. Its list may be one of other sources.
		plans = append(plans, number)
	}
}

// proveCreateOnly makes sure that the state's store refuses to write over an
// object when asked: everything rests on it.
func (r *run) proveCreateOnly(ctx context.Context) error {
	key := "convert/canary/" + newNonce()
	info, err := r.place.create(ctx, key, []byte("s3compact\n"))
	// A name that nobody else uses exists already only if an answer was lost.
	if err != nil && !errors.Is(err, s3store.ErrPrecondition) {
		return fmt.Errorf("write to the state: %w", err)
	}
	r.now = info.Date
	_, err = r.place.create(ctx, key, []byte("s3compact again\n"))
	if derr := r.place.store.Delete(ctx, r.place.bucket, r.place.prefix+key, ""); derr != nil {
		r.Log.Warn("the canary is left behind", "error", derr)
	}
	switch {
	case errors.Is(err, s3store.ErrPrecondition):
		return nil
	case err != nil:
		return fmt.Errorf("prove that the state's store refuses to write over an object: %w", err)
	}
	return fmt.Errorf("%s wrote over an object although it was asked not to (If-None-Match: *): such a store cannot keep the state of a conversion; choose another place with --state", name(r.State.Bucket, r.State.Key))
}
