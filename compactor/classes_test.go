package compactor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// told is a store that tells of outputs what a test wants to be told.
type told struct {
	*model.Client
	output func(*s3store.Info)
	heads  int // of outputs
}

func (s *told) Head(ctx context.Context, bucket, key string) (s3store.Info, error) {
	i, err := s.Client.Head(ctx, bucket, key)
	if _, _, ok := receipt.ParseOutputName(key); ok && err == nil && s.output != nil {
		s.heads++
		s.output(&i)
	}
	return i, err
}

// classed is a bucket of the model with three objects for each set of attributes.
func classed(t *testing.T, each ...s3store.Attributes) (*model.Server, *told, Options) {
	t.Helper()
	server := model.New(model.Options{}, "b")
	c := &told{Client: server.Client("worker", nil)}
	for i, a := range each {
		for j := range 3 {
			key := fmt.Sprintf("app/%d-%d.json.gz", j, i) // the classes lie among one another
			if _, err := c.Put(context.Background(), "b", key, gz(record("app/", i, j)), s3store.PutOptions{Attributes: a}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return server, c, (&bucket{t: t, name: "b"}).options()
}

// joined runs and returns what became of the group: the outputs' attributes, and the originals that are left.
func joined(t *testing.T, c *told, o Options) (outputs []s3store.Info, left int, refused map[string]string, err error) {
	t.Helper()
	refused = map[string]string{}
	o.OnRefused = func(r Refused) { refused[r.Key+r.Prefix] = r.Reason }
	_, err = Run(context.Background(), c, o, []string{"app/"})
	lerr := c.List(context.Background(), "b", s3store.ListOptions{Prefix: "app/"}, func(p s3store.Page) error {
		for _, obj := range p.Objects {
			if _, _, ok := receipt.ParseOutputName(obj.Key); !ok {
				left++
				continue
			}
			i, err := c.Client.Head(context.Background(), "b", obj.Key)
			if err != nil {
				return err
			}
			if i.Tagging, err = c.Tagging(context.Background(), "b", obj.Key); err != nil {
				return err
			}
			outputs = append(outputs, i)
		}
		return nil
	})
	if lerr != nil {
		t.Fatal(lerr)
	}
	return outputs, left, refused, err
}

func TestMembersAgreeInWhatTheirOutputCarries(t *testing.T) {
	kms := func(kind, key string, bucketKey bool) s3store.Attributes {
		return s3store.Attributes{Encryption: kind, KMSKeyID: key, BucketKey: bucketKey}
	}
	for _, tt := range []struct {
		name    string
		each    []s3store.Attributes
		outputs int
	}{
		{"one key", []s3store.Attributes{kms("aws:kms", "arn:k1", true)}, 1},
		{"two keys", []s3store.Attributes{kms("aws:kms", "arn:k1", false), kms("aws:kms", "arn:k2", false)}, 2},
		{"a key and none", []s3store.Attributes{kms("aws:kms", "arn:k1", false), {}}, 2},
		{"two layers and one", []s3store.Attributes{kms("aws:kms:dsse", "arn:k1", false), kms("aws:kms", "arn:k1", false)}, 2},
		{"tags", []s3store.Attributes{{Tagging: "keep=7y&team=a%26b"}}, 1},
		{"tags and others", []s3store.Attributes{{Tagging: "keep=7y"}, {Tagging: "keep=1y"}}, 2},
		{"tags and none", []s3store.Attributes{{Tagging: "keep=7y"}, {}}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, c, o := classed(t, tt.each...)
			outputs, left, refused, err := joined(t, c, o)
			if err != nil || left != 0 || len(refused) != 0 || len(outputs) != tt.outputs {
				t.Fatalf("%d outputs, %d originals are left, refused %v, %v", len(outputs), left, refused, err)
			}
			for _, a := range tt.each {
				found := 0
				for _, i := range outputs {
					if i.Encryption == cmp.Or(a.Encryption, "AES256") && i.KMSKeyID == a.KMSKeyID && i.BucketKey == a.BucketKey && i.Tagging == a.Tagging {
						found++
					}
				}
				if found != 1 {
					t.Errorf("%d outputs carry %+v", found, a)
				}
			}
		})
	}
}

func TestColdClassesAreJoinedWhenAskedFor(t *testing.T) {
	for _, class := range PricedClasses() {
		_, c, o := classed(t, s3store.Attributes{StorageClass: class})
		outputs, left, refused, err := joined(t, c, o)
		if err != nil || len(outputs) != 0 || left != 3 || refused["app/0-0.json.gz"] != "storage_class" {
			t.Errorf("%s, not asked for: %d outputs, %d are left, refused %v, %v", class, len(outputs), left, refused, err)
		}
		o.StorageClasses = []string{class}
		outputs, left, refused, err = joined(t, c, o)
		if err != nil || len(outputs) != 1 || left != 0 || len(refused) != 0 || outputs[0].Object.StorageClass != class {
			t.Errorf("%s, asked for: outputs %+v, %d are left, refused %v, %v", class, outputs, left, refused, err)
		}
	}
}

// TestHeadersThatCouldNotComeBack: what a restore could not write again stays as it is.
func TestHeadersThatCouldNotComeBack(t *testing.T) {
	for expires, want := range map[string]string{"0": "metadata", "Thu, 01 Dec 2033 16:00:00 GMT": ""} {
		_, c, o := classed(t, s3store.Attributes{Expires: expires})
		outputs, left, refused, err := joined(t, c, o)
		if err != nil || (left == 3) != (want != "") || (len(outputs) == 0) != (want != "") || refused["app/0-0.json.gz"] != want {
			t.Errorf("Expires %q: %d outputs, %d originals are left, refused %v, %v", expires, len(outputs), left, refused, err)
		}
	}
}

// TestWeakerOutputsDeleteNothing: an endpoint that drops what an output was to carry.
func TestWeakerOutputsDeleteNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		a      s3store.Attributes
		weaker func(*s3store.Info)
	}{
		"encryption": {s3store.Attributes{Encryption: "aws:kms", KMSKeyID: "arn:k1"}, func(i *s3store.Info) { i.Encryption, i.KMSKeyID = "AES256", "" }},
		"key":        {s3store.Attributes{Encryption: "aws:kms", KMSKeyID: "arn:k1"}, func(i *s3store.Info) { i.KMSKeyID = "arn:k2" }},
		"tags":       {s3store.Attributes{Tagging: "keep=7y"}, func(i *s3store.Info) { i.TagCount = 0 }},
	} {
		_, c, o := classed(t, tt.a)
		c.output = tt.weaker
		if _, left, _, err := joined(t, c, o); err == nil || left != 3 || !strings.Contains(err.Error(), "nothing is deleted") {
			t.Errorf("%s: %d originals are left, %v", name, left, err)
		}
	}
}

