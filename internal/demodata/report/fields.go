package report

import (
	"strconv"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// Row is one object, version or delete marker of the bucket. Empty texts and
// zero times are nulls.
type Row struct {
	Bucket            string
	Key               string
	VersionID         string
	IsLatest          bool
	IsDeleteMarker    bool // then there is no size, ETag, class and checksum
	SizeBytes         int64
	LastModified      time.Time
	ETag              string // without quotes
	StorageClass      string
	IsMultipart       bool
	ReplicationStatus string
	EncryptionStatus  string // SSE-S3, SSE-KMS, SSE-C, NOT-SSE
	LockRetainUntil   time.Time
	LockMode          string
	LockLegalHold     string
	IntelligentTier   string
	BucketKeyStatus   string
	ChecksumAlgorithm string
	AccessControlList string // base64
	ObjectOwner       string
}

// field is one column of a report.
type field struct {
	csv, orc string // its names
	kind     orcwrite.Kind
	versions bool // only in reports of all versions
	live     bool // null for delete markers
	text     func(*Row) string
	time     func(*Row) time.Time
	number   func(*Row) int64
	flag     func(*Row) bool
}

// allFields are the columns in the order of Amazon's own examples.
var allFields = []field{
	{csv: "Bucket", orc: "bucket", kind: orcwrite.String, text: func(r *Row) string { return r.Bucket }},
	{csv: "Key", orc: "key", kind: orcwrite.String, text: func(r *Row) string { return r.Key }},
	{csv: "VersionId", orc: "version_id", kind: orcwrite.String, versions: true, text: func(r *Row) string { return r.VersionID }},
	{csv: "IsLatest", orc: "is_latest", kind: orcwrite.Boolean, versions: true, flag: func(r *Row) bool { return r.IsLatest }},
	{csv: "IsDeleteMarker", orc: "is_delete_marker", kind: orcwrite.Boolean, versions: true, flag: func(r *Row) bool { return r.IsDeleteMarker }},
	{csv: "Size", orc: "size", kind: orcwrite.Long, live: true, number: func(r *Row) int64 { return r.SizeBytes }},
	{csv: "LastModifiedDate", orc: "last_modified_date", kind: orcwrite.Timestamp, time: func(r *Row) time.Time { return r.LastModified }},
	{csv: "ETag", orc: "e_tag", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.ETag }},
	{csv: "StorageClass", orc: "storage_class", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.StorageClass }},
	{csv: "IsMultipartUploaded", orc: "is_multipart_uploaded", kind: orcwrite.Boolean, live: true, flag: func(r *Row) bool { return r.IsMultipart }},
	{csv: "ReplicationStatus", orc: "replication_status", kind: orcwrite.String, text: func(r *Row) string { return r.ReplicationStatus }},
	{csv: "EncryptionStatus", orc: "encryption_status", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.EncryptionStatus }},
	{csv: "ObjectLockRetainUntilDate", orc: "object_lock_retain_until_date", kind: orcwrite.Timestamp, live: true, time: func(r *Row) time.Time { return r.LockRetainUntil }},
	{csv: "ObjectLockMode", orc: "object_lock_mode", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.LockMode }},
	{csv: "ObjectLockLegalHoldStatus", orc: "object_lock_legal_hold_status", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.LockLegalHold }},
	{csv: "IntelligentTieringAccessTier", orc: "intelligent_tiering_access_tier", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.IntelligentTier }},
	{csv: "BucketKeyStatus", orc: "bucket_key_status", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.BucketKeyStatus }},
	{csv: "ChecksumAlgorithm", orc: "checksum_algorithm", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.ChecksumAlgorithm }},
	{csv: "ObjectAccessControlList", orc: "object_access_control_list", kind: orcwrite.String, live: true, text: func(r *Row) string { return r.AccessControlList }},
	{csv: "ObjectOwner", orc: "object_owner", kind: orcwrite.String, text: func(r *Row) string { return r.ObjectOwner }},
}

func fieldsOf(versions bool) []field {
	var fields []field
	for _, f := range allFields {
		if versions || !f.versions {
			fields = append(fields, f)
		}
	}
	return fields
}

// null says whether the row has no value in this column.
func (f *field) null(r *Row) bool {
	switch {
	case f.live && r.IsDeleteMarker:
		return true
	case f.text != nil:
		return f.text(r) == ""
	case f.time != nil:
		return f.time(r).IsZero()
	}
	return false
}

// csvValue is the value as CSV reports write it, before quoting.
func (f *field) csvValue(r *Row) string {
	switch {
	case f.null(r):
		return ""
	case f.csv == "Key":
		return encodeKey(r.Key)
	case f.text != nil:
		return f.text(r)
	case f.time != nil:
		return f.time(r).UTC().Format("2006-01-02T15:04:05.000Z")
	case f.number != nil:
		return strconv.FormatInt(f.number(r), 10)
	}
	return strconv.FormatBool(f.flag(r))
}

func csvSchema(fields []field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.csv
	}
	return strings.Join(names, ", ")
}

func orcSchema(fields []field) string {
	types := map[orcwrite.Kind]string{
		orcwrite.String: "string", orcwrite.Boolean: "boolean", orcwrite.Long: "bigint", orcwrite.Timestamp: "timestamp",
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.orc + ":" + types[f.kind]
	}
	return "struct<" + strings.Join(names, ",") + ">"
}
