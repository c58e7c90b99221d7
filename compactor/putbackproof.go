package compactor

import (
	"context"
	"fmt"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// isItself says whether an object is the original itself, which was never
// deleted: its tags and its encryption are the application's.
func isItself(m *receipt.Member, o s3store.Object) bool {
	return o.ETag == m.ETag && o.LastModified.Truncate(time.Second).Equal(m.LastModified.Truncate(time.Second))
}

// carries proves that an original that was put back has the tags and the KMS
// key that its receipt names. Its output holds the only other copy, which has both.
func (p *putBack) carries(ctx context.Context, m *receipt.Member) error {
	r, a := p.g.r, &m.Attributes
	if a.Tagging != "" {
		tags, err := r.store.Tagging(ctx, r.o.Bucket, m.Key)
		if err != nil {
			return fmt.Errorf("put back %s: prove its tags: %w", m.Key, err)
		}
		if tags != a.Tagging {
			return fmt.Errorf("put back %s: it has the tags %q, not %q, so its output stays: allow s3:PutObjectTagging and s3:GetObjectTagging, then give it these tags, or delete it, and run again", m.Key, tags, a.Tagging)
		}
	}
	if a.KMSKeyID != "" {
		info, err := r.store.Head(ctx, r.o.Bucket, m.Key)
		if err != nil {
			return fmt.Errorf("put back %s: prove its encryption: %w", m.Key, err)
		}
		if info.Encryption != a.Encryption || info.KMSKeyID != a.KMSKeyID {
			return fmt.Errorf("put back %s: it is encrypted with %q and the key %q, not with %q and %q, so its output stays: see whether the bucket or this endpoint replaces what a request asks for, delete the object, and run again", m.Key, info.Encryption, info.KMSKeyID, a.Encryption, a.KMSKeyID)
		}
	}
	return nil
}
