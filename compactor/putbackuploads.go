package compactor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// putBackUpload is an upload with which a restore puts an original back. Its
// key is the application's, which may have uploads of its own there: only a
// record in the state says that this one is ours.
type putBackUpload struct {
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	UploadID string `json:"upload_id"`
}

// putBackUploads is where a state notes the uploads of a group's restore entry.
func putBackUploads(l *grouplog) string {
	return fmt.Sprintf("%s%s/%08d-", receipt.UploadsPrefix(l.st.at.Key), l.gid, l.head)
}

// noteUpload writes that an upload is this restore's. It returns the record's key.
func (st *state) noteUpload(ctx context.Context, l *grouplog, u putBackUpload) (key string, err error) {
	b, err := json.Marshal(u)
	if err != nil {
		return "", err
	}
	key = putBackUploads(l) + randomID() + ".json"
	_, err = st.store.Put(ctx, st.at.Bucket, key, b, s3store.PutOptions{CreateOnly: true, Attributes: s3store.Attributes{ContentType: "application/json"}})
	if err == nil || errors.Is(err, s3store.ErrPrecondition) { // an earlier try of the request has written it: its name is random
		return key, nil
	}
	return key, fmt.Errorf("note its upload: %w", err)
}

// dropUpload aborts an upload that is not completed, and then removes its record, if it has one.
func (st *state) dropUpload(ctx context.Context, u putBackUpload, record string, completed bool) error {
	if !completed {
		if err := st.store.AbortUpload(ctx, u.Bucket, u.Key, u.UploadID); err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return err
		}
	}
	if record == "" {
		return nil
	}
	err := st.store.Delete(ctx, st.at.Bucket, record, "")
	if errors.Is(err, s3store.ErrNotFound) {
		return nil
	}
	return err
}

// dropUploads aborts the uploads that the records under a prefix name, as far
// as they are older than age, all for 0, and returns how many records there were.
func (st *state) dropUploads(ctx context.Context, prefix string, age time.Duration) (n int, err error) {
	var records []string
	err = st.store.List(ctx, st.at.Bucket, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			if age == 0 || st.store.ServerTime().Sub(o.LastModified) >= age {
				records = append(records, o.Key)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, key := range records {
		b, err := readAll(ctx, st.store, st.at.Bucket, key)
		if errors.Is(err, s3store.ErrNotFound) {
			continue // another worker was first
		}
		if err != nil {
			return n, err
		}
		var u putBackUpload
		if err := json.Unmarshal(b, &u); err != nil {
			return n, fmt.Errorf("read s3://%s/%s: %w", st.at.Bucket, key, err)
		}
		if err := st.dropUpload(ctx, u, key, false); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
