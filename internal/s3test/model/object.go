package model

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// Version is one version of an object.
type Version struct {
	Key          string
	Body         []byte
	ETag         string
	VersionID    string
	LastModified time.Time // to the millisecond, as a LIST shows it
	CRC64NVME    string    // base64; "" where the endpoint stores none
	Attributes   s3store.Attributes
	Tags         string // URL-encoded
	TagCount     int
	Parts        int    // 0: by a single PUT
	Upload       string // the upload that it came from, "" for a PUT
	Writer       string // the client that wrote it
	DeleteMarker bool
	Info         s3store.Info // further fields that GET and HEAD tell: lock, replication, customer key
}

func (v *Version) object() s3store.Object {
	return s3store.Object{Key: v.Key, SizeBytes: int64(len(v.Body)), ETag: v.ETag, LastModified: v.LastModified, StorageClass: v.Attributes.StorageClass}
}

// info is what GET and HEAD say: the time has whole seconds there.
func (v *Version) info(date time.Time) s3store.Info {
	i := v.Info
	i.Object, i.Attributes = v.object(), v.Attributes
	i.Attributes.Metadata = maps.Clone(v.Attributes.Metadata)
	i.LastModified = v.LastModified.Truncate(time.Second)
	i.VersionID, i.CRC64NVME, i.TagCount, i.Date = v.VersionID, v.CRC64NVME, v.TagCount, date
	return i
}

// upload is a multipart upload under way.
type upload struct {
	id, key    string
	initiated  time.Time
	attributes s3store.Attributes
	parts      map[int32]part
}

type part struct {
	body []byte
	etag string
	crc  string
}

func etagOf(body []byte) string {
	sum := md5.Sum(body)
	return hex.EncodeToString(sum[:])
}

// newVersion is an object as a write makes it. The caller holds the lock.
func (s *Server) newVersion(c Call, key string, body []byte, etag string, a s3store.Attributes) *Version {
	v := &Version{
		Key: key, Body: body, ETag: etag, LastModified: s.now().Truncate(time.Millisecond),
		Attributes: a, Tags: a.Tagging, Writer: c.Client,
	}
	v.Attributes.Tagging = "" // only GetObjectTagging tells it
	if v.Tags != "" {
		v.TagCount = strings.Count(v.Tags, "&") + 1
	}
	if !s.lacks(c.Bucket, key).Checksums {
		v.CRC64NVME = validate.EncodeCRC64(validate.CRC64(body))
	}
	if v.Attributes.StorageClass == "" {
		v.Attributes.StorageClass = "STANDARD"
	}
	if v.Attributes.Encryption == "" {
		v.Attributes.Encryption = "AES256" // S3 encrypts every object since January 2023
	}
	if v.Attributes.ContentType == "" {
		v.Attributes.ContentType = "binary/octet-stream"
	}
	if s.o.Versioned {
		v.VersionID = s.newID("v")
	}
	return v
}

// remove is a delete that passed its conditions. The caller holds the lock.
func (s *Server) remove(b *bucket, c Call, key string) {
	if b.current[key] == nil && !s.o.Versioned {
		return
	}
	s.set(b, c, key, nil)
	if s.o.Versioned {
		b.old[key] = append(b.old[key], &Version{Key: key, DeleteMarker: true, VersionID: s.newID("v"), LastModified: s.now().Truncate(time.Millisecond), Writer: c.Client})
	}
}

// assemble checks a completion's parts and is the object that they make.
func (s *Server) assemble(c Call, u *upload, parts []s3store.Part, crc string) (*Version, error) {
	var body, sums []byte
	last := int32(0)
	for i, p := range parts {
		there, ok := u.parts[p.Number]
		switch {
		case p.Number <= last:
			return nil, c.err(400, "InvalidPartOrder", s3store.ErrBadRequest)
		case !ok || there.etag != p.ETag || p.CRC64NVME != "" && there.crc != "" && there.crc != p.CRC64NVME:
			return nil, c.err(400, "InvalidPart", s3store.ErrBadRequest)
		case i < len(parts)-1 && int64(len(there.body)) < s.o.MinPartBytes:
			return nil, c.err(400, "EntityTooSmall", s3store.ErrBadRequest)
		}
		last = p.Number
		body = append(body, there.body...)
		sum, _ := hex.DecodeString(there.etag)
		sums = append(sums, sum...)
	}
	if len(parts) == 0 {
		return nil, c.err(400, "InvalidRequest", s3store.ErrBadRequest)
	}
	if !s.lacks(c.Bucket, u.key).Checksums && crc != "" && crc != validate.EncodeCRC64(validate.CRC64(body)) {
		return nil, c.err(400, "BadDigest", s3store.ErrBadRequest)
	}
	v := s.newVersion(c, u.key, body, fmt.Sprintf("%s-%d", etagOf(sums), len(parts)), u.attributes)
	v.Parts, v.Upload = len(parts), u.id
	return v, nil
}

// keysFrom are the keys of a bucket after one, in order.
func (b *bucket) keysFrom(after string) []string {
	at, found := slices.BinarySearch(b.keys, after)
	if found {
		at++
	}
	return b.keys[at:]
}
