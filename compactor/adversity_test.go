package compactor

// Attacks that succeed: each test here shows a defect, worst first.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// noise is a gzip object of about n bytes whose records differ by seed.
func noise(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 7})
	var b strings.Builder
	raw := make([]byte, 3000)
	for b.Len() < n*4/3 {
		_, _ = r.Read(raw)
		fmt.Fprintf(&b, "{\"seed\":%d,\"n\":%d,\"x\":%q}\n", seed, b.Len(), base64.StdEncoding.EncodeToString(raw))
	}
	return gzRaw(b.String())
}

func (b *bucket) putAs(key, contentType string, body []byte) {
	b.t.Helper()
	_, err := b.store.Put(context.Background(), b.name, key, body, s3store.PutOptions{Attributes: s3store.Attributes{ContentType: contentType}})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bucket) entries(group string) (all []*receipt.Entry) {
	b.t.Helper()
	layout, _, err := readLayout(context.Background(), b.store, DefaultState(b.name))
	if err != nil {
		b.t.Fatal(err)
	}
	st := newState(b.store, &Options{State: DefaultState(b.name)}, layout, 1)
	l, err := st.readLog(context.Background(), group)
	if err != nil {
		b.t.Fatal(err)
	}
	for n := 1; n <= l.head; n++ {
		e, err := st.readEntry(context.Background(), l.gid, n)
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// strict is S3: per-key ETags count in DeleteObjects, deletes of missing keys with If-Match are 404.
type strict struct{ *faultyStore }

func (s strict) DeleteBatch(ctx context.Context, bucket string, keys []s3store.KeyETag) ([]error, error) {
	errs := make([]error, len(keys))
	err := s.faultyStore.do("delete", bucket, keys[0].Key, func() error {
		for i, k := range keys {
			if k.ETag != "" {
				if _, err := s.Client.Head(ctx, bucket, k.Key); errors.Is(err, s3store.ErrNotFound) {
					errs[i] = err
					continue
				}
			}
			errs[i] = s.Client.Delete(ctx, bucket, k.Key, k.ETag)
		}
		return nil
	})
	return errs, err
}

// --accept-loss must cost no more than what is lost.
func TestAcceptLossDeletesGoodOutputs(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.GroupBy.Depth = 1
	for p := range 2 {
		for i := range 3 {
			b.put(fmt.Sprintf("app/p=%d/%d.json.gz", p, i), gz(record("a", p, i)))
		}
	}
	// A worker dies after two deletes; one of the two outputs is removed by somebody.
	deletes, dead := 0, false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		if c.op == "delete" && strings.HasPrefix(c.key, "app/p=0/") {
			deletes++
		}
		if c.op == "delete" && strings.HasPrefix(c.key, "app/p=1/") {
			dead = deletes >= 1
			return false, errLost
		}
		return true, nil
	}}
	_, _, err := b.compact(f, o, "app/")
	t.Log("killed:", err, len(b.list("app/")))
	outs := b.outputs("app/")
	var good, lost string
	for _, k := range outs {
		if strings.HasPrefix(k, "app/p=0/") {
			good = k
		} else {
			lost = k
		}
	}
	// The lost output, and an original of it.
	if err := b.store.Delete(context.Background(), b.name, "app/p=1/0.json.gz", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.store.Delete(context.Background(), b.name, lost, ""); err != nil {
		t.Fatal(err)
	}
	before := b.records("")
	if _, _, err := b.compact(b.store, o, "app/"); !errors.Is(err, ErrLoss) {
		t.Fatal(err)
	}
	o.AcceptLoss = true
	for range 60 {
		if _, _, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Log(err)
	got := b.records("")
	for r := range before {
		if got[r] == 0 {
			t.Errorf("record %s was in %s, which was whole, and is lost now", r, good)
		}
	}
}

// a whole-request 404 to DeleteObjects.
func TestBatch404(t *testing.T) {
	for _, fault := range []error{s3store.ErrNotFound, s3store.ErrPrecondition} {
		t.Run(fault.Error(), func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 4)
			before := b.records("")
			var once sync.Once
			f := &faultyStore{Client: b.store}
			f.before = func(_ int, c call) (sent bool, err error) {
				sent = true
				if c.op == "delete" && c.key[0] == 'a' {
					once.Do(func() { sent, err = false, fmt.Errorf("404 for the whole request: %w", fault) })
				}
				return sent, err
			}
			sum, refused, err := b.compact(strict{f}, b.options(), "app/")
			t.Logf("%+v %v %v", sum, refused, err)
			_, _, _ = b.compact(b.store, b.options(), "app/")
			sameRecords(t, "after", before, b.records(""))
		})
	}
}

