package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Object is one row of a listing.
type Object struct {
	Key          string
	SizeBytes    int64
	ETag         string // without quotes; opaque: an MD5 only for single-part objects under SSE-S3 or in plain text
	LastModified time.Time
	StorageClass string // "STANDARD" where the server names none
}

// ListOptions narrow a listing.
type ListOptions struct {
	Prefix     string
	Delimiter  string // "/" lists one directory
	StartAfter string // only keys after this one, in UTF-8 byte order
}

// Page is what one LIST request returned, at most 1,000 entries.
type Page struct {
	Objects  []Object
	Prefixes []string // common prefixes, with a delimiter only
	More     bool     // another page follows
}

// List calls fn for each page, in key order, until the end or fn's first error.
// API: ListObjectsV2.
func (c *Client) List(ctx context.Context, bucket string, o ListOptions, fn func(Page) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &bucket, EncodingType: types.EncodingTypeUrl}
	if o.Prefix != "" {
		in.Prefix = &o.Prefix
	}
	if o.Delimiter != "" {
		in.Delimiter = &o.Delimiter
	}
	if o.StartAfter != "" {
		in.StartAfter = &o.StartAfter
	}
	for {
		answer, err := retrySkewed(ctx, c.clock, func() (*listAnswer, error) {
			r := listReader{}
			_, err := c.api.ListObjectsV2(ctx, in, func(so *s3.Options) { so.APIOptions = append(so.APIOptions, r.install) })
			return r.answer, err
		})
		if err != nil {
			return wrap("list", bucket, o.Prefix, err)
		}
		if err := fn(answer.page); err != nil {
			return err
		}
		if !answer.truncated {
			return nil
		}
		if answer.token == "" {
			return fmt.Errorf("list s3://%s/%s: the server says that more follows but not where", bucket, o.Prefix)
		}
		in.ContinuationToken = &answer.token
	}
}

// listReader reads the answers to one ListObjectsV2 in place of the SDK, which
// still reads those that are errors.
type listReader struct{ answer *listAnswer }

const deserializer = "OperationDeserializer" // the SDK's name of the step that reads an answer

func (r *listReader) install(stack *middleware.Stack) error {
	sdk, ok := stack.Deserialize.Get(deserializer)
	if !ok {
		return errors.New("the SDK has no step " + deserializer)
	}
	_, err := stack.Deserialize.Swap(deserializer, middleware.DeserializeMiddlewareFunc(deserializer,
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, md, err := next.HandleDeserialize(ctx, in)
			resp, ok := out.RawResponse.(*smithyhttp.Response)
			if err != nil || !ok || resp.StatusCode < 200 || resp.StatusCode >= 300 {
				return sdk.HandleDeserialize(ctx, in, answered{out, md, err})
			}
			r.answer, err = readList(ctx, resp.Body)
			smithyhttp.CloseResponseBody(ctx, resp, false, err)
			out.Result = &s3.ListObjectsV2Output{}
			return out, md, err
		}))
	return err
}

// answered is the step behind a step that is asked a second time.
type answered struct {
	out middleware.DeserializeOutput
	md  middleware.Metadata
	err error
}

func (a answered) HandleDeserialize(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
	return a.out, a.md, a.err
}

// maxListBytes bounds an answer: 1,000 keys of 1,024 bytes, URL-encoded, with
// what stands around them, are below 4 MiB.
const maxListBytes = 16 << 20

// parsers are for answers: nothing in one's memory outlives the reading.
var parsers = sync.Pool{New: func() any { return new(listParser) }}

func readList(ctx context.Context, body io.Reader) (*listAnswer, error) {
	p := parsers.Get().(*listParser)
	defer parsers.Put(p)
	p.body.Reset()
	n, err := io.Copy(&p.body, io.LimitReader(body, maxListBytes+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, &smithy.CanceledError{Err: ctx.Err()}
	case err != nil:
		return nil, &cutError{err}
	case n > maxListBytes:
		return nil, &smithy.DeserializationError{Err: fmt.Errorf("the answer is longer than %d bytes", maxListBytes)}
	}
	a, err := p.parse(p.body.Bytes())
	if err != nil {
		return nil, &smithy.DeserializationError{Err: err}
	}
	return a, nil
}

// cutError is an answer that ended too early, which the SDK tries again.
type cutError struct{ err error }

func (e *cutError) Error() string { return "the answer broke off: " + e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// ConnectionError is what the SDK's retryer asks for.
func (e *cutError) ConnectionError() bool { return true }
