package compactor

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

func (b *bucket) extract(o RestoreOptions, to Copies) (RestoreSummary, map[string]string, error) {
	refused := map[string]string{}
	o.OnRefused = func(r Refused) { refused[r.Key] = r.Reason }
	sum, err := Extract(context.Background(), b.store, o, to)
	return sum, refused, err
}

func TestExtractToS3(t *testing.T) {
	b := newBucket(t)
	b.fillAll("app/")
	before := b.objects("")
	b.mustCompact(b.options(), "app/")
	compacted := b.list("")
	to := &S3Copies{Store: b.store, To: s3store.Location{Bucket: b.name, Key: "_copies/"}}
	sum, refused, err := b.extract(b.restoreOptions(), to)
	if err != nil || len(refused) != 0 || sum.ObjectsRestored != 8 || sum.Outputs != 2 || sum.Groups != 1 || sum.GroupsDone != 1 {
		t.Fatalf("%+v, %v, %v", sum, refused, err)
	}
	for key, w := range before {
		info, err := b.store.Head(context.Background(), b.name, "_copies/"+key)
		if err != nil {
			t.Fatal(err)
		}
		got := whole{body: string(b.get("_copies/" + key)), attrs: attributesOf(info)}
		if got != w {
			t.Errorf("the copy of %s is %+v, want %+v", key, got, w)
		}
	}
	now := b.list("")
	maps.DeleteFunc(now, func(k string, _ s3store.Object) bool { return strings.HasPrefix(k, "_copies/") })
	if !maps.Equal(compacted, now) {
		t.Error("an extraction changed more than the copies")
	}

	// Again: all is there. Something else under a copy's key is not overwritten.
	b.put("_copies/app/log-001.json.gz", []byte("mine"))
	sum, refused, err = b.extract(b.restoreOptions(), to)
	if err != nil || sum.ObjectsRestored != 0 || sum.ObjectsThere != 7 || refused["app/log-001.json.gz"] != "taken" || len(refused) != 1 {
		t.Errorf("again %+v, %v, %v", sum, refused, err)
	}
	if string(b.get("_copies/app/log-001.json.gz")) != "mine" {
		t.Error("a copy overwrote something")
	}
}

func TestExtractKeysIntoAFolder(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 5)
	listed := b.list("app/")
	b.mustCompact(b.options(), "app/")
	folder := filepath.Join(t.TempDir(), "copies")
	to, err := OpenFolderCopies(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	o := b.restoreOptions()
	o.Keys = []string{"app/log-001.json.gz", "app/log-003.json.gz"}
	sum, refused, err := b.extract(o, to)
	if err != nil || len(refused) != 0 || sum.ObjectsRestored != 2 || sum.Outputs != 1 {
		t.Fatalf("%+v, %v, %v", sum, refused, err)
	}
	files, err := os.ReadDir(filepath.Join(folder, "app"))
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
	file := filepath.Join(folder, "app", "log-003.json.gz")
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, gz(record("app/", 3, 1), record("app/", 3, 2))) {
		t.Errorf("the copy has %d bytes, %v", len(got), err)
	}
	if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(listed["app/log-003.json.gz"].LastModified) {
		t.Errorf("the copy is of %v, the original of %v", info.ModTime(), listed["app/log-003.json.gz"].LastModified)
	}

	o.Keys = append(o.Keys, "app/unheard-of.json.gz")
	if _, _, err := b.extract(o, to); !errors.Is(err, s3store.ErrNotFound) || !strings.Contains(err.Error(), "unheard-of") {
		t.Errorf("a key that no output holds: %v", err)
	}
}

// TestFolderCopiesStayInTheirFolder: no key leads out of it, and none overwrites.
func TestFolderCopiesStayInTheirFolder(t *testing.T) {
	outside := t.TempDir()
	to, err := OpenFolderCopies(filepath.Join(outside, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := os.Symlink(outside, filepath.Join(outside, "in", "link")); err != nil {
		t.Fatal(err)
	}
	write := func(key string) (bool, error) {
		return to.Write(context.Background(), Original{Member: receipt.Member{Key: key, Size: 3, CRC64: "AAAAAAAAAAA="}}, strings.NewReader("abc"))
	}
	for _, key := range []string{"../x", "/x", "a/../../x", "a//b", "a/", ".", "", "a/./b"} {
		if _, err := write(key); !errors.Is(err, ErrName) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if _, err := write("link/x"); err == nil {
		t.Error("a link leads out of the folder")
	}
	if written, err := write("a/b"); !written || err != nil {
		t.Errorf("a good key: %t, %v", written, err)
	}
	for _, key := range []string{"a/b", "a/b/c", "a"} {
		if _, err := write(key); !errors.Is(err, ErrTaken) {
			t.Errorf("key %q over a file or folder: %v", key, err)
		}
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside are %v, %v", entries, err)
	}
	entries, err = os.ReadDir(filepath.Join(outside, "in", "a"))
	if err != nil || len(entries) != 1 {
		t.Errorf("inside are %v, %v", entries, err)
	}
}

func TestCopiesAmongWhatIsCompactedAreRefused(t *testing.T) {
	layout := receipt.Layout{Bucket: "logs", Groupings: map[string]string{"app/": "dir"}}
	for location, ok := range map[s3store.Location]bool{
		{Bucket: "logs", Key: ""}:            false,
		{Bucket: "logs", Key: "app/"}:        false,
		{Bucket: "logs", Key: "app/copies/"}: false,
		{Bucket: "logs", Key: "ap"}:          false,
		{Bucket: "logs", Key: "app/_x/"}:     true,
		{Bucket: "logs", Key: "copies/"}:     true,
		{Bucket: "other", Key: ""}:           true,
	} {
		if err := CheckCopies(layout, location); (err == nil) != ok || err != nil && !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", location, err)
		}
	}
}
