package compactor

import (
	"fmt"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

func TestExtension(t *testing.T) {
	for key, want := range map[string]string{
		"a/x.json.gz": ".json.gz", "a/x.log.gz": ".log.gz", "a/x.gz": ".gz", "a.b/x": "", "a/x.json": ".json",
		"a/E2.2026-10-03-12.RT4KCN4SGK9.gz": ".gz", // CloudFront: a random id
		"a/app.log.1.gz":                    ".gz", // rotation
		"a/access.2026-10-03.gz":            ".gz",
		"a/.gz":                             ".gz",
		"a/.json.gz":                        ".gz",
		"a/x.averylongextension.gz":         ".gz",
	} {
		if got := extension(key); got != want {
			t.Errorf("%s has the extension %q, want %q", key, got, want)
		}
	}
}

func TestSharedDirectory(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{[]string{"a/b/1", "a/b/2"}, "a/b/"},
		{[]string{"a/b/1", "a/c/2"}, "a/"},
		{[]string{"a/b/1", "a/bc/2"}, "a/"},
		{[]string{"a/1", "b/2"}, ""},
		{[]string{"1", "2"}, ""},
		{[]string{"a/b/c/1"}, "a/b/c/"},
	} {
		if got := sharedDirectory(tt.keys); got != tt.want {
			t.Errorf("%q share %q, want %q", tt.keys, got, tt.want)
		}
	}
}

func TestPlanner(t *testing.T) {
	const target = 100
	objects := func(n int, size int64, format string) (all []s3store.Object) {
		for i := range n {
			all = append(all, s3store.Object{Key: fmt.Sprintf(format, i), SizeBytes: size, StorageClass: "STANDARD"})
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		objects []s3store.Object
		want    []int // members of each chunk
	}{
		{"nothing", nil, nil},
		{"one object has nobody to be joined with", objects(1, 10, "a/%d.gz"), nil},
		{"all fit", objects(10, 10, "a/%d.gz"), []int{10}},
		{"two outputs of about the same size", objects(12, 10, "a/%02d.gz"), []int{6, 6}},
		{"objects as large as the target stay", objects(3, 100, "a/%d.gz"), nil},
		{"extensions apart", append(objects(2, 10, "a/%d.json.gz"), objects(2, 10, "a/%d.log.gz")...), []int{2, 2}},
		{"partitions apart", append(objects(3, 10, "a/dt=1/%d.gz"), objects(2, 10, "a/dt=2/%d.gz")...), []int{3, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlanner(target, func(s3store.Object) bool { return true })
			for _, o := range tt.objects {
				p.add(o)
			}
			p.endAll()
			var got []int
			for _, c := range p.ready {
				got = append(got, len(c.members))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("chunks of %v members, want %v", got, tt.want)
			}
		})
	}
}

func TestWhatAListingTells(t *testing.T) {
	o := &Options{Selection: inventory.Selection{SmallSizeBytes: 100, Match: "*"}}
	small := func(key string) s3store.Object { return s3store.Object{Key: key, SizeBytes: 10} }
	of := func(class string) s3store.Object {
		return s3store.Object{Key: "a/x.gz", SizeBytes: 10, StorageClass: class}
	}
	for _, tt := range []struct {
		object s3store.Object
		want   sight
		reason string
	}{
		{small("a/x.json.gz"), candidate, ""}, {small("a/_x.json.gz"), passedOver, ""}, {small("a/.x.gz"), passedOver, ""}, {small("a/"), passedOver, ""},
		{small("a/x.parquet"), passedOver, ""}, {small("a/b/x.json.gz"), elsewhere, ""}, {small("ab/x.json.gz"), elsewhere, ""}, {small("x.json.gz"), elsewhere, ""},
		{small("a/x.s3c-0123456789abcdef0123456789abcdef-0123456789abcdef0123456789abcdef-1.json.gz"), asOutput, ""},
		{of("GLACIER"), unfit, "archived"}, {of("DEEP_ARCHIVE"), unfit, "archived"}, {of("STANDARD_IA"), unfit, "storage_class"}, {of("GLACIER_IR"), unfit, "storage_class"},
		{of("INTELLIGENT_TIERING"), candidate, ""},
		{s3store.Object{Key: "a/x.gz", SizeBytes: 100}, passedOver, ""}, {s3store.Object{Key: "a/y.gz"}, passedOver, ""},
	} {
		if got, why := newSieve("a/", o).judge(tt.object); got != tt.want || why.Reason != tt.reason {
			t.Errorf("%+v is %d (%q), want %d (%q)", tt.object, got, why.Reason, tt.want, tt.reason)
		}
	}
}