// the first member fills a part.
func TestFirstMemberLargerThanAPart(t *testing.T) {
	if os.Getenv("ATTACK_PANIC") == "" { // it panics in a goroutine: in a process of its own
		c := exec.Command(os.Args[0], "-test.run=^TestFirstMemberLargerThanAPart$")
		c.Env = append(os.Environ(), "ATTACK_PANIC=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%.300s", err, out)
		}
		return
	}
	b := newBucket(t)
	o := b.options()
	o.Selection.SmallSizeBytes = 64 << 20
	b.put("app/1.json.gz", noise(1, 9<<20))
	b.put("app/2.json.gz", gz(record("app/", 2, 1)))
	before := b.records("")
	sum, _ := b.mustCompact(o, "app/")
	sameRecords(t, "after", before, b.records(""))
	if sum.ObjectsIn != 2 {
		t.Errorf("%+v", sum)
	}
}

// two outputs of one attempt get one name.
func TestTwoOutputsOfOneName(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.TargetSizeBytes = 5 << 20
	o.Selection.SmallSizeBytes = 64 << 20
	long := strings.Repeat("s", 70)
	b.putAs("app/"+long+"-000.json.gz", "text/plain", noise(100, 1<<20))
	for i := range 6 {
		b.putAs(fmt.Sprintf("app/%s-%03d.json.gz", long, i+1), "application/json", noise(uint64(i), 3<<20/2))
	}
	before := b.records("")
	_, _, err := b.compact(b.store, o, "app/")
	t.Logf("first run: %.200v", err)
	sum, refused, err := b.compact(b.store, o, "app/")
	t.Logf("second run: %+v %v %.200v", sum, refused, err)
	doubled := 0
	for r, n := range b.records("") {
		if n > before[r] {
			doubled++
		}
	}
	if doubled > 0 {
		t.Errorf("%d records are there twice", doubled)
	}
	if err != nil {
		t.Error("the group is stuck")
	}
}

// a gzip of nothing in front switches the header rule off.
func TestHeaderRuleBehindAnEmptyMember(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Content = validate.ContentLines
	b.put("csv/0.csv.gz", gzRaw(""))
	for i := range 3 {
		b.put(fmt.Sprintf("csv/%d.csv.gz", i+1), gz("time,status", fmt.Sprintf("10:0%d,200", i)))
	}
	sum, refused := b.mustCompact(o, "csv/")
	if sum.ObjectsIn > 1 || refused["csv/1.csv.gz"] != "format" {
		t.Errorf("joined %d files that all begin with a header; refused %v", sum.ObjectsIn, refused)
		for _, k := range b.outputs("") {
			text, _ := gunzip(b.get(k))
			t.Logf("%s: %q", k, text)
		}
	}
}

// Partition: equal name=value segments at different places.
func TestPartitionIsLost(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.GroupBy.Depth = 1
	for i := range 4 {
		b.put(fmt.Sprintf("logs/app%d/dt=2024-01-01/x.json.gz", i), gz(record("l", i, 1)))
	}
	b.mustCompact(o, "logs/")
	for _, k := range b.outputs("") {
		if !strings.Contains(k, "dt=2024-01-01/") {
			t.Errorf("the output %s lies outside of its members' partition", k)
		}
	}
}

// the directory is chosen before all members are known.
func TestOutputLiesOutsideItsMembersSharedDirectory(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.SmallSizeBytes = 64 << 20
	o.Selection.GroupBy.Depth = 1
	o.PartBytes = 5 << 20
	b.put("a/x/1.json.gz", noise(1, 3<<20))
	b.put("a/x/2.json.gz", noise(2, 3<<20))
	b.put("a/y/3.json.gz", noise(3, 1<<20))
	b.mustCompact(o, "a/")
	for _, key := range b.outputs("") {
		if path.Dir(key) != "a" {
			t.Errorf("output %s holds members of a/x/ and a/y/", key)
		}
	}
}

