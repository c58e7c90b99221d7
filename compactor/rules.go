package compactor

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// headers are the properties that the members of one output agree in, beside
// those that their keys show. The output carries them.
type headers struct {
	contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl string
	storageClass, encryption, kmsKeyID, tagging                                     string
	bucketKey                                                                       bool
}

// attributes is what an output of this class is written with. User metadata,
// redirects and expiry headers stay in the receipt, for restore.
func (h headers) attributes() s3store.Attributes {
	return s3store.Attributes{
		ContentType: h.contentType, ContentEncoding: h.contentEncoding, ContentLanguage: h.contentLanguage,
		ContentDisposition: h.contentDisposition, CacheControl: h.cacheControl,
		StorageClass: h.storageClass, Encryption: h.encryption, KMSKeyID: h.kmsKeyID, BucketKey: h.bucketKey, Tagging: h.tagging,
	}
}

// headersOf is the class that an output was written with.
func headersOf(a s3store.Attributes) headers {
	return headers{
		contentType: a.ContentType, contentEncoding: a.ContentEncoding, contentLanguage: a.ContentLanguage,
		contentDisposition: a.ContentDisposition, cacheControl: a.CacheControl,
		storageClass: a.StorageClass, encryption: a.Encryption, kmsKeyID: a.KMSKeyID, bucketKey: a.BucketKey, tagging: a.Tagging,
	}
}

// replicated are the replication statuses of objects that wait for nothing: of
// a source that was replicated, and of a replica.
// API: x-amz-replication-status of HeadObject, and the S3 user guide, "Getting replication status information".
var replicated = map[string]bool{"COMPLETED": true, "COMPLETE": true, "REPLICA": true}

// protects says whether an output is there with what its members had: their key and their tags.
func protects(o receipt.Output, i s3store.Info) error {
	a := o.Attributes
	if a.KMSKeyID != "" && (i.Encryption != a.Encryption || i.KMSKeyID != a.KMSKeyID) {
		return fmt.Errorf("output %s is encrypted with %q and the key %q, its members with %q and %q; nothing is deleted: does the bucket or this endpoint replace what a request asks for?", o.Key, i.Encryption, i.KMSKeyID, a.Encryption, a.KMSKeyID)
	}
	if n := tagCount(a.Tagging); i.TagCount < n {
		return fmt.Errorf("output %s has %d tags, its members %d; nothing is deleted: allow s3:PutObjectTagging and s3:GetObjectTagging", o.Key, i.TagCount, n)
	}
	return nil
}

// classify is the class of an object, or why it must not be joined.
func classify(i s3store.Info) (headers, *refusal) {
	refuse := func(reason, format string, a ...any) (headers, *refusal) {
		return headers{}, &refusal{reason: reason, detail: fmt.Sprintf(format, a...)}
	}
	switch {
	case i.CustomerKey:
		return refuse("encryption", "encrypted with a key of the customer (SSE-C)")
	case i.KMSKeyID == "" && i.Encryption != "" && i.Encryption != "AES256":
		return refuse("encryption", "encrypted with %s, and the key is not told, so the output could not have the same", i.Encryption)
	case i.LockMode != "" || i.LegalHold == "ON":
		return refuse("locked", "under object lock or legal hold")
	case i.ReplicationStatus != "" && !replicated[i.ReplicationStatus]:
		return refuse("replication", "replication status %s: what it holds may not be where it is replicated to", i.ReplicationStatus)
	case i.MissingMetadata > 0:
		return refuse("metadata", "%d metadata entries can't be read, so they could not be restored", i.MissingMetadata)
	case i.Expires != "" && !isHTTPDate(i.Expires):
		return refuse("metadata", "its Expires header %q is no date, so it could not be restored", i.Expires)
	}
	return headersOf(i.Attributes), nil
}

// isHTTPDate says whether an Expires header can be written again. S3 stores any text
// there; its SDK sends dates only.
func isHTTPDate(s string) bool {
	_, err := http.ParseTime(s)
	return err == nil
}

// refusal is why one object must not be joined.
type refusal struct {
	reason, detail string
	lasting        bool // for its bytes, so as long as it has its ETag: the log remembers it
}

func (r *refusal) Error() string { return r.reason + ": " + r.detail }

// stem is the part of a name before its extension, at most 64 bytes, cut at a
// character's border; of an output, the stem that it was named with.
func stem(key, extension string) string {
	name, gzip := strings.CutSuffix(key[strings.LastIndexByte(key, '/')+1:], extension)
	if !gzip { // plain text
		name = strings.TrimSuffix(name, strings.TrimSuffix(extension, gzipExtension))
	}
	if _, _, ok := receipt.ParseOutputName(key); ok {
		name = name[:strings.LastIndex(name, ".s3c-")]
	}
	const maxStemBytes = 64
	if len(name) > maxStemBytes {
		name = strings.ToValidUTF8(name[:maxStemBytes], "")
	}
	return name
}
