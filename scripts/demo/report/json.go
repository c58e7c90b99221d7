package main

import (
	"context"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/s3store"
)

// record is what the question needs of a log line. The status is text in a few
// odd records.
type record struct {
	AppID  int64          `json:"app_id"`
	Status jsontext.Value `json:"status"`
	Bytes  int64          `json:"bytes"`
}

// readJSON reads all of an object: gzip JSON lines have no other way. One that
// is broken counts as unreadable; many engines would fail the whole query.
func (a *answer) readJSON(ctx context.Context, store *s3store.Client, bucket string, o s3store.Object) error {
	body, _, err := store.Get(ctx, bucket, o.Key, s3store.GetOptions{IfMatch: o.ETag})
	if err != nil {
		return err
	}
	defer body.Close()
	a.readBytes.Add(o.SizeBytes)
	part, err := sumJSON(body)
	if err != nil {
		a.mu.Lock()
		a.unreadable++
		a.mu.Unlock()
		return ctx.Err()
	}
	a.merge(part)
	return nil
}

func sumJSON(r io.Reader) (map[int64]usage, error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	part := map[int64]usage{}
	dec := jsontext.NewDecoder(zr)
	for {
		var rec record
		if err := json.UnmarshalDecode(dec, &rec); errors.Is(err, io.EOF) {
			return part, nil
		} else if err != nil {
			return nil, err
		}
		u := part[rec.AppID]
		u.requests++
		u.bytes += rec.Bytes
		if len(rec.Status) == 3 && rec.Status[0] == '5' {
			u.errors++
		}
		part[rec.AppID] = u
	}
}
