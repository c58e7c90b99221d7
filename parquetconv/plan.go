package parquetconv

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/s3store"
)

// formatVersion is the version of the state's formats that is written and read.
const formatVersion = 1

// planHeader is the first line of a list of batches.
type planHeader struct {
	Type       string    `json:"type"` // "plan"
	Version    int       `json:"version"`
	Number     int       `json:"number"`
	Table      string    `json:"table"`
	TableID    string    `json:"table_id"` // random; the first list's
	SchemaHash string    `json:"schema_hash"`
	Schema     string    `json:"schema,omitempty"` // the file, for later runs without one
	Tool       string    `json:"tool"`
	Nonce      string    `json:"nonce"`
	BatchBytes int64     `json:"batch_bytes"`
	Batches    []int64   `json:"batches"` // stored bytes of each batch
	Sources    int       `json:"sources"` // lines that follow
	Time       time.Time `json:"time"`
	// PartitionBy is what Schema was read with instead of its own partitions.
	PartitionBy []string `json:"partition_by,omitempty"`
}

// planSource is a line of a list: an object to load in a batch. The lines are
// in key order, those of a batch together.
type planSource struct {
	Type   string `json:"type"`  // "source"
	Batch  int    `json:"batch"` // from 1
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key"`
	ETag   string `json:"etag"`
	Size   int64  `json:"size"` // stored bytes to load

	// Receipt is set where the object was made by compaction: it stands for
	// the originals inside it, but those that lie in Except.
	Receipt *receiptRef `json:"receipt,omitempty"`
	Except  []byteRange `json:"except,omitempty"`
}

// receiptRef names the commit, in a group's log, that made an output.
type receiptRef struct {
	State string `json:"state"` // s3:// location
	GID   string `json:"gid"`
	Entry int    `json:"entry"`
}

// byteRange is a part of an object: offset and length.
type byteRange [2]int64

func planKey(number int) string { return fmt.Sprintf("convert/plans/%08d.jsonl.gz", number) }

// planNumbers lists the numbers of the lists, ascending. They have no gaps.
func (r *run) planNumbers(ctx context.Context) ([]int, error) {
	var numbers []int
	prefix := r.place.prefix + "convert/plans/"
	err := r.place.store.List(ctx, r.place.bucket, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			n := 0
			base := strings.TrimPrefix(o.Key, prefix)
			if _, err := fmt.Sscanf(base, "%08d.jsonl.gz", &n); err == nil && r.place.prefix+planKey(n) == o.Key {
				numbers = append(numbers, n)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			return nil, fmt.Errorf("%s: list %d is missing; the state is damaged: restore it, or convert into a new table", name(r.place.bucket, prefix), i+1)
		}
	}
	return numbers, nil
}

// maxPlanLineBytes bounds the memory for a line of a list.
const maxPlanLineBytes = 64 << 20

// readPlan reads a list line by line.
func (r *run) readPlan(ctx context.Context, number int, header func(*planHeader) error, line func(planSource) error) error {
	key := r.place.prefix + planKey(number)
	body, _, err := r.place.store.Get(ctx, r.place.bucket, key, s3store.GetOptions{})
	if err != nil {
		return err
	}
	defer body.Close()
	if err := decodePlan(body, header, line); err != nil {
		return fmt.Errorf("read the list of batches %s: %w", name(r.place.bucket, key), err)
	}
	return nil
}

// errEnough ends the reading of a list early.
var errEnough = errors.New("enough")

func decodePlan(body io.Reader, header func(*planHeader) error, line func(planSource) error) error {
	zr, err := gzip.NewReader(body)
	if err != nil {
		return err
	}
	sc := bufio.NewScanner(zr)
	sc.Buffer(make([]byte, 64<<10), maxPlanLineBytes)
	h := planHeader{}
	n := 0
	for ; sc.Scan(); n++ {
		if n == 0 {
			if err := json.Unmarshal(sc.Bytes(), &h); err != nil {
				return err
			}
			if h.Type != "plan" || h.Version != formatVersion {
				return fmt.Errorf("a %q of version %d; this s3compact reads plans of version %d: use a newer one", h.Type, h.Version, formatVersion)
			}
			if err := header(&h); err != nil {
				return ignoreEnough(err)
			}
			continue
		}
		var s planSource
		if err := json.Unmarshal(sc.Bytes(), &s); err != nil {
			return fmt.Errorf("line %d: %w", n+1, err)
		}
		if err := line(s); err != nil {
			return ignoreEnough(err)
		}
	}
	if err := sc.Err(); err != nil {
		return err
	}
	if n != h.Sources+1 {
		return fmt.Errorf("%d lines instead of %d", n, h.Sources+1)
	}
	return nil
}

func ignoreEnough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// cut gives each source its batch: contiguous, of about BatchBytes.
func cut(sources []planSource, batchBytes int64) []int64 {
	var batches []int64
	for i := range sources {
		n := len(batches)
		// A batch ends where the next source would carry it further past its size than it falls short.
		if n == 0 || batches[n-1] > 0 && batches[n-1]+sources[i].Size/2 > batchBytes {
			batches = append(batches, 0)
			n++
		}
		batches[n-1] += sources[i].Size
		sources[i].Batch = n
	}
	return batches
}

// owner is the shard of each batch: contiguous ranges, balanced by bytes.
func owner(batches []int64, shards int) []int {
	var total int64
	for _, b := range batches {
		total += b
	}
	out := make([]int, len(batches))
	var before int64
	for i, b := range batches {
		middle := float64(before) + float64(b)/2
		out[i] = min(shards-1, int(middle/float64(max(total, 1))*float64(shards)))
		before += b
	}
	return out
}

// maxBatches bounds the batches of a list: their numbers have six digits.
const maxBatches = 999_999

// publishPlan writes the next list, create-only. own is false where another
// worker was faster; then its list is the next.
func (r *run) publishPlan(ctx context.Context, number int, tableID string, sources []planSource) (own bool, err error) {
	h := planHeader{
		Type: "plan", Version: formatVersion, Number: number, Table: name(r.Table.Bucket, r.Table.Key), TableID: tableID,
		SchemaHash: r.Schema.Hash, Schema: string(r.SchemaText), PartitionBy: r.PartitionBy, Tool: r.Tool, Nonce: newNonce(), BatchBytes: r.BatchBytes,
		Batches: cut(sources, r.BatchBytes), Sources: len(sources), Time: r.now.UTC(),
	}
	if len(h.Batches) > maxBatches {
		return false, fmt.Errorf("the sources make %d batches, but a list holds %d: choose a larger --batch-size", len(h.Batches), maxBatches)
	}
	var buf bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	enc := json.NewEncoder(zw)
	enc.SetEscapeHTML(false)
	err = enc.Encode(h)
	for i := range sources {
		sources[i].Type = "source"
		err = errors.Join(err, enc.Encode(sources[i]))
	}
	if err = errors.Join(err, zw.Close()); err != nil {
		return false, err
	}
	_, err = r.place.create(ctx, planKey(number), buf.Bytes())
	if err != nil && !errors.Is(err, s3store.ErrPrecondition) {
		return false, fmt.Errorf("publish the list of batches: %w", err)
	}
	return err == nil, nil // an own one whose answer was lost passes for another's, which does no harm
}

// newNonce is 128 random bits: no name is used twice.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
