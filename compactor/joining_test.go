package compactor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

func TestFirstMemberAsLargeAsAPart(t *testing.T) {
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

// TestOutputsOfAnAttemptHaveNamesOfTheirOwn: One class is left alone, the next chunk has the same stem.
func TestOutputsOfAnAttemptHaveNamesOfTheirOwn(t *testing.T) {
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

// TestHeaderLinesBehindAnEmptyMember: A gzip of nothing in front does not switch the header rule off.
func TestHeaderLinesBehindAnEmptyMember(t *testing.T) {
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

// TestOutputStaysInItsPartition: Equal name=value segments at different places are different partitions.
func TestOutputStaysInItsPartition(t *testing.T) {
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

// TestOutputLiesWhereAllMembersShare: Its directory has to be chosen before all members are read.
func TestOutputLiesWhereAllMembersShare(t *testing.T) {
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

// TestAllClassesOfAHotGroupAreJoined: The thresholds are asked once: what an attempt leaves for the next one is joined too.
func TestAllClassesOfAHotGroupAreJoined(t *testing.T) {
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

func TestLoneObjectsDoNotStarveOthers(t *testing.T) {
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

func TestLoneObjectsAreReadOnce(t *testing.T) {
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

func TestManyLoneClassesEnd(t *testing.T) {
	b := newBucket(t)
	o := b.options()
	for i := range 14 {
		b.putAs(fmt.Sprintf("d/%02d.json.gz", i), fmt.Sprintf("application/t%d", i), gz(record("d", i, 1)))
	}
	if _, _, err := b.compact(b.store, o, "d/"); err != nil {
		t.Errorf("nothing changed, but: %v", err)
	}
}

// TestOneUnreadableObjectIsRefused: S3 answers a GET with 400 for SSE-C and disabled KMS keys.
func TestOneUnreadableObjectIsRefused(t *testing.T) {
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

func TestHiddenDestIsRefused(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	o := b.options()
	o.Dest = &s3store.Location{Bucket: b.name, Key: "_joined/"}
	sum, _, err := b.compact(b.store, o, "app/")
	if err == nil {
		t.Errorf("deleted %d originals; engines skip every output: %v", sum.ObjectsDeleted, b.outputs(""))
	}
}

func TestCloudTrailIsRefused(t *testing.T) {
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

func TestKeptOriginalsAreCountedLater(t *testing.T) {
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

func TestChangedIsToldAgain(t *testing.T) {
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

// TestLargeMemberReplacedStartsAgain: It is replaced between its proof and its second reading.
func TestLargeMemberReplacedStartsAgain(t *testing.T) {
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

func TestEveryObjectIsCounted(t *testing.T) {
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

// TestCredentialsThatEndRefuseNoObject: what S3 says of the credentials is said
// of no object, so that the group stays to be done.
func TestCredentialsThatEndRefuseNoObject(t *testing.T) {
	for _, tc := range []struct {
		answer  error
		refused int
		failed  bool
	}{
		{s3store.ErrDenied, 1, false},
		{s3store.ErrCredentials, 0, true},
	} {
		b := newBucket(t)
		b.fill("app/", 4)
		f := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
			if c.op == "get" && c.key == "app/log-001.json.gz" {
				return false, fmt.Errorf("get: %w", tc.answer)
			}
			return true, nil
		}}
		_, refused, err := b.compact(f, b.options(), "app/")
		if len(refused) != tc.refused || errors.Is(err, tc.answer) != tc.failed || (err != nil) != tc.failed {
			t.Errorf("%v: refused %v, error %v", tc.answer, refused, err)
		}
	}
}
