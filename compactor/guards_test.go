package compactor

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// TestAuthorityEndsWhenTheHeadMoves: what is signed is signed only while the log has no further entry.
func TestAuthorityEndsWhenTheHeadMoves(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 3)
	b.mustCompact(b.options(), "app/")
	layout, number, err := readLayout(context.Background(), b.store, DefaultState(b.name))
	if err != nil {
		t.Fatal(err)
	}
	st := newState(b.store, &Options{State: DefaultState(b.name)}, layout, number)
	log, err := st.readLog(context.Background(), "app/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&authority{log: log}).sign(context.Background()); err != nil {
		t.Errorf("at the head: %v", err)
	}
	log.head--
	if _, err := (&authority{log: log}).sign(context.Background()); !errors.Is(err, errHeadMoved) {
		t.Errorf("behind the head: %v", err)
	}
	fresh := &authority{log: log, date: time.Now(), here: time.Now()}
	if _, err := fresh.sign(context.Background()); err != nil {
		t.Errorf("an authority of this moment is asked again: %v", err)
	}
	fresh.here = time.Now().Add(-2 * authorityTime)
	if _, err := fresh.sign(context.Background()); !errors.Is(err, errHeadMoved) {
		t.Errorf("an old authority is not asked again: %v", err)
	}
}

// TestLostAnswerOfTheCommit: the entry is there and it is ours, so the run goes on with it.
func TestLostAnswerOfTheCommit(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "put" && strings.Contains(c.key, "/groups/") && strings.HasSuffix(c.key, "00000001.jsonl.gz") {
			return true, errLost
		}
		return true, nil
	}}
	sum, _, err := b.compact(f, b.options(), "app/")
	if err != nil || sum.GroupsDone != 1 || sum.ObjectsIn != 4 {
		t.Errorf("%+v, %v", sum, err)
	}
	var kinds []receipt.Kind
	for _, e := range b.entries("app/") {
		kinds = append(kinds, e.Kind)
	}
	if len(kinds) != 2 || kinds[0] != receipt.Commit || kinds[1] != receipt.Done {
		t.Errorf("the log holds %v", kinds)
	}
	sameRecords(t, "in the end", before, b.records(""))
}

// oneObject is a store that holds one object, whose bytes need not be those that it tells of.
type oneObject struct {
	Store
	info s3store.Info
	body []byte
	gets int
}

func (s *oneObject) Get(context.Context, string, string, s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	s.gets++
	return io.NopCloser(bytes.NewReader(s.body)), s.info, nil
}

// TestEveryStoredChecksumIsCompared: bytes that are whole gzip but not those
// that S3 has stored are found by each checksum alone.
func TestEveryStoredChecksumIsCompared(t *testing.T) {
	stored, other := gz(`{"a":1}`), gz(`{"a":2}`)
	if len(stored) != len(other) {
		t.Fatal("the two objects must have one length")
	}
	sum := md5.Sum(stored)
	for name, info := range map[string]s3store.Info{
		"CRC64NVME": {Object: s3store.Object{ETag: "0123456789abcdef0123456789abcdef-1"}, CRC64NVME: validate.EncodeCRC64(validate.CRC64(stored))},
		"MD5":       {Object: s3store.Object{ETag: hex.EncodeToString(sum[:])}},
	} {
		info.Key, info.SizeBytes = "app/x.json.gz", int64(len(stored))
		for what, body := range map[string][]byte{"right": stored, "wrong": other} {
			s := &oneObject{info: info, body: body}
			r := newReader(s, "bucket", validate.ContentNDJSON, newBudget(128<<20, 1))
			_, err := r.read(context.Background(), info.Object)
			var refused *refusal
			switch {
			case what == "right" && err != nil:
				t.Errorf("%s of the right bytes: %v", name, err)
			case what == "wrong" && (!errors.As(err, &refused) || refused.reason != "checksum"):
				t.Errorf("%s of other bytes: %v", name, err)
			case what == "wrong" && s.gets < 2:
				t.Errorf("%s: the object was judged on one reading", name)
			}
		}
	}
}

// TestConflictOnAnEntryIsTriedAgain: S3 answers 409 to a create-only PUT while
// another one of the key is under way, which may come to nothing.
func TestConflictOnAnEntryIsTriedAgain(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	conflicts := map[string]int{}
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "put" && strings.Contains(c.key, "/groups/") {
			if conflicts[c.key]++; conflicts[c.key] <= 2 {
				return false, fmt.Errorf("put: %w", s3store.ErrConflict)
			}
		}
		return true, nil
	}}
	sum, _, err := b.compact(f, b.options(), "app/")
	if err != nil || sum.GroupsDone != 1 || sum.ObjectsIn != 4 || len(conflicts) != 2 {
		t.Errorf("%+v, %v; conflicts %v", sum, err, conflicts)
	}
	sameRecords(t, "in the end", before, b.records(""))
}