// the thresholds are asked again of what an attempt has left for the next one.
func TestThirdClassOfAHotGroupIsLeft(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.MinObjects = 8
	for i := range 15 {
		b.putAs(fmt.Sprintf("d/%02d.json.gz", i), fmt.Sprintf("application/t%d", i%3), gz(record("d", i, 1)))
	}
	sum, _, err := b.compact(b.store, o, "d/")
	if err != nil || sum.ObjectsIn != 15 {
		t.Errorf("a hotspot of 15 objects in 3 classes of 5: joined %d, ignored %d, groups done %d: %v", sum.ObjectsIn, sum.ObjectsIgnored, sum.GroupsDone, err)
	}
}

// what was alone takes the places of what is new.
func TestAloneStarvesTheRest(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	b.putAs("d/1.json.gz", "application/a", gz(record("d", 1, 1)))
	b.putAs("d/2.json.gz", "application/b", gz(record("d", 2, 1)))
	b.mustCompact(o, "d/")
	for i := 3; i < 9; i++ {
		b.putAs(fmt.Sprintf("d/%d.json.gz", i), "application/c", gz(record("d", i, 1)))
	}
	sum, _, err := b.compact(b.store, o, "d/")
	if err != nil || sum.ObjectsIn != 6 {
		t.Errorf("joined %d of 6: %v", sum.ObjectsIn, err)
	}
}

// attempts that read the same lone objects again and again.
func TestLoneObjectsAreReadForEver(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.GroupBy.Depth = 1
	for p := range maxChunks {
		b.putAs(fmt.Sprintf("d/p=%02d/1.json.gz", p), "application/a", gz(record("d", p, 1)))
		b.putAs(fmt.Sprintf("d/p=%02d/2.json.gz", p), "application/b", gz(record("d", p, 2)))
	}
	b.mustCompact(o, "d/")
	for i := range 4 {
		b.putAs(fmt.Sprintf("d/p=99/%d.json.gz", i), "application/a", gz(record("d", 99, i)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	f := &faultyStore{Client: b.store}
	sum, err := Run(ctx, f, o, []string{"d/"})
	gets := 0
	for _, c := range f.calls {
		if c.op == "get" && strings.HasPrefix(c.key, "d/") {
			gets++
		}
	}
	if err != nil || sum.ObjectsIn != 4 {
		t.Errorf("joined %d of 4 with %d GETs of 36 objects: %v", sum.ObjectsIn, gets, err)
	}
}

// many classes of one object each.
func TestManyLoneClasses(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	for i := range 14 {
		b.putAs(fmt.Sprintf("d/%02d.json.gz", i), fmt.Sprintf("application/t%d", i), gz(record("d", i, 1)))
	}
	if _, _, err := b.compact(b.store, o, "d/"); err != nil {
		t.Errorf("nothing changed, but: %v", err)
	}
}

// Uploads: the marker of the next page is URL-encoded.
func TestUploadPagesLoop(t *testing.T) {
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// As S3: two uploads, one a page, keys and markers encoded when asked for.
		n.Add(1)
		q := r.URL.Query()
		keys := []string{"dt=1/a", "dt=1/b"}
		enc := strings.NewReplacer("=", "%3D")
		for i, k := range keys {
			if k > q.Get("key-marker") {
				w.Header().Set("Content-Type", "application/xml")
				fmt.Fprintf(w, `<?xml version="1.0"?><ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>%v</IsTruncated><NextKeyMarker>%s</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker><Upload><Key>%s</Key><UploadId>u</UploadId><Initiated>2024-01-01T00:00:00Z</Initiated></Upload></ListMultipartUploadsResult>`, i == 0, enc.Replace(k), enc.Replace(k))
				return
			}
		}
		fmt.Fprint(w, `<?xml version="1.0"?><ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`)
	}))
	defer srv.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	c, err := s3store.Open(context.Background(), s3store.Options{EndpointURL: srv.URL, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	seen := map[string]int{}
	err = c.ListUploads(ctx, "bucket", "", func(u s3store.Upload) error { seen[u.Key]++; return nil })
	if err != nil || n.Load() != 2 {
		t.Errorf("%d requests for two pages; uploads seen: %v; %v", n.Load(), seen, err)
	}
}

// Memory: buffers of outputs that wait for the commit.
func TestBuffersOfWaitingOutputs(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.MemoryBytes = 128 << 20 // one group at a time, of at most 48 MiB of part buffers
	o.Selection.GroupBy.Depth = 1
	for p := range maxChunks {
		for i := range 2 {
			b.put(fmt.Sprintf("d/p=%02d/%d.json.gz", p, i), gz(record("d", p, i)))
		}
	}
	joined, sent := map[string]bool{}, false
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		sent = sent || c.op == "part" && strings.HasPrefix(c.key, "d/")
		if c.op == "get" && strings.HasPrefix(c.key, "d/") && !sent {
			joined[path.Dir(c.key)] = true
		}
		return true, nil
	}}
	if _, _, err := b.compact(f, o, "d/"); err != nil {
		t.Fatal(err)
	}
	if len(joined) > maxClasses+1 {
		t.Errorf("%d outputs have a part buffer of 8 MiB each before the first is sent; the bound counts %d", len(joined), maxClasses)
	}
}

