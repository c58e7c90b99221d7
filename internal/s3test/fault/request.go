package fault

import (
	"net/http"
	"net/url"
	"strings"
)

// Request is one request as it came.
type Request struct {
	N           int    // place among the proxy's requests, from 1
	Op          string // name of the S3 API's operation, "PutObject"
	Bucket, Key string // path style; no Key: a request for the bucket
	Method      string
	Query       url.Values
	Header      http.Header
	Body        []byte

	url  *url.URL
	host string
}

func newRequest(r *http.Request, body []byte) *Request {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := &Request{
		Bucket: bucket, Key: key, Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body,
		url: r.URL, host: r.Host,
	}
	q.Op = q.operation()
	return q
}

// operation names the request by its method and parameters.
// API: the request syntax of each action in the S3 API reference.
func (r *Request) operation() string {
	if r.Key == "" {
		return r.bucketOperation()
	}
	part, copied := r.Query.Has("partNumber"), r.Header.Get("X-Amz-Copy-Source") != ""
	switch r.Method {
	case http.MethodHead:
		return "HeadObject"
	case http.MethodGet:
		switch {
		case r.Query.Has("uploadId"):
			return "ListParts"
		case r.Query.Has("attributes"):
			return "GetObjectAttributes"
		}
		return r.sub("GetObject", "GetObject")
	case http.MethodPut:
		switch {
		case part && copied:
			return "UploadPartCopy"
		case part:
			return "UploadPart"
		case copied:
			return "CopyObject"
		}
		return r.sub("PutObject", "PutObject")
	case http.MethodPost:
		if r.Query.Has("uploads") {
			return "CreateMultipartUpload"
		}
		return "CompleteMultipartUpload"
	case http.MethodDelete:
		if r.Query.Has("uploadId") {
			return "AbortMultipartUpload"
		}
		return r.sub("DeleteObject", "DeleteObject")
	}
	return r.Method
}

func (r *Request) bucketOperation() string {
	switch {
	case r.Bucket == "":
		return "ListBuckets"
	case r.Method == http.MethodHead:
		return "HeadBucket"
	case r.Method == http.MethodPost && r.Query.Has("delete"):
		return "DeleteObjects"
	case r.Method == http.MethodGet && r.Query.Has("uploads"):
		return "ListMultipartUploads"
	case r.Method == http.MethodGet && r.Query.Has("versions"):
		return "ListObjectVersions"
	case r.Method == http.MethodGet && r.Query.Has("list-type"):
		return "ListObjectsV2"
	case r.Method == http.MethodGet:
		return r.sub("GetBucket", "ListObjects")
	case r.Method == http.MethodPut:
		return r.sub("PutBucket", "CreateBucket")
	}
	return r.Method + " bucket"
}

// subresources are the parameters that make a request one for a setting.
var subresources = []struct{ parameter, suffix string }{
	{"tagging", "Tagging"}, {"acl", "Acl"}, {"retention", "Retention"}, {"legal-hold", "LegalHold"}, {"object-lock", "ObjectLock"},
	{"versioning", "Versioning"}, {"ownershipControls", "OwnershipControls"}, {"policyStatus", "PolicyStatus"}, {"policy", "Policy"},
	{"lifecycle", "Lifecycle"}, {"notification", "Notification"}, {"replication", "Replication"}, {"encryption", "Encryption"},
	{"publicAccessBlock", "PublicAccessBlock"}, {"requestPayment", "RequestPayment"}, {"location", "Location"}, {"logging", "Logging"},
}

func (r *Request) sub(prefix, plain string) string {
	for _, s := range subresources {
		if r.Query.Has(s.parameter) {
			return prefix + s.suffix
		}
	}
	return plain
}