func TestReplication(t *testing.T) {
	for _, tt := range []struct {
		name, members string
		outputs       []string // what the output is told to be, HEAD for HEAD; the last one stays
		left          int
		refused       string
		err           error
	}{
		{"members that wait", "PENDING", nil, 3, "replication", nil},
		{"members that failed", "FAILED", nil, 3, "replication", nil},
		{"replicas", "REPLICA", []string{""}, 0, "", nil},
		{"done at once", "COMPLETED", []string{"COMPLETED"}, 0, "", nil},
		{"done after a while", "COMPLETED", []string{"PENDING", "PENDING", "COMPLETED"}, 0, "", nil},
		{"not done", "COMPLETED", []string{"PENDING"}, 3, "", ErrWaiting},
		{"failed", "COMPLETED", []string{"PENDING", "FAILED"}, 3, "", errAny},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, c, o := classed(t, s3store.Attributes{})
			for j := range 3 {
				server.Touch("b", fmt.Sprintf("app/%d-0.json.gz", j), func(i *s3store.Info) { i.ReplicationStatus = tt.members })
			}
			c.output = func(i *s3store.Info) { i.ReplicationStatus = tt.outputs[min(c.heads, len(tt.outputs))-1] }
			_, left, refused, err := joined(t, c, o)
			if left != tt.left || refused["app/0-0.json.gz"] != tt.refused {
				t.Errorf("%d originals are left, refused %v", left, refused)
			}
			if (tt.err == nil) != (err == nil) || errors.Is(tt.err, ErrWaiting) && !errors.Is(err, ErrWaiting) {
				t.Errorf("the run says %v", err)
			}
		})
	}
}

var errAny = errors.New("some error")

// TestReceiptsKeepWhatOutputsDoNotCarry: redirects, metadata and tags of originals, for restore.
func TestReceiptsKeepWhatOutputsDoNotCarry(t *testing.T) {
	want := s3store.Attributes{WebsiteRedirect: "/elsewhere", Metadata: map[string]string{"from": "edge"}, Tagging: "keep=7y"}
	_, c, o := classed(t, want)
	if _, left, refused, err := joined(t, c, o); err != nil || left != 0 || len(refused) != 0 {
		t.Fatalf("%d are left, refused %v, %v", left, refused, err)
	}
	layout, _, err := readLayout(context.Background(), c, o.State)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newState(c, &o, layout, 1).readEntry(context.Background(), receipt.GID(layout.StateID, "app/"), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range e.Members {
		if a := m.Attributes; a.WebsiteRedirect != want.WebsiteRedirect || a.Metadata["from"] != "edge" || a.Tagging != want.Tagging {
			t.Errorf("the receipt of %s keeps %+v", m.Key, a)
		}
	}
	if a := e.Outputs[0].Attributes; a.WebsiteRedirect != "" || len(a.Metadata) != 0 || a.Tagging != want.Tagging {
		t.Errorf("the output carries %+v", a)
	}
}
