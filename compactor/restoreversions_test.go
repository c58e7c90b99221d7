package compactor

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// TestRestoreOverDeleteMarkers: in a bucket with versions, the originals that a
// compaction deleted are behind delete markers. On S3 a create-only PUT over
// one works, and so every original becomes the current version again, from each
// state of a group. The versions before stay.
func TestRestoreOverDeleteMarkers(t *testing.T) {
	for world := range undoWorlds {
		t.Run(world, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUndo(t, true)
				undoWorlds[world](u)
				u.finish("restore", u.refusing(world, nil))
				u.checkOriginals("after the restore")
				markers := 0
				for key := range u.originals {
					for _, v := range u.server.Old(undoBucket, key) {
						if v.DeleteMarker {
							markers++
						}
					}
				}
				if markers == 0 && world != "kept" {
					t.Error("no original was behind a delete marker: nothing was tested")
				}
			})
		})
	}
}

// TestRestoreWhereADeleteMarkerHasTheKey: an endpoint that refuses a create-only
// PUT over a delete marker, as this server does, can't have an original back
// under its key. The restore says so before it announces or changes anything;
// copies work.
func TestRestoreWhereADeleteMarkerHasTheKey(t *testing.T) {
	server := s3test.Start(t)
	b := &bucket{t: t, name: server.VersionedBucket(t), store: openClient(t, server)}
	b.fillAll("app/")
	before := b.objects("")
	b.mustCompact(b.options(), "app/")
	compacted, entries := b.objects(""), len(b.entries("app/"))

	sum, refused, err := b.restore(b.store, b.restoreOptions())
	if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "delete marker") || !strings.Contains(err.Error(), "restore --to") {
		t.Errorf("the restore did %+v, refused %v and says %v", sum, refused, err)
	}
	sameObjects(t, "after the restore that can't be", compacted, b.objects(""))
	if n := len(b.entries("app/")); n != entries {
		t.Errorf("the log has %d entries, it had %d", n, entries)
	}

	to := &S3Copies{Store: b.store, To: s3store.Location{Bucket: server.Bucket(t)}}
	if _, refused, err := b.extract(b.restoreOptions(), to); err != nil || len(refused) != 0 {
		t.Fatalf("copies: refused %v, %v", refused, err)
	}
	copies := &bucket{t: t, name: to.To.Bucket, store: b.store}
	got := copies.objects("")
	maps.DeleteFunc(before, func(key string, _ whole) bool { return got[key].body == before[key].body })
	if len(before) > 0 {
		t.Errorf("without a copy: %v", sortedKeys(before))
	}
}
