package compactor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/validate"
)

// canaryOf is what a canary finds out of an endpoint, with the data, the state
// and the outputs in a bucket each.
func canaryOf(server *model.Server, wire model.Wire) (enforcement, *Options, error) {
	o := Options{Bucket: dataBucket, State: s3store.Location{Bucket: "state", Key: "_s3compact/"}, Dest: &s3store.Location{Bucket: destBucket, Key: "joined/"}}
	o.setDefaults()
	r := &run{o: &o, store: server.Client("worker", wire), outBucket: destBucket, outPrefix: "joined/"}
	e, err := r.canary(context.Background())
	return e, &o, err
}

// TestCanaryOfEachBucket: what one bucket's endpoint does not enforce is found
// out in that bucket, and with what else it is told apart.
func TestCanaryOfEachBucket(t *testing.T) {
	whole := enforcement{deleteETag: true, batchETags: true, checksum: true, signature: true, absorb: true}
	without := func(change func(*enforcement)) enforcement { e := whole; change(&e); return e }
	for _, tt := range []struct {
		bucket  string
		lacks   model.Lacks
		want    enforcement
		refuses bool
	}{
		{dataBucket, model.Lacks{}, whole, false},
		{dataBucket, model.Lacks{CreateOnly: true}, whole, true},
		{"state", model.Lacks{CreateOnly: true}, whole, true},
		{destBucket, model.Lacks{CreateOnly: true}, whole, true},
		{dataBucket, model.Lacks{DeleteIfMatch: true}, without(func(e *enforcement) { e.deleteETag = false }), false},
		{destBucket, model.Lacks{DeleteIfMatch: true}, without(func(e *enforcement) { e.absorb = false }), false},
		{dataBucket, model.Lacks{BatchETags: true}, without(func(e *enforcement) { e.batchETags = false }), false},
		{dataBucket, model.Lacks{BatchDelete: true}, without(func(e *enforcement) { e.batchETags = false }), false},
		{dataBucket, model.Lacks{BatchETags: true, DeleteIfMatch: true}, whole, true},
		{destBucket, model.Lacks{Checksums: true}, without(func(e *enforcement) { e.checksum = false }), false},
		{dataBucket, model.Lacks{Checksums: true}, whole, false},
		{dataBucket, model.Lacks{SignatureAge: true}, without(func(e *enforcement) { e.signature = false }), false},
	} {
		t.Run(fmt.Sprintf("%s %+v", tt.bucket, tt.lacks), func(t *testing.T) {
			server := model.New(model.Options{Lacks: tt.lacks, LacksAt: func(bucket, _ string) bool { return bucket == tt.bucket }}, dataBucket, destBucket, "state")
			e, o, err := canaryOf(server, nil)
			if tt.refuses {
				if !errors.Is(err, ErrUsage) {
					t.Errorf("%+v, %v; a run must be refused", e, err)
				}
				return
			}
			if err != nil || e != tt.want {
				t.Errorf("%+v, %v; want %+v", e, err, tt.want)
			}
			if o.ReadBack == e.checksum {
				t.Errorf("outputs are read back: %v", o.ReadBack)
			}
			for _, b := range []string{dataBucket, destBucket, "state"} {
				if left := len(server.Keys(b)) + len(server.Uploads(b)); left > 0 {
					t.Errorf("%d objects and uploads of the canary are left in %s", left, b)
				}
			}
		})
	}
}

