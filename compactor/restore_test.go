package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// restoreOptions are for a restore of everything.
func (b *bucket) restoreOptions() RestoreOptions {
	o := b.options()
	return RestoreOptions{Options: Options{State: o.State, Concurrency: 4, SettleAfter: time.Millisecond, Tool: "test"}}
}

// restore runs and returns what was refused, by key.
func (b *bucket) restore(s Store, o RestoreOptions) (RestoreSummary, map[string]string, error) {
	refused := map[string]string{}
	o.OnRefused = func(r Refused) { refused[r.Key] = r.Reason }
	sum, err := Restore(context.Background(), s, o)
	return sum, refused, err
}

func (b *bucket) mustRestore(o RestoreOptions) (RestoreSummary, map[string]string) {
	b.t.Helper()
	sum, refused, err := b.restore(b.store, o)
	if err != nil {
		b.t.Fatal(err)
	}
	return sum, refused
}

// settled repeats what has to wait until an entry has settled.
func (b *bucket) settled(run func() error) {
	b.t.Helper()
	err := run()
	for try := 0; errors.Is(err, ErrWaiting) && try < 100; try++ {
		time.Sleep(50 * time.Millisecond)
		err = run()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// whole is an object with what it carries.
type whole struct {
	body  string
	attrs string
	tags  string
}

// objects are all objects under a prefix that engines read, whole.
func (b *bucket) objects(prefix string) map[string]whole {
	b.t.Helper()
	all := map[string]whole{}
	for key := range b.list(prefix) {
		if hidden(key) || strings.HasSuffix(key, "/") {
			continue
		}
		info, err := b.store.Head(context.Background(), b.name, key)
		if err != nil {
			b.t.Fatal(err)
		}
		tags, err := b.store.Tagging(context.Background(), b.name, key)
		if err != nil {
			b.t.Fatal(err)
		}
		all[key] = whole{string(b.get(key)), attributesOf(info), tags}
	}
	return all
}

func attributesOf(i s3store.Info) string { return fmt.Sprintf("%+v", i.Attributes) }

func sameObjects(t testing.TB, when string, want, got map[string]whole) {
	t.Helper()
	if maps.Equal(want, got) {
		return
	}
	for key, w := range want {
		if g, there := got[key]; !there {
			t.Errorf("%s: %s is gone", when, key)
		} else if g != w {
			t.Errorf("%s: %s has %d bytes, %s, tags %q; want %d, %s, %q", when, key, len(g.body), g.attrs, g.tags, len(w.body), w.attrs, w.tags)
		}
	}
	for key := range got {
		if _, was := want[key]; !was {
			t.Errorf("%s: %s was not there", when, key)
		}
	}
	t.FailNow()
}

// fillAll writes originals of all kinds that are joined.
func (b *bucket) fillAll(group string) {
	b.t.Helper()
	b.fill(group, 3)
	b.put(group+"no-newline.json.gz", gzRaw(record(group, 100, 1)))
	b.put(group+"two-members.json.gz", append(gz(record(group, 101, 1)), gz(record(group, 101, 2))...))
	b.put(group+"nothing.json.gz", gzRaw(""))
	for i := range 2 {
		attributes := s3store.Attributes{
			ContentType: "application/x-ndjson", ContentEncoding: "gzip", ContentLanguage: "de", ContentDisposition: "attachment", CacheControl: "no-store",
			Expires: "Thu, 01 Jan 2026 00:00:00 GMT", Metadata: map[string]string{"source": fmt.Sprintf("edge %d", i), "empty-is-fine": "x"},
		}
		_, err := b.store.Put(context.Background(), b.name, fmt.Sprintf("%sheaders-%d.json.gz", group, i), gz(record(group, 200+i, 1)), s3store.PutOptions{Attributes: attributes})
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestRestorePutsBackWhatWasThere(t *testing.T) {
	b := newBucket(t)
	b.fillAll("app/")
	b.fillAll("other/deep/")
	before := b.objects("")
	b.mustCompact(b.options(), "app/", "other/deep/")
	compacted := b.objects("")
	if len(compacted) != 4 {
		t.Fatalf("%d objects after the compaction", len(compacted))
	}

	o := b.restoreOptions()
	var looked []RestorePreview
	o.OnGroup = func(p RestorePreview) { looked = append(looked, p) }
	would, err := PreviewRestore(context.Background(), b.store, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(looked) != 2 || would.Outputs != 4 || would.ObjectsRestored != 16 || would.Groups != 2 || looked[0].Open {
		t.Errorf("a preview says %+v, %+v", would, looked)
	}
	sameObjects(t, "after a preview", compacted, b.objects(""))

	o.Under = "app/"
	var told []Restored
	o.OnRestored = func(r Restored) { told = append(told, r) }
	sum, refused := b.mustRestore(o)
	if len(refused) != 0 || sum.Groups != 1 || sum.GroupsDone != 1 || sum.Outputs != 2 || sum.ObjectsRestored != 8 || sum.ObjectsThere != 0 || sum.Bytes == 0 || len(told) != 2 {
		t.Errorf("restored %+v, refused %v, told %+v", sum, refused, told)
	}
	want := maps.Clone(compacted)
	maps.DeleteFunc(want, func(k string, _ whole) bool { return strings.HasPrefix(k, "app/") })
	for k, w := range before {
		if strings.HasPrefix(k, "app/") {
			want[k] = w
		}
	}
	sameObjects(t, "after a restore of one group", want, b.objects(""))

	o.Under = ""
	b.mustRestore(o)
	sameObjects(t, "after a restore of all", before, b.objects(""))
	again, _ := b.mustRestore(o)
	if again != (RestoreSummary{}) {
		t.Errorf("a second restore did %+v", again)
	}
	if b.uploads() != 0 {
		t.Error("an upload is left")
	}

	// The groups can be compacted again.
	records := b.records("")
	b.settled(func() error { _, _, err := b.compact(b.store, b.options(), "app/", "other/deep/"); return err })
	sameRecords(t, "after another compaction", records, b.records(""))
	if n := len(b.outputs("")); n != 4 {
		t.Errorf("%d outputs after another compaction", n)
	}
	verify(t, b, 4, 0)
}

// TestRestoreNeverOverwrites: an output stays as long as something newer is under the key of an original.
func TestRestoreNeverOverwrites(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	b.mustCompact(b.options(), "app/")
	b.put("app/log-002.json.gz", gz(record("app/", 777, 1)))
	before := b.objects("")
	sum, refused := b.mustRestore(b.restoreOptions())
	if refused["app/log-002.json.gz"] != "taken" || len(refused) != 1 || sum.Outputs != 0 || sum.ObjectsRefused != 1 {
		t.Errorf("restored %+v, refused %v", sum, refused)
	}
	sameObjects(t, "after a restore that is refused", before, b.objects(""))
	if n := len(b.entries("app/")); n != 2 {
		t.Errorf("the log has %d entries", n)
	}
}

// TestRestoreMeetsANewerObject: an application takes a key while the originals
// are put back. The outputs stay, and what was put back goes again.
func TestRestoreMeetsANewerObject(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep=%t", keep), func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 4)
			o := b.options()
			o.Keep = keep
			b.mustCompact(o, "app/")
			if keep { // as if the application had removed some meanwhile
				for _, n := range []int{0, 2} {
					if err := b.store.Delete(context.Background(), b.name, fmt.Sprintf("app/log-%03d.json.gz", n), ""); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := b.records("")
			fresh := record("app/", 777, 1)
			f := onCall(b, "put", "app/log-002", func() { b.put("app/log-002.json.gz", gz(fresh)) })
			sum, refused, err := b.restore(f, b.restoreOptions())
			if err != nil {
				t.Fatal(err)
			}
			if refused["app/log-002.json.gz"] != "taken" || sum.Outputs != 0 {
				t.Errorf("restored %+v, refused %v", sum, refused)
			}
			before[fresh]++
			if keep { // what was put back is kept beside its output, as all were
				for line := range 2 {
					before[record("app/", 0, line+1)]++
				}
			}
			sameRecords(t, "after the restore", before, b.records(""))
			var kinds []string
			for _, e := range b.entries("app/") {
				kinds = append(kinds, string(e.Kind))
			}
			if got := strings.Join(kinds, " "); got != "commit done restore commit done" {
				t.Errorf("the log holds %s", got)
			}
			verify(t, b, 1, 0)

			// The newer object moved away, all comes back.
			body := b.get("app/log-002.json.gz")
			b.put("aside/log-002.json.gz", body)
			if err := b.store.Delete(context.Background(), b.name, "app/log-002.json.gz", ""); err != nil {
				t.Fatal(err)
			}
			b.mustRestore(b.restoreOptions())
			for i := range 4 {
				key := fmt.Sprintf("app/log-%03d.json.gz", i)
				if !bytes.Equal(b.get(key), gz(record("app/", i, 1), record("app/", i, 2))) {
					t.Errorf("%s is not the original", key)
				}
			}
			if n := len(b.outputs("")); n != 0 {
				t.Errorf("%d outputs are left", n)
			}
		})
	}
}

// TestRestoreOfACommitWhoseDeletesAreRefused: the commit is taken back whole.
func TestRestoreOfACommitWhoseDeletesAreRefused(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.objects("")
	denied := 0
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "delete" && strings.HasPrefix(c.key, "app/log-") && !strings.Contains(c.key, ".s3c-") {
			if denied++; denied > 2 {
				return false, fmt.Errorf("403: %w", s3store.ErrDenied)
			}
		}
		return true, nil
	}}
	if _, _, err := b.compact(f, b.options(), "app/"); !errors.Is(err, s3store.ErrDenied) {
		t.Fatalf("the compaction says %v", err)
	}
	if left := len(b.list("app/")); left == 5 || left < 2 {
		t.Fatalf("%d objects are left: nothing to test", left)
	}
	sum, refused, err := b.restore(f, b.restoreOptions())
	if err != nil || len(refused) != 0 {
		t.Fatalf("%+v, %v, %v", sum, refused, err)
	}
	sameObjects(t, "after the restore", before, b.objects(""))
	var kinds []string
	for _, e := range b.entries("app/") {
		kinds = append(kinds, string(e.Kind))
	}
	if got := strings.Join(kinds, " "); got != "commit restore done" {
		t.Errorf("the log holds %s", got)
	}
}

// TestRestoreDoesNotTakeACommitBackForCredentials: credentials that have ended
// are not refused deletes; the commit stays to be finished.
func TestRestoreDoesNotTakeACommitBackForCredentials(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "delete" && strings.HasPrefix(c.key, "app/log-") && !strings.Contains(c.key, ".s3c-") {
			return false, fmt.Errorf("400: %w", s3store.ErrCredentials)
		}
		return true, nil
	}}
	if _, _, err := b.compact(f, b.options(), "app/"); !errors.Is(err, s3store.ErrCredentials) {
		t.Fatalf("the compaction says %v", err)
	}
	if _, _, err := b.restore(f, b.restoreOptions()); !errors.Is(err, s3store.ErrCredentials) {
		t.Errorf("the restore says %v", err)
	}
	if all := b.entries("app/"); len(all) != 1 {
		t.Errorf("the log has %d entries behind the commit", len(all)-1)
	}
}

