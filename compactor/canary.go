package compactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// enforcement is what the endpoint was seen to enforce, on the very calls that
// the run relies on.
type enforcement struct {
	deleteETag bool // DELETE with If-Match
	batchETags bool // per-key ETags in DeleteObjects
	checksum   bool // CRC64NVME is checked and stored
	signature  bool // a request signed 16 minutes ago is refused
	absorb     bool // DELETE with If-Match in the outputs' bucket: outputs may be compacted again
}

// canary tries each guarantee on objects of its own under fresh names, and
// removes them. Without create-only writes nothing may run; without
// conditional deletes nothing may be deleted; without stored checksums outputs
// are read back.
func (r *run) canary(ctx context.Context) (enforcement, error) {
	var e enforcement
	c := &canaryNest{r: r, prefix: "_s3compact/canary/" + randomID() + "/"}
	defer c.clean(ctx)
	buckets := []string{r.o.Bucket}
	if r.o.State.Bucket != r.o.Bucket {
		buckets = append(buckets, r.o.State.Bucket)
	}
	for _, b := range buckets {
		if err := c.createOnly(ctx, b); err != nil {
			return e, err
		}
	}
	var err error
	if e.checksum, err = c.completeOnly(ctx, r.outBucket); err != nil {
		return e, err
	}
	if e.deleteETag, err = c.conditionalDelete(ctx, r.o.Bucket); err != nil {
		return e, err
	}
	if e.absorb = e.deleteETag; r.outBucket != r.o.Bucket && !r.o.Keep {
		if e.absorb, err = c.conditionalDelete(ctx, r.outBucket); err != nil {
			return e, err
		}
	}
	if e.batchETags, err = c.batchDelete(ctx, r.o.Bucket); err != nil {
		return e, err
	}
	if e.signature, err = c.oldSignature(ctx, r.o.Bucket); err != nil {
		return e, err
	}
	if err := c.tagsShow(ctx, r.o.Bucket); err != nil {
		return e, err
	}
	switch {
	case !e.deleteETag && !e.batchETags && !r.o.Keep:
		return e, fmt.Errorf("this endpoint deletes an object although its ETag has changed, so a delete could hit data that was never read: use --keep-originals: %w", ErrUsage)
	case !e.batchETags:
		r.o.Log.Info("the endpoint ignores per-key ETags in DeleteObjects; members are deleted one by one on their ETag")
	}
	if !e.checksum && !r.o.ReadBack {
		r.o.Log.Info("the endpoint does not check and store CRC64NVME; outputs are proven by reading them back")
		r.o.ReadBack = true
	}
	if !e.signature {
		r.o.Log.Warn("the endpoint accepts requests that were signed long ago; make sure that no paused worker of an earlier run is left")
	}
	return e, nil
}

// canaryNest are the objects of one canary.
type canaryNest struct {
	r      *run
	prefix string
	n      int
	made   []s3store.Location
}

func (c *canaryNest) name(bucket string) string {
	c.n++
	key := fmt.Sprintf("%s%d", c.prefix, c.n)
	c.made = append(c.made, s3store.Location{Bucket: bucket, Key: key})
	return key
}

func (c *canaryNest) clean(ctx context.Context) {
	ctx, cancel := drained(ctx)
	defer cancel()
	for _, l := range c.made {
		if err := c.r.store.Delete(ctx, l.Bucket, l.Key, ""); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			c.r.o.Log.Warn("a canary object could not be removed", "object", l.String(), "error", err)
		}
	}
}

var canaryBody = []byte("s3compact asks what this endpoint enforces; this object may be deleted\n")

func (c *canaryNest) put(ctx context.Context, bucket string) (key, etag string, err error) {
	key = c.name(bucket)
	info, err := c.r.store.Put(ctx, bucket, key, canaryBody, s3store.PutOptions{})
	return key, info.ETag, err
}

// refused turns the answer to a request that must be refused into a finding;
// anything but the refusal or a success is an error.
func refused(err error, want ...error) (bool, error) {
	if err == nil {
		return false, nil
	}
	for _, w := range want {
		if errors.Is(err, w) {
			return true, nil
		}
	}
	return false, err
}

func (c *canaryNest) createOnly(ctx context.Context, bucket string) error {
	key, _, err := c.put(ctx, bucket)
	if err != nil {
		return fmt.Errorf("try the bucket (canary): %w", err)
	}
	_, err = c.r.store.Put(ctx, bucket, key, []byte("second"), s3store.PutOptions{CreateOnly: true})
	ok, err := refused(err, s3store.ErrPrecondition)
	if err != nil {
		return fmt.Errorf("try a create-only PUT (canary): %w", err)
	}
	b, err := readAll(ctx, c.r.store, bucket, key)
	if err != nil {
		return fmt.Errorf("try a create-only PUT (canary): %w", err)
	}
	if !ok || !bytes.Equal(b, canaryBody) {
		return fmt.Errorf("bucket %s: the endpoint overwrites an object in spite of If-None-Match, so workers can't agree on who does what; s3compact can't run on it: %w", bucket, ErrUsage)
	}
	return nil
}

