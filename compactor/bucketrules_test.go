package compactor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// settings is a store whose buckets have other settings than the server's.
type settings struct {
	Store
	locked       bool
	lifecycle    []s3store.LifecycleRule
	lifecycleErr error
}

func (s settings) LockConfigured(context.Context, string) (bool, error) { return s.locked, nil }

func (s settings) Lifecycle(context.Context, string) ([]s3store.LifecycleRule, error) {
	return s.lifecycle, s.lifecycleErr
}

// TestForbiddenBucketStillFinishesCommits: what an earlier run committed is
// finished although the bucket has object lock by now; nothing new is begun.
func TestForbiddenBucketStillFinishesCommits(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	crash := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "complete" && strings.HasPrefix(c.key, "app/") {
			return false, errLost
		}
		return true, nil
	}}
	if _, _, err := b.compact(crash, b.options(), "app/"); err == nil {
		t.Fatal("the first run was not stopped")
	}
	b.put("app/late-1.json.gz", gz(record("app/", 91, 1)))
	b.put("app/late-2.json.gz", gz(record("app/", 92, 1)))
	before[record("app/", 91, 1)], before[record("app/", 92, 1)] = 1, 1
	sum, refused, err := b.compact(settings{Store: b.store, locked: true}, b.options(), "app/")
	if err != nil || refused["app/"] != "locked" || sum.GroupsDone != 0 {
		t.Fatalf("%+v, refused %v, %v", sum, refused, err)
	}
	if sum.ObjectsIn != 4 || sum.ObjectsDeleted != 4 {
		t.Errorf("the commit was not finished: %+v", sum)
	}
	sameRecords(t, "in the end", before, b.records(""))
	entries := b.entries("app/")
	if last := entries[len(entries)-1]; last.Kind != receipt.Done || len(entries) != 2 {
		t.Errorf("the log has %d entries, the last is %s", len(entries), last.Kind)
	}
}

func TestLifecycleOfTheState(t *testing.T) {
	rule := func(prefix string) s3store.LifecycleRule {
		return s3store.LifecycleRule{ID: "tidy", Keys: s3store.Keys{Prefix: prefix}, ExpireDays: 30}
	}
	tagged, moved, cooled := rule(""), rule("_s3compact/"), rule("")
	tagged.Tagged = true
	moved.ExpireDays, moved.Moves = 0, []s3store.Move{{StorageClass: "GLACIER", Days: 1}}
	cooled.ExpireDays, cooled.Moves = 0, []s3store.Move{{StorageClass: "STANDARD_IA", Days: 30}}
	dated := rule("_s3compact/groups/")
	dated.ExpireDays, dated.ExpireOn = 0, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		rule    s3store.LifecycleRule
		refused bool
	}{
		{"the whole bucket expires", rule(""), true},
		{"the state expires", rule("_s3"), true},
		{"a part of the state expires on a day", dated, true},
		{"the state is archived", moved, true},
		{"the state moves to a class that is read at once", cooled, false},
		{"other prefixes expire", rule("app/"), false},
		{"tagged objects expire", tagged, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := stateExpires([]s3store.LifecycleRule{c.rule}, s3store.Location{Bucket: "logs", Key: "_s3compact/"})
			if (got != nil) != c.refused {
				t.Errorf("refused: %v", got)
			}
		})
	}

	b := newBucket(t)
	b.fill("app/", 3)
	before := b.list("app/")
	_, refused, err := b.compact(settings{Store: b.store, lifecycle: []s3store.LifecycleRule{rule("")}}, b.options(), "app/")
	if err != nil || refused["app/"] != "lifecycle" || len(b.list("app/")) != len(before) {
		t.Errorf("compaction with a state that expires: refused %v, %v", refused, err)
	}
	// A lifecycle that may not be read is said, and stops nothing.
	sum, _, err := b.compact(settings{Store: b.store, lifecycleErr: s3store.ErrDenied}, b.options(), "app/")
	if err != nil || sum.ObjectsIn != 3 {
		t.Errorf("%+v, %v", sum, err)
	}
	_, _, err = b.compact(settings{Store: b.store, lifecycleErr: errLost}, b.options(), "app/")
	if !errors.Is(err, errLost) {
		t.Errorf("a failed request: %v", err)
	}
}

// TestLifecycleOfTheClaim: where the state lies elsewhere, that the claim expires is told.
func TestLifecycleOfTheClaim(t *testing.T) {
	for prefix, want := range map[string]bool{"_s3": true, "app/": false} {
		b := newBucket(t)
		b.fill("app/", 3)
		var told bytes.Buffer
		o := b.options()
		o.State.Key, o.Log = "state/_own/", slog.New(slog.NewTextHandler(&told, nil))
		rules := []s3store.LifecycleRule{{ID: "tidy", Keys: s3store.Keys{Prefix: prefix}, ExpireDays: 30}}
		sum, refused, err := b.compact(settings{Store: b.store, lifecycle: rules}, o, "app/")
		if err != nil || len(refused) > 0 || sum.ObjectsIn != 3 || strings.Contains(told.String(), "removes s3://"+b.name+"/"+receipt.ClaimKey) != want {
			t.Errorf("a rule for %q: %+v, %v, told %s", prefix, sum, err, told.String())
		}
	}
}

func TestCheckBucket(t *testing.T) {
	for name, ok := range map[string]bool{
		"my-logs": true, "logs.example.com": true, "alias": true, "s3alias": true,
		"logs--use1-az4--x-s3":                                  false,
		"logs-abcdefgh1234-s3alias":                             false,
		"logs-abcdefgh1234--ol-s3":                              false,
		"mfzwi23gnjvgw.mrap":                                    false,
		"arn:aws:s3::123456789012:accesspoint":                  false,
		"arn:aws:s3:eu-west-1:123456789012:accesspoint":         false,
		"arn:aws:s3-outposts:eu-west-1:123456789012:outpost":    false,
		"logs-o01ac5d28a6a232904e8xz5w8ijx1qzlbp3i3kuse--op-s3": false,
	} {
		if err := CheckBucket(name); (err == nil) != ok || err != nil && !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := newBucket(t)
	o := b.options()
	o.Bucket = "logs--use1-az4--x-s3"
	if _, err := Run(context.Background(), b.store, o, []string{"app/"}); !errors.Is(err, ErrUsage) {
		t.Errorf("a directory bucket: %v", err)
	}
}