// TestStoppedRestoreCountsWhatItDid: what was put back stands in the summary
// although its output is not deleted yet, and the next run says that it was there.
func TestStoppedRestoreCountsWhatItDid(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 6)
	b.mustCompact(b.options(), "app/")
	puts := 0
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "put" && strings.HasPrefix(c.key, "app/") {
			if puts++; puts > 2 {
				return false, fmt.Errorf("403: %w", s3store.ErrDenied)
			}
		}
		return true, nil
	}}
	o := b.restoreOptions()
	o.Concurrency = 1
	sum, _, err := b.restore(f, o)
	back := int64(len(b.list("app/")) - 1)
	if !errors.Is(err, s3store.ErrDenied) || back == 0 || back == 6 {
		t.Fatalf("%d are back, the restore says %v", back, err)
	}
	if sum.ObjectsRestored != back || sum.Bytes == 0 || sum.Outputs != 0 || sum.GroupsDone != 0 {
		t.Errorf("%d are back, the summary says %+v", back, sum)
	}
	sum, _ = b.mustRestore(o)
	if sum.ObjectsRestored != 6-back || sum.ObjectsThere != back || sum.Outputs != 1 {
		t.Errorf("the next run says %+v", sum)
	}
}

// TestCompactFinishesARestore: whoever comes carries a restore out.
func TestCompactFinishesARestore(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.objects("")
	records := b.records("")
	b.mustCompact(b.options(), "app/")
	// The restore dies behind its entry.
	dead := false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		dead = c.op == "put" && strings.HasSuffix(c.key, "00000003.jsonl.gz")
		return true, nil
	}}
	if _, _, err := b.restore(f, b.restoreOptions()); err == nil {
		t.Fatal("a dead restore reports success")
	}
	if got := b.entries("app/"); got[len(got)-1].Kind != receipt.Restore {
		t.Fatal("no restore entry")
	}
	waited := false
	for range 100 {
		_, _, err := b.compact(b.store, b.options(), "app/")
		if got := b.entries("app/"); !waited && got[len(got)-1].Kind == receipt.Done && len(got) == 4 {
			waited = true
			if errors.Is(err, ErrWaiting) {
				sameObjects(t, "after the restore", before, b.objects(""))
			}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, ErrWaiting) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !waited {
		t.Error("the restore was not finished")
	}
	sameRecords(t, "in the end", records, b.records(""))
}
