package compactor

import (
	"context"
	"fmt"
	"maps"
	"testing"
)

// TestPreviewSaysWhatRunDoes with a group that earlier runs have dealt with.
func TestPreviewSaysWhatRunDoes(t *testing.T) {
	join := func(b *bucket, keep bool) {
		o := b.options()
		o.Keep = keep
		b.mustCompact(o, "app/")
	}
	stop := func(b *bucket, keep bool) {
		o := b.options()
		o.Keep = keep
		if _, _, err := b.compact(crashAt(b, "complete", "app/"), o, "app/"); err == nil {
			b.t.Fatal("the run was not stopped")
		}
	}
	more := func(b *bucket) {
		for i := range 3 {
			b.put(fmt.Sprintf("app/more-%d.json.gz", i), gz(record("app/", 500+i, 1)))
		}
	}
	for name, c := range map[string]struct {
		before func(b *bucket)
		open   int64 // objects of an open commit, which a run finishes
	}{
		"joined":                     {before: func(b *bucket) { join(b, false) }},
		"joined, and more came":      {before: func(b *bucket) { join(b, false); more(b) }},
		"kept":                       {before: func(b *bucket) { join(b, true) }},
		"kept, and more came":        {before: func(b *bucket) { join(b, true); more(b) }},
		"kept, and one was replaced": {before: func(b *bucket) { join(b, true); more(b); b.put("app/log-001.json.gz", gz("{}")) }},
		"kept, and one came":         {before: func(b *bucket) { join(b, true); b.put("app/one.json.gz", gz("{}")) }},
		"kept, and taken apart":      {before: func(b *bucket) { join(b, true); b.mustRestore(b.restoreOptions()) }},
		"stopped":                    {before: func(b *bucket) { stop(b, false); more(b) }, open: 4},
		"kept, and stopped":          {before: func(b *bucket) { stop(b, true); more(b) }, open: 4},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.fill("app/", 4)
			b.put("app/bad.json.gz", []byte("no gzip"))
			b.put("app/alone.csv.gz", gz("{}"))
			c.before(b)
			there := b.list("")
			told := map[string]string{}
			o := b.options()
			o.OnRefused = func(r Refused) { told[r.Key] = r.Reason }
			var group GroupPreview
			preview, err := Preview(context.Background(), b.store, o, []string{"app/"}, func(g GroupPreview) { group = g })
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(there, b.list("")) {
				t.Error("the preview changed the bucket")
			}
			o = b.options()
			o.AssumeAlone = true
			sum, refused := b.mustCompact(o, "app/")
			if preview.ObjectsIn != sum.ObjectsIn-c.open || preview.ObjectsRefused != sum.ObjectsRefused || !maps.Equal(told, refused) {
				t.Errorf("the preview says %+v, refused %v; the run %+v, refused %v", preview, told, sum, refused)
			}
			if c.open == 0 && preview.ObjectsIgnored != sum.ObjectsIgnored {
				t.Errorf("the preview ignores %d, the run %d", preview.ObjectsIgnored, sum.ObjectsIgnored)
			}
			if group.Objects != preview.ObjectsIn || group.Refused != preview.ObjectsRefused || group.Ignored != preview.ObjectsIgnored {
				t.Errorf("of the group it says %+v, of all %+v", group, preview)
			}
		})
	}
}