// Memory: a small object in a large object's buffer counts as small.
func TestPooledBodies(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.setDefaults()
	bud := newBudget(128<<20, 4)
	rd := newReader(b.store, b.name, o.Content, bud)
	b.put("d/big.json.gz", noise(1, 12<<20))
	b.put("d/small.json.gz", gz(record("d", 1, 1)))
	l := b.list("d/")
	big, small := l["d/big.json.gz"], l["d/small.json.gz"]
	var held []*member
	var counted, real int64
	for range 12 {
		m, err := rd.read(context.Background(), big)
		if err != nil {
			t.Fatal(err)
		}
		m.release() // joined
		s, err := rd.read(context.Background(), small)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, s) // waits for its turn
		counted += holds(small)
		real += int64(cap(s.body))
	}
	runtime.KeepAlive(held)
	if real > 4<<20 {
		t.Errorf("the budget counts %d bytes, the bodies hold %d", counted, real)
	}
}

// the entry that closes a revived commit.
func TestRevivedOutputIsCalledDead(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	commitOnly(t, b)
	commit := b.entries("app/")[0]
	output := commit.Outputs[0]
	// Another worker's completion, authorised by the commit, arrives while this one finds nothing.
	f := &faultyStore{Client: b.store}
	f.before = func(_ int, c call) (bool, error) {
		switch {
		case strings.Contains(c.key, "canary"):
		case c.op == "complete":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		case c.op == "put" && strings.HasSuffix(c.key, "00000002.jsonl.gz"):
			if _, err := b.store.CompleteUpload(context.Background(), output.Bucket, output.Key, output.UploadID, output.Parts, output.CRC64); err != nil {
				t.Error(err)
			}
			m := commit.Members[0]
			if err := b.store.Delete(context.Background(), b.name, m.Key, m.ETag); err != nil {
				t.Error(err)
			}
		case c.op == "abort":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		}
		return true, nil
	}
	_, _, err := b.compact(f, b.options(), "app/")
	t.Log(err)
	compactSettled(t, "after the void entry", b)
	sameRecords(t, "after", before, b.records(""))
	for _, e := range b.entries("app/") {
		t.Logf("entry %d: %s %q outputs %d members %d live %d dead %d", e.Number, e.Kind, e.Reason, len(e.Outputs), len(e.Members), len(e.Live), len(e.Dead))
		for _, d := range e.Dead {
			for _, l := range e.Live {
				if l.Key == d.Key {
					t.Errorf("entry %d names the only copy of %d members both live and dead", e.Number, len(commit.Members))
				}
			}
		}
	}
}

