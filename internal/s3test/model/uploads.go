package model

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// CreateUpload implements the store.
func (c *Client) CreateUpload(ctx context.Context, name, key string, a s3store.Attributes) (string, error) {
	c.counted(&c.count.Put)
	s := c.server
	answer := c.send(ctx, Call{Op: "create", Bucket: name, Key: key}, func(b *bucket, call Call) Answer {
		u := &upload{id: s.newID("u"), key: key, initiated: s.now(), attributes: a, parts: map[int32]part{}}
		b.uploads[u.id] = u
		return Answer{ID: u.id}
	})
	return answer.ID, answer.Err
}

// UploadPart implements the store.
func (c *Client) UploadPart(ctx context.Context, name, key, id string, number int32, content []byte, crc uint64) (s3store.Part, error) {
	c.counted(&c.count.Put)
	s := c.server
	content = slices.Clone(content)
	call := Call{Op: "part", Bucket: name, Key: key, Upload: id}
	a := c.send(ctx, call, func(b *bucket, call Call) Answer {
		u := b.uploads[id]
		if u == nil || u.key != key {
			return Answer{Err: call.err(404, "NoSuchUpload", s3store.ErrNotFound)}
		}
		p := part{body: content, etag: etagOf(content), crc: validate.EncodeCRC64(crc)}
		if !s.lacks(name, key).Checksums && crc != validate.CRC64(content) {
			return Answer{Err: call.err(400, "BadDigest", s3store.ErrBadRequest)}
		}
		u.parts[number] = p
		return Answer{Part: s3store.Part{Number: number, ETag: p.etag, SizeBytes: int64(len(content)), CRC64NVME: p.crc}}
	})
	return a.Part, a.Err
}

// CompleteUpload implements the store.
func (c *Client) CompleteUpload(ctx context.Context, name, key, id string, parts []s3store.Part, crc string) (string, error) {
	c.counted(&c.count.Put)
	s := c.server
	call := Call{Op: "complete", Bucket: name, Key: key, Upload: id, Create: true}
	a := c.send(ctx, call, func(b *bucket, call Call) Answer {
		if v := b.done[id]; v != nil && s.o.CompleteAgain {
			return Answer{ETag: v.ETag}
		}
		u := b.uploads[id]
		if u == nil || u.key != key {
			return Answer{Err: call.err(404, "NoSuchUpload", s3store.ErrNotFound)}
		}
		v, err := s.assemble(call, u, parts, crc)
		if err != nil {
			return Answer{Err: err}
		}
		if b.current[key] != nil && !s.lacks(name, key).CreateOnly {
			return Answer{Err: call.err(412, "PreconditionFailed", s3store.ErrPrecondition)}
		}
		delete(b.uploads, id)
		b.done[id] = v
		s.set(b, call, key, v)
		return Answer{ETag: v.ETag}
	})
	return a.ETag, a.Err
}

// AbortUpload implements the store.
func (c *Client) AbortUpload(ctx context.Context, name, key, id string) error {
	c.counted(&c.count.Delete)
	call := Call{Op: "abort", Bucket: name, Key: key, Upload: id}
	return c.send(ctx, call, func(b *bucket, call Call) Answer {
		if u := b.uploads[id]; u == nil || u.key != key {
			return Answer{Err: call.err(404, "NoSuchUpload", s3store.ErrNotFound)}
		}
		delete(b.uploads, id)
		return Answer{}
	}).Err
}

// ListUploads implements the store: each page is a request of its own.
func (c *Client) ListUploads(ctx context.Context, name, prefix string, fn func(s3store.Upload) error) error {
	after := ""
	for {
		from := after
		c.counted(&c.count.List)
		a := c.send(ctx, Call{Op: "uploads", Bucket: name, Key: prefix, After: from}, func(b *bucket, call Call) Answer {
			return c.server.listUploads(b, prefix, from)
		})
		if a.Err != nil {
			return a.Err
		}
		for _, u := range a.Uploads {
			if err := fn(u); err != nil {
				return err
			}
		}
		if a.Next == "" {
			return nil
		}
		after = a.Next
	}
}

// listUploads is a page: by key, then by id, as S3 orders them.
func (s *Server) listUploads(b *bucket, prefix, from string) (a Answer) {
	var all []s3store.Upload
	for _, u := range b.uploads {
		if strings.HasPrefix(u.key, prefix) && u.key+"\x00"+u.id > from {
			all = append(all, s3store.Upload{Key: u.key, ID: u.id, Initiated: u.initiated})
		}
	}
	slices.SortFunc(all, func(x, y s3store.Upload) int {
		return cmp.Or(strings.Compare(x.Key, y.Key), strings.Compare(x.ID, y.ID))
	})
	if len(all) > s.o.PageKeys {
		all = all[:s.o.PageKeys]
		last := all[len(all)-1]
		a.Next = last.Key + "\x00" + last.ID
	}
	a.Uploads = all
	return a
}
