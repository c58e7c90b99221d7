package s3store

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// scripted is a client of a server that answers as the handler says, for what
// the real one does not do.
func scripted(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	c, err := Open(context.Background(), Options{EndpointURL: server.URL, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestListUploadsPages: S3 encodes the marker of the next page like the keys.
func TestListUploadsPages(t *testing.T) {
	requests := 0
	c := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		const page = `<?xml version="1.0"?><ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>%t</IsTruncated>` +
			`<NextKeyMarker>%[2]s</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>` +
			`<Upload><Key>%[2]s</Key><UploadId>u</UploadId><Initiated>2026-10-03T00:00:00Z</Initiated></Upload></ListMultipartUploadsResult>`
		if requests++; requests > 2 {
			http.Error(w, "a page too many", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		for i, key := range []string{"dt=1/a", "dt=1/b"} {
			if key > r.URL.Query().Get("key-marker") {
				fmt.Fprintf(w, page, i == 0, strings.ReplaceAll(key, "=", "%3D"))
				return
			}
		}
	})
	var keys []string
	err := c.ListUploads(context.Background(), "bucket", "", func(u Upload) error { keys = append(keys, u.Key); return nil })
	if err != nil || !slices.Equal(keys, []string{"dt=1/a", "dt=1/b"}) {
		t.Errorf("uploads %q with %d requests, %v", keys, requests, err)
	}
}

// TestRequestPayer: each request says it, and the signature covers it.
func TestRequestPayer(t *testing.T) {
	for _, pays := range []bool{false, true} {
		requests := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			says := r.Header.Get("x-amz-request-payer") == "requester"
			if signed := strings.Contains(r.Header.Get("Authorization"), "x-amz-request-payer"); says != pays || signed != pays {
				t.Errorf("%s %s says %t, signed %t, want %t", r.Method, r.URL, says, signed, pays)
			}
			w.WriteHeader(http.StatusNotFound)
		}))
		defer server.Close()
		t.Setenv("AWS_ACCESS_KEY_ID", "id")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		ctx := context.Background()
		c, err := Open(ctx, Options{EndpointURL: server.URL, MaxAttempts: 1, RequestPayer: pays})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.List(ctx, "bucket", ListOptions{}, func(Page) error { return nil })
		_, _, _ = c.Get(ctx, "bucket", "key", GetOptions{})
		_, _ = c.Head(ctx, "bucket", "key")
		_, _ = c.Put(ctx, "bucket", "key", nil, PutOptions{})
		_, _ = c.CreateUpload(ctx, "bucket", "key", Attributes{})
		_ = c.Delete(ctx, "bucket", "key", "")
		_, _ = c.DeleteBatch(ctx, "bucket", []KeyETag{{Key: "key"}})
		if requests != 7 {
			t.Errorf("%d requests", requests)
		}
	}
}

// TestDeleteBatchNamesNoOtherKey: XML can't hold control characters; such a key is deleted by itself.
func TestDeleteBatchNamesNoOtherKey(t *testing.T) {
	var seen []string
	c := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.URL.Path+" "+string(b))
		fmt.Fprint(w, `<?xml version="1.0"?><DeleteResult><Deleted><Key>plain</Key></Deleted></DeleteResult>`)
	})
	errs, err := c.DeleteBatch(context.Background(), "bucket", []KeyETag{{Key: "a\x01b", ETag: "x"}, {Key: "plain", ETag: "y"}, {Key: "unanswered", ETag: "z"}})
	if err != nil || errs[0] != nil || errs[1] != nil || errs[2] == nil {
		t.Errorf("answers %v, %v", errs, err)
	}
	if len(seen) != 2 || !strings.HasPrefix(seen[0], "DELETE /bucket/a\x01b") || strings.Contains(seen[1], "\ufffd") {
		t.Errorf("requests %q", seen)
	}
}