// settling counts from before the PUT, not from when the entry was stored.
func TestOwnEntrySettlesTooEarly(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
	o := b.options()
	o.SettleAfter = 3 * time.Second
	var stored time.Time
	early := time.Duration(-1)
	f := &faultyStore{Client: b.store}
	f.before = func(_ int, c call) (bool, error) {
		if c.op == "put" && strings.HasSuffix(c.key, "00000002.jsonl.gz") {
			time.Sleep(4500 * time.Millisecond) // paused, or a throttled PUT that is retried
			stored = time.Now()
		}
		if c.op == "get" && strings.HasPrefix(c.key, "app/") && early < 0 {
			early = time.Since(stored)
		}
		return true, nil
	}
	_, _, err := b.compact(f, o, "app/")
	if !errors.Is(err, ErrWaiting) {
		t.Errorf("a void entry settles after %s; the same run acted on its own after %s: %v", o.SettleAfter, early, err)
	}
}

// a worker that another one overtakes.
func TestOvertakenWorkerCriesLoss(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
	f := onCall(b, "abort", "app/", func() {
		_, _, err := b.compact(b.store, b.options(), "app/")
		if err != nil && !errors.Is(err, ErrWaiting) {
			t.Errorf("the other worker: %v", err)
		}
	})
	_, _, err := b.compact(f, b.options(), "app/")
	if errors.Is(err, ErrLoss) {
		t.Errorf("nothing is lost, another worker was faster; but: %v", err)
	}
}

// a void entry that was checked and found harmless stays a trap.
func TestVoidStaysATrap(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	err := b.store.ListUploads(context.Background(), b.name, "", func(u s3store.Upload) error {
		return b.store.AbortUpload(context.Background(), b.name, u.Key, u.ID)
	})
	if err != nil {
		t.Fatal(err)
	}
	o := b.options()
	o.Selection.MinObjects = 10 // no hotspot any more
	for range 50 {
		if _, _, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Settled and compared: done. Days later the application's retention removes an object of its own.
	if err := b.store.Delete(context.Background(), b.name, "app/log-000.json.gz", ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err = b.compact(b.store, o, "app/"); err != nil {
		t.Errorf("the application deleted its own object, and: %v", err)
	}
}

// one object that GET answers with 400 (SSE-C; a disabled KMS key).
func TestOneUnreadableObjectBlocksItsGroup(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "get" && c.key == "app/log-001.json.gz" {
			return false, fmt.Errorf("400 InvalidRequest: the object was stored using a form of Server Side Encryption: %w", s3store.ErrBadRequest)
		}
		return true, nil
	}}
	sum, refused, err := b.compact(f, b.options(), "app/")
	if err != nil || sum.ObjectsIn != 3 || refused["app/log-001.json.gz"] == "" {
		t.Errorf("joined %d of 3, refused %v: %v", sum.ObjectsIn, refused, err)
	}
}

// hidden dest.
func TestHiddenDest(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	o := b.options()
	o.Dest = &s3store.Location{Bucket: b.name, Key: "_joined/"}
	sum, _, err := b.compact(b.store, o, "app/")
	if err == nil {
		t.Errorf("deleted %d originals; engines skip every output: %v", sum.ObjectsDeleted, b.outputs(""))
	}
}

func TestCloudTrail(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	p := "AWSLogs/123456789012/CloudTrail/us-east-1/2024/01/01/"
	for i := range 4 {
		b.put(fmt.Sprintf("%s123456789012_CloudTrail_us-east-1_20240101T000%dZ_abc.json.gz", p, i), gzRaw(fmt.Sprintf(`{"Records":[{"eventVersion":"1.08","n":%d}]}`, i)))
	}
	sum, refused := b.mustCompact(o, p)
	if sum.ObjectsDeleted > 0 {
		t.Errorf("deleted %d CloudTrail files that digests validate; refused %v", sum.ObjectsDeleted, refused)
	}
}

// --keep-originals deletes.
func TestKeepOriginalsDeletes(t *testing.T) {
	b := newBucket(t)
	keys := b.fill("app/", 4)
	commitOnly(t, b)
	o := b.options()
	o.Keep = true
	sum, _, err := b.compact(b.store, o, "app/")
	left := b.list("app/")
	for _, k := range keys {
		if _, ok := left[k]; !ok {
			t.Errorf("--keep-originals deleted %s (summary %+v, %v)", k, sum, err)
		}
	}
}

// ageless is an endpoint that does not enforce the age of a signature.
type ageless struct{ *faultyStore }