// TestCanaryLooksAtWhatIsThere: an endpoint that answers as it should and does
// something else is found out.
func TestCanaryLooksAtWhatIsThere(t *testing.T) {
	server := model.New(model.Options{}, dataBucket, destBucket, "state")
	sure := server.Client("endpoint", nil)
	ctx := context.Background()
	for name, tt := range map[string]struct {
		answer func(c model.Call, a model.Answer) model.Answer
		found  func(enforcement, error) bool
	}{
		"a refused delete deletes": {
			func(c model.Call, a model.Answer) model.Answer {
				if c.Op == "delete" && errors.Is(a.Err, s3store.ErrPrecondition) {
					_ = sure.Delete(ctx, c.Bucket, c.Key, "")
				}
				return a
			},
			func(e enforcement, err error) bool { return err == nil && !e.deleteETag && !e.absorb && e.batchETags },
		},
		"a delete that is too old deletes": {
			func(c model.Call, a model.Answer) model.Answer {
				if c.Op == "delete" && errors.Is(a.Err, s3store.ErrExpired) {
					_ = sure.Delete(ctx, c.Bucket, c.Key, "")
				}
				return a
			},
			func(e enforcement, err error) bool { return err == nil && !e.signature && e.deleteETag },
		},
		"a refused key of many is deleted": {
			func(c model.Call, a model.Answer) model.Answer {
				if c.Op == "deletes" && errors.Is(a.Errs[0], s3store.ErrPrecondition) {
					_ = sure.Delete(ctx, c.Bucket, c.Key, "")
				}
				return a
			},
			func(e enforcement, err error) bool { return err == nil && !e.batchETags && e.deleteETag },
		},
		"keys are said to be deleted": {
			func(c model.Call, a model.Answer) model.Answer {
				if c.Op == "deletes" && a.Errs[0] == nil {
					_, _ = sure.Put(ctx, c.Bucket, c.Key, canaryBody, s3store.PutOptions{})
				}
				return a
			},
			func(e enforcement, err error) bool { return err == nil && !e.batchETags && e.deleteETag },
		},
		"a refused PUT overwrites": {
			func(c model.Call, a model.Answer) model.Answer {
				if c.Op == "put" && errors.Is(a.Err, s3store.ErrPrecondition) {
					_, _ = sure.Put(ctx, c.Bucket, c.Key, []byte("second"), s3store.PutOptions{})
				}
				return a
			},
			func(_ enforcement, err error) bool { return errors.Is(err, ErrUsage) },
		},
		"wrong parts are taken": {
			func(c model.Call, a model.Answer) model.Answer {
				if c.Op == "part" && errors.Is(a.Err, s3store.ErrBadRequest) {
					a.Err = nil
				}
				return a
			},
			func(e enforcement, err error) bool { return err == nil && !e.checksum },
		},
		"another checksum is stored": {
			func(c model.Call, a model.Answer) model.Answer {
				if c.Op == "head" && c.Bucket == destBucket && a.Info.CRC64NVME != "" {
					a.Info.CRC64NVME = validate.EncodeCRC64(1)
				}
				return a
			},
			func(e enforcement, err error) bool { return err == nil && !e.checksum },
		},
		"tags do not show": {
			func(c model.Call, a model.Answer) model.Answer {
				a.Info.TagCount = 0
				return a
			},
			func(_ enforcement, err error) bool { return errors.Is(err, ErrUsage) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, _, err := canaryOf(server, func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
				return tt.answer(c, apply())
			})
			if !tt.found(e, err) {
				t.Errorf("%+v, %v", e, err)
			}
		})
	}
}

// TestOutputsAreNotAbsorbedWithoutConditions: where a single delete does not
// heed its ETag in the outputs' bucket, what somebody puts in the place of an
// output could go with it.
func TestOutputsAreNotAbsorbedWithoutConditions(t *testing.T) {
	for _, lax := range []bool{false, true} {
		server := model.New(model.Options{
			Lacks: model.Lacks{DeleteIfMatch: true}, LacksAt: func(bucket, _ string) bool { return lax && bucket == destBucket }, MinPartBytes: 1,
		}, dataBucket, destBucket)
		c := server.Client("worker", nil)
		o := Options{
			Bucket: dataBucket, State: DefaultState(dataBucket), Dest: &s3store.Location{Bucket: destBucket, Key: "joined/"}, Content: validate.ContentNDJSON, Tool: "test",
			Selection: inventory.Selection{SmallSizeBytes: 1 << 20, MinObjects: 2, Match: "*.gz", TargetSizeBytes: 64 << 20},
		}
		for day := range 2 {
			for i := range 3 {
				if _, err := c.Put(context.Background(), dataBucket, fmt.Sprintf("app/log-%d-%d.json.gz", day, i), good("app/", 10*day+i), s3store.PutOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Run(context.Background(), c, o, []string{"app/"}); err != nil {
				t.Fatal(err)
			}
		}
		outputs := 0
		for _, key := range server.Keys(destBucket) {
			if strings.HasPrefix(key, "joined/") {
				outputs++
			}
		}
		if want := map[bool]int{false: 1, true: 2}[lax]; outputs != want {
			t.Errorf("with lax deletes %v: %d outputs, want %d", lax, outputs, want)
		}
	}
}