// completeOnly tries create-only on the completion of an upload, and whether a
// wrong checksum is refused and the right one stored.
func (c *canaryNest) completeOnly(ctx context.Context, bucket string) (checksum bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("try an upload (canary): %w", err)
		}
	}()
	s := c.r.store
	key := c.name(bucket)
	crc := validate.CRC64(canaryBody)
	upload := func() (id string, part s3store.Part, err error) {
		if id, err = s.CreateUpload(ctx, bucket, key, s3store.Attributes{}); err != nil {
			return "", part, err
		}
		part, err = s.UploadPart(ctx, bucket, key, id, 1, canaryBody, crc)
		return id, part, err
	}
	id, part, err := upload()
	if err != nil {
		return false, err
	}
	defer abortDrained(ctx, s, bucket, key, id)
	_, err = s.UploadPart(ctx, bucket, key, id, 2, canaryBody, crc+1)
	partRefused, err := refused(err, s3store.ErrBadRequest)
	if err != nil {
		return false, err
	}
	_, err = s.CompleteUpload(ctx, bucket, key, id, []s3store.Part{part}, validate.EncodeCRC64(crc+1))
	wholeRefused, err := refused(err, s3store.ErrBadRequest)
	if err != nil {
		return false, err
	}
	if wholeRefused {
		if _, err := s.CompleteUpload(ctx, bucket, key, id, []s3store.Part{part}, validate.EncodeCRC64(crc)); err != nil {
			return false, err
		}
	}
	info, err := s.Head(ctx, bucket, key)
	if err != nil {
		return false, err
	}
	second, part, err := upload()
	if err != nil {
		return false, err
	}
	defer abortDrained(ctx, s, bucket, key, second)
	_, err = s.CompleteUpload(ctx, bucket, key, second, []s3store.Part{part}, validate.EncodeCRC64(crc))
	ok, err := refused(err, s3store.ErrPrecondition)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, fmt.Errorf("bucket %s: an upload can be completed over an existing object in spite of If-None-Match; s3compact can't run on it: %w", bucket, ErrUsage)
	}
	return partRefused && wholeRefused && info.CRC64NVME == validate.EncodeCRC64(crc), nil
}

// otherETag is an ETag that no object of the canary has.
const otherETag = "00000000000000000000000000000000"

func (c *canaryNest) conditionalDelete(ctx context.Context, bucket string) (bool, error) {
	key, _, err := c.put(ctx, bucket)
	if err != nil {
		return false, err
	}
	ok, err := refused(c.r.store.Delete(ctx, bucket, key, otherETag), s3store.ErrPrecondition, s3store.ErrUnsupported)
	if err != nil {
		return false, fmt.Errorf("try a conditional delete (canary): %w", err)
	}
	there, _, err := c.r.store.Probe(ctx, bucket, key)
	return ok && there, err
}

func (c *canaryNest) batchDelete(ctx context.Context, bucket string) (bool, error) {
	key, etag, err := c.put(ctx, bucket)
	if err != nil {
		return false, err
	}
	answers, err := c.r.store.DeleteBatch(ctx, bucket, []s3store.KeyETag{{Key: key, ETag: otherETag}})
	if err != nil {
		if errors.Is(err, s3store.ErrUnsupported) || errors.Is(err, s3store.ErrBadRequest) {
			return false, nil
		}
		return false, fmt.Errorf("try a conditional batch delete (canary): %w", err)
	}
	ok := errors.Is(answers[0], s3store.ErrPrecondition) // any other answer is not what is relied on
	there, _, err := c.r.store.Probe(ctx, bucket, key)
	if err != nil || !ok || !there {
		return false, err
	}
	answers, err = c.r.store.DeleteBatch(ctx, bucket, []s3store.KeyETag{{Key: key, ETag: etag}})
	if err != nil {
		return false, err
	}
	there, _, err = c.r.store.Probe(ctx, bucket, key)
	return answers[0] == nil && !there, err
}

func (c *canaryNest) oldSignature(ctx context.Context, bucket string) (bool, error) {
	key, _, err := c.put(ctx, bucket)
	if err != nil {
		return false, err
	}
	old := s3store.SignedAt(ctx, c.r.store.ServerTime().Add(-16*time.Minute))
	ok, err := refused(c.r.store.Delete(old, bucket, key, ""), s3store.ErrExpired, s3store.ErrDenied)
	if err != nil {
		return false, fmt.Errorf("try an old signature (canary): %w", err)
	}
	there, _, err := c.r.store.Probe(ctx, bucket, key)
	return ok && there, err
}

// tagsShow proves that a tagged object would be noticed: its tag count is
// shown only to a caller that may read tags.
func (c *canaryNest) tagsShow(ctx context.Context, bucket string) error {
	key := c.name(bucket)
	_, err := c.r.store.Put(ctx, bucket, key, canaryBody, s3store.PutOptions{Attributes: s3store.Attributes{Tagging: "s3compact=canary"}})
	if errors.Is(err, s3store.ErrUnsupported) {
		return nil // an endpoint without tags
	}
	if err != nil {
		return fmt.Errorf("try whether tags are shown (canary; needs s3:PutObjectTagging under _s3compact/ and s3:GetObjectTagging): %w", err)
	}
	info, err := c.r.store.Head(ctx, bucket, key)
	if err != nil {
		return err
	}
	if info.TagCount != 1 {
		return fmt.Errorf("bucket %s: the tags of objects can't be seen, so they could be lost: allow s3:GetObjectTagging: %w", bucket, ErrUsage)
	}
	return nil
}