func (a ageless) Delete(ctx context.Context, bucket, key, etag string) error {
	if strings.Contains(key, "canary") {
		ctx = context.WithoutCancel(context.Background())
	}
	return a.faultyStore.Delete(ctx, bucket, key, etag)
}

func TestVoidWithoutSignatureAge(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	commitOnly(t, b)
	b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
	_, _, err := b.compact(ageless{&faultyStore{Client: b.store}}, b.options(), "app/")
	for _, e := range b.entries("app/") {
		if e.Kind == receipt.Void {
			t.Errorf("the endpoint does not enforce the age of signatures, and void was written without --assume-alone: %v", err)
		}
	}
}

// keep, then without.
func TestKeepThenWithout(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	o := b.options()
	o.Keep = true
	b.mustCompact(o, "app/")
	sum, refused, err := b.compact(b.store, b.options(), "app/")
	t.Logf("%+v %v %v; left %d", sum, refused, err, len(b.list("app/")))
	if len(b.list("app/")) != 1 && err == nil && sum.ObjectsIgnored+sum.ObjectsRefused == 0 {
		t.Errorf("a run without keep says done and nothing of the 4 originals that are doubled")
	}
}

// changed is not repeated.
func TestChangedIsForgotten(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	f := onCall(b, "delete", "app/log-002", func() { b.put("app/log-002.json.gz", gz(record("app/", 777, 1))) })
	_, refused, err := b.compact(f, b.options(), "app/")
	t.Log(refused, err)
	_, again, err := b.compact(b.store, b.options(), "app/")
	if again["app/log-002.json.gz"] != "changed" {
		t.Errorf("first run refused %v, the rerun %v, %v", refused, again, err)
	}
}

// one damaged log and a run by prefix
func TestOneBadLogStopsKnownGroups(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	b.fill("web/", 4)
	b.mustCompact(b.options(), "app/", "web/")
	layout, _, _ := readLayout(context.Background(), b.store, DefaultState(b.name))
	b.put(receipt.EntryKey("_s3compact/", receipt.GID(layout.StateID, "web/"), 1), []byte("junk"))
	o := b.options()
	if _, err := KnownGroups(context.Background(), b.store, o, "app/", nil); err != nil {
		t.Errorf("a run on app/ is stopped by the log of web/: %v", err)
	}
}

// Batch: keys that XML can't hold.
func TestBatchDeleteOfControlCharacters(t *testing.T) {
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		fmt.Fprint(w, `<?xml version="1.0"?><DeleteResult></DeleteResult>`)
	}))
	defer srv.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	c, err := s3store.Open(context.Background(), s3store.Options{EndpointURL: srv.URL, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.DeleteBatch(context.Background(), "bucket", []s3store.KeyETag{{Key: "a\x01b", ETag: "x"}})
	t.Logf("%q %v", body, err)
	if strings.Contains(body, "\ufffd") {
		t.Error("the request names another key")
	}
}

// a large member replaced between its proof and its second reading.
func TestLargeMemberReplaced(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.SmallSizeBytes = 64 << 20
	b.fill("app/", 4)
	b.put("app/z.json.gz", noise(1, 17<<20))
	n := 0
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "get" && c.key == "app/z.json.gz" {
			if n++; n == 2 {
				b.put("app/z.json.gz", gz(record("app/", 99, 1)))
			}
		}
		return true, nil
	}}
	sum, _, err := b.compact(f, o, "app/")
	if err != nil || sum.ObjectsIn < 4 {
		t.Errorf("%+v %v", sum, err)
	}
}

// counted as joined before it is.
func TestVoidCommitCountsAsJoined(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if c.op == "complete" && strings.HasPrefix(c.key, "app/") {
			return false, fmt.Errorf("400: %w", s3store.ErrBadRequest)
		}
		return true, nil
	}}
	o := b.options()
	o.SettleAfter = time.Hour
	sum, _, err := b.compact(f, o, "app/")
	if sum.ObjectsIn != 0 || sum.Outputs != 0 {
		t.Errorf("no output exists (%v), but the summary says %+v; %v", b.outputs(""), sum, err)
	}
}

