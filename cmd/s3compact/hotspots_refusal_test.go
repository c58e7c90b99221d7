package main

import (
	"context"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// disguised is a store whose objects have attributes that the server under test
// can't give them, by their keys.
type disguised struct {
	*s3store.Client
	kinds   map[string]inventory.Kind
	outputs *sync.Map // what each was asked to have, by key
}

func (d disguised) List(ctx context.Context, bucket string, o s3store.ListOptions, page func(s3store.Page) error) error {
	return d.Client.List(ctx, bucket, o, func(p s3store.Page) error {
		for i := range p.Objects {
			if k, ok := d.kinds[p.Objects[i].Key]; ok {
				p.Objects[i].StorageClass = k.StorageClass
			}
		}
		return page(p)
	})
}

func (d disguised) Get(ctx context.Context, bucket, key string, o s3store.GetOptions) (io.ReadCloser, s3store.Info, error) {
	k, ok := d.kinds[key]
	if ok && (k.AccessTier == "ARCHIVE" || k.AccessTier == "DEEP_ARCHIVE") {
		return nil, s3store.Info{}, s3store.ErrArchived
	}
	body, info, err := d.Client.Get(ctx, bucket, key, o)
	if ok && err == nil {
		info.Object.StorageClass, info.Attributes.StorageClass = k.StorageClass, k.StorageClass
		info.ReplicationStatus = k.Replication
		info.CustomerKey = k.Encryption == "SSE-C"
		info.Encryption = map[string]string{"SSE-S3": "AES256", "SSE-KMS": "aws:kms", "DSSE-KMS": "aws:kms:dsse"}[k.Encryption]
		if strings.HasSuffix(k.Encryption, "KMS") {
			info.KMSKeyID = disguisedKey
		}
	}
	return body, info, err
}

// disguisedKey is the key of all objects under KMS.
const disguisedKey = "arn:aws:kms:us-east-1:123456789012:key/1"

// CreateUpload writes without the attributes, and remembers them.
func (d disguised) CreateUpload(ctx context.Context, bucket, key string, a s3store.Attributes) (string, error) {
	d.outputs.Store(key, a)
	a.Encryption, a.KMSKeyID, a.StorageClass = "", "", ""
	return d.Client.CreateUpload(ctx, bucket, key, a)
}

func (d disguised) Head(ctx context.Context, bucket, key string) (s3store.Info, error) {
	info, err := d.Client.Head(ctx, bucket, key)
	if a, ok := d.outputs.Load(key); ok {
		asked := a.(s3store.Attributes)
		info.Encryption, info.KMSKeyID = asked.Encryption, asked.KMSKeyID
	}
	return info, err
}

// TestForecastRefusesAsCompactDoes has a group with objects of every kind that a
// report can show, and holds what is forecast against what compact does.
func TestForecastRefusesAsCompactDoes(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store, err := s3store.Open(t.Context(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := []inventory.Kind{
		{StorageClass: "STANDARD", Encryption: "SSE-S3"}, {StorageClass: "STANDARD", Encryption: "SSE-KMS"},
		{StorageClass: "STANDARD", Encryption: "DSSE-KMS"}, {StorageClass: "STANDARD", Encryption: "SSE-C"},
		{StorageClass: "STANDARD_IA", Encryption: "SSE-KMS"}, {StorageClass: "GLACIER", Replication: "COMPLETED"},
		{StorageClass: "INTELLIGENT_TIERING", AccessTier: "DEEP_ARCHIVE"}, {StorageClass: "INTELLIGENT_TIERING", AccessTier: "ARCHIVE"},
		{StorageClass: "INTELLIGENT_TIERING", AccessTier: "ARCHIVE_INSTANT_ACCESS"}, {StorageClass: "INTELLIGENT_TIERING", AccessTier: "INFREQUENT"},
	}
	for _, status := range types.ReplicationStatus("").Values() {
		kinds = append(kinds, inventory.Kind{StorageClass: "STANDARD", Replication: string(status)})
	}
	for _, class := range types.StorageClass("").Values() {
		kinds = append(kinds, inventory.Kind{StorageClass: string(class)})
	}
	bucket := server.Bucket(t)
	const each = 3
	truth, err := demodata.Small(1, each*len(kinds), 512).Generate(t.Context(), demodata.ToBucket(server.Client(), bucket))
	if err != nil {
		t.Fatal(err)
	}
	d := disguised{store, map[string]inventory.Kind{}, &sync.Map{}}
	var keys []string
	sizes := map[string]int64{}
	for _, o := range truth.Objects {
		keys, sizes[o.Key] = append(keys, o.Key), o.SizeBytes
	}
	slices.Sort(keys)
	h := &inventory.Hotspot{Prefix: "10001/", AllObjects: int64(len(keys))}
	for i, k := range kinds {
		for _, key := range keys[i*each : (i+1)*each] {
			d.kinds[key] = k
			k.Objects++
			k.Bytes += sizes[key]
		}
		h.Kinds = append(h.Kinds, k)
		h.Objects += k.Objects
		h.Bytes += k.Bytes
	}
	sel := defaultSelection()
	f := inventory.Forecast{Survey: &inventory.Survey{PlanHeader: inventory.PlanHeader{Thresholds: sel}}, Prices: price.Default()}
	e := f.Estimate(h)

	var mu sync.Mutex
	refused := map[string]int64{}
	sum, err := compactor.Run(t.Context(), d, compactor.Options{
		Bucket: bucket, State: compactor.DefaultState(bucket), Selection: sel, Content: validate.ContentNDJSON,
		OnRefused: func(r compactor.Refused) {
			mu.Lock()
			defer mu.Unlock()
			refused[r.Reason]++
		},
	}, []string{"10001/"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(refused, e.Refused); d != "" {
		t.Errorf("refused (-compact +forecast):\n%s", d)
	}
	if sum.ObjectsIn != e.Compacting.Objects || sum.Outputs != e.Compacting.Outputs {
		t.Errorf("compact joined %d objects into %d, forecast %d into %d", sum.ObjectsIn, sum.Outputs, e.Compacting.Objects, e.Compacting.Outputs)
	}
}

// TestForecastReasonsAreTheReasonsOfCompact: the words are those that README lists.
func TestForecastReasonsAreTheReasonsOfCompact(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for reason := range maps.Keys(reasonTexts) {
		if !strings.Contains(string(readme), "`"+reason+"`") {
			t.Errorf("README does not list the reason %s", reason)
		}
	}
}

// TestManagedPrefixesAreRefusedByCompact holds the places of CloudTrail, and those
// of other logs, that the forecast knows against dry runs.
func TestManagedPrefixesAreRefusedByCompact(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	put := demodata.ToBucket(server.Client(), bucket)
	for _, prefix := range []string{
		"AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/24/", "AWSLogs/o-1a2b3c/123456789012/CloudTrail-Digest/eu-west-1/",
		"trails/AWSLogs/123456789012/CloudTrail-Insight/x/", "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/",
		"AWSLogs/123456789012/vpcflowlogs/eu-west-1/", "AWSLogs/CloudTrail/", "noAWSLogs/123456789012/CloudTrail/", "access-logs/",
		"a/_temporary/", "a/.hidden/b/", "a/b_c/",
	} {
		for _, name := range []string{"a", "b", "c"} {
			if err := put(t.Context(), prefix+name+".json.gz", []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		where := "s3://" + bucket + "/" + prefix
		var found struct {
			Estimate inventory.Estimate
		}
		decode(t, s3compact("hotspots", "--listing", where, "--min-objects", "3", "--output", "json").summary(t), &found)
		var dry struct {
			Objects int64 `json:"objects_in"`
		}
		r := s3compact("compact", where, "--min-objects", "3", "--min-age", "0s", "--dry-run", "--output", "json")
		decode(t, r.summary(t), &dry)
		managed := strings.Contains(r.stdout, `"reason":"managed"`)
		if e := found.Estimate; e.Compacting.Objects != dry.Objects || (e.Refused["managed"] > 0) != managed {
			t.Errorf("%s: compact would join %d objects, managed %v; forecast %d, refused %v", prefix, dry.Objects, managed, e.Compacting.Objects, e.Refused)
		}
	}
}