func TestTwentyThousandFirst(t *testing.T) {
	var l listing
	for i := range maxMembers {
		l.candidates = append(l.candidates, s3store.Object{Key: fmt.Sprintf("a/p=%06d/x.gz", i), ETag: "e", SizeBytes: 10})
	}
	for i := range 50 {
		l.candidates = append(l.candidates, s3store.Object{Key: fmt.Sprintf("a/z=1/%d.gz", i), ETag: "e", SizeBytes: 10})
	}
	b := &bucket{t: t, name: "x"}
	o := b.options()
	o.Selection.GroupBy.Depth = 1
	o.setDefaults()
	g := &group{r: &run{o: &o}, prefix: "a/"}
	if n := len(g.eligible(&l)); n == 0 {
		t.Errorf("50 objects of one class can be joined; the group is reported done without them")
	}
}

func TestIgnoredIsNotCounted(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Selection.MinObjects = 1
	b.fill("app/", 3)
	b.put("app/x.log.gz", gz(record("app/", 5, 1)))
	sum, _ := b.mustCompact(o, "app/")
	if sum.ObjectsIn+sum.ObjectsIgnored+sum.ObjectsRefused != 4 {
		t.Errorf("4 objects; %+v", sum)
	}
	b.put("bad/cut.json.gz", []byte("not gzip"))
	b.fill("bad/", 3)
	b.mustCompact(o, "bad/")
	if n := len(b.entries("bad/")); n != 2 {
		t.Errorf("%d entries, want commit and done", n)
	}
}

// Shown by -race only.
func TestLayoutRace(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	o.Scope = "app/"
	st, err := openState(context.Background(), b.store, &o)
	if err != nil {
		t.Fatal(err)
	}
	o2 := b.options()
	o2.Scope = "web/"
	if _, err := openState(context.Background(), b.store, &o2); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { // a group takes its authority
		if _, err := (&authority{log: &grouplog{st: st, gid: "x"}}).sign(context.Background()); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() { // another one reads its log
		for range 20 {
			if _, err := st.readLog(context.Background(), "app/"); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}

// Dead outputs under --dest are not in the group's listing.
func TestDeadOutputUnderDest(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	o := b.options()
	o.Dest = &s3store.Location{Bucket: b.name, Key: "joined/"}
	dead := false
	w1 := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		dead = c.op == "put" && strings.Contains(c.key, "/groups/")
		return true, nil
	}}
	if _, _, err := b.compact(w1, o, "app/"); err == nil {
		t.Fatal("a dead worker reports success")
	}
	output := b.entries("app/")[0].Outputs[0]
	// A second worker finds nothing; the first one's completion arrives late.
	w2 := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		switch {
		case strings.Contains(c.key, "canary"):
		case c.op == "complete", c.op == "abort":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		case c.op == "put" && strings.HasSuffix(c.key, "00000002.jsonl.gz"):
			if _, err := b.store.CompleteUpload(context.Background(), output.Bucket, output.Key, output.UploadID, output.Parts, output.CRC64); err != nil {
				t.Error(err)
			}
		}
		return true, nil
	}}
	_, _, err := b.compact(w2, o, "app/")
	t.Log(err)
	for range 60 {
		var refused map[string]string
		if _, refused, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			t.Log(refused)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "after the void entry", before, b.records(""))
}

// A worker dies, or an answer is lost, anywhere behind the decision to give a commit up.
func TestDiesWhileGivingUp(t *testing.T) {
	for _, op := range []string{"uploads", "list", "put"} {
		t.Run(op, func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 4)
			commitOnly(t, b)
			b.put("app/log-001.json.gz", gz(record("app/", 555, 1)))
			givenUp, dead := false, false
			f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
				if dead {
					return false, errLost
				}
				if c.op == "uploads" {
					givenUp = true
				}
				if givenUp && c.op == op {
					dead = true
					return op == "abort" || op == "put", errLost
				}
				return true, nil
			}}
			_, _, err := b.compact(f, b.options(), "app/")
			if err == nil {
				t.Fatal("a dead worker reports success")
			}
			for range 60 {
				if _, _, err = b.compact(b.store, b.options(), "app/"); !errors.Is(err, ErrWaiting) {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if err != nil {
				t.Errorf("died at %s; each run from now on: %v", op, err)
			}
		})
	}
}
