package s3store

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// operation is one call of the API: a request, and each time that it is sent again.
type operation struct {
	bucket, key string
	kind        kind
	units       int // requests that S3 counts for it
	tries       int
	failed      time.Time // when the last try failed
}

type operationKey struct{}

// installManners puts three steps into the SDK's stack: one at its beginning
// sees which object an operation is about; one within the retry loop, before
// the signature, makes each try wait for the rate of its prefix and for its
// turn; the last one counts what is really sent.
func (c *Client) installManners(stack *middleware.Stack) error {
	begin := middleware.InitializeMiddlewareFunc("s3compactOperation",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			op := &operation{kind: kindOfOperation(middleware.GetOperationName(ctx)), units: 1}
			op.bucket, op.key = target(in.Parameters)
			if d, ok := in.Parameters.(*s3.DeleteObjectsInput); ok && d.Delete != nil {
				op.units = len(d.Delete.Objects)
				if op.units > 0 {
					op.key = aws.ToString(d.Delete.Objects[0].Key)
				}
			}
			return next.HandleInitialize(context.WithValue(ctx, operationKey{}, op), in)
		})
	try := middleware.FinalizeMiddlewareFunc("s3compactTurn",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			op, ok := ctx.Value(operationKey{}).(*operation)
			if !ok {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, errors.New("the SDK lost the step s3compactOperation")
			}
			return c.try(ctx, op, in, next)
		})
	count := middleware.DeserializeMiddlewareFunc("s3compactCount",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			m := c.meters(ctx)
			var written int64
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				written = max(req.ContentLength, 0)
			}
			kind := kindOfOperation(middleware.GetOperationName(ctx))
			m.each(func(m *Meter) { m.requests[kind].Add(1); m.written.Add(written) })
			out, md, err := next.HandleDeserialize(ctx, in)
			if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && resp != nil && resp.Response != nil && resp.Body != nil && resp.Body != http.NoBody {
				resp.Body = &meteredBody{resp.Body, m}
			}
			return out, md, err
		})
	return errors.Join(
		stack.Initialize.Add(begin, middleware.Before),
		stack.Finalize.Insert(try, "Retry", middleware.After),
		stack.Deserialize.Add(count, middleware.After),
	)
}

// try sends an operation once.
func (c *Client) try(ctx context.Context, op *operation, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, md middleware.Metadata, err error) {
	m := c.meters(ctx)
	start := time.Now()
	since := start
	if op.tries++; op.tries > 1 {
		since = op.failed
		m.each(func(m *Meter) { m.retries.Add(1) })
	}
	write := op.kind == kindPut || op.kind == kindDelete
	if err := pause(ctx, c.rates.reserve(op.bucket, op.key, write, op.units)); err != nil {
		return out, md, &aws.RequestCanceledError{Err: err}
	}
	ticket, err := c.limiter.acquire(ctx)
	if err != nil {
		return out, md, &aws.RequestCanceledError{Err: err}
	}
	sent := time.Now()
	m.each(func(m *Meter) { m.wait.Add(int64(sent.Sub(since))) })
	v := noVerdict
	defer func() { c.limiter.release(ticket, v, op.kind, time.Since(sent)) }()
	out, md, err = next.HandleFinalize(ctx, in)
	op.failed = time.Now()
	if isThrottle(err) {
		m.each(func(m *Meter) { m.throttles.Add(1) })
	}
	v = judge(ctx, op.kind, err)
	return out, md, err
}

// judge says what the outcome of a request tells about the server's load.
func judge(ctx context.Context, k kind, err error) verdict {
	var timeout interface{ Timeout() bool }
	switch {
	case ctx.Err() != nil:
		return noVerdict
	case isThrottle(err):
		return overloaded
	case errors.As(err, &timeout) && timeout.Timeout():
		return overloaded
	case err == nil, kindOf(err) != nil:
		// How long a PUT takes is for its size to say.
		if k == kindPut {
			return servedBySize
		}
		return served
	}
	return noVerdict
}

// throttled counts a refusal for load that stands within an answer.
func (c *Client) throttled(ctx context.Context) {
	c.meters(ctx).each(func(m *Meter) { m.throttles.Add(1) })
	c.limiter.overload()
}

// isThrottle says whether the server refused a request for its load.
// Source: Amazon S3 API Reference, "Error responses"; other servers answer 429.
func isThrottle(err error) bool {
	if err == nil {
		return false
	}
	var api smithy.APIError
	if errors.As(err, &api) && isThrottleCode(api.ErrorCode()) {
		return true
	}
	var resp *smithyhttp.ResponseError
	return errors.As(err, &resp) && (resp.HTTPStatusCode() == http.StatusServiceUnavailable || resp.HTTPStatusCode() == http.StatusTooManyRequests)
}

func isThrottleCode(code string) bool {
	switch code {
	case "SlowDown", "ServiceUnavailable", "RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequests", "TooManyRequestsException":
		return true
	}
	return false
}

// target is the bucket and the key, or prefix, that an operation is about. An
// operation that it does not know, such as one on a bucket's settings, is not
// held to a rate.
func target(parameters any) (bucket, key string) {
	var b, k *string
	switch in := parameters.(type) {
	case *s3.GetObjectInput:
		b, k = in.Bucket, in.Key
	case *s3.HeadObjectInput:
		b, k = in.Bucket, in.Key
	case *s3.ListObjectsV2Input:
		b, k = in.Bucket, in.Prefix
	case *s3.ListMultipartUploadsInput:
		b, k = in.Bucket, in.Prefix
	case *s3.GetObjectTaggingInput:
		b, k = in.Bucket, in.Key
	case *s3.PutObjectInput:
		b, k = in.Bucket, in.Key
	case *s3.CreateMultipartUploadInput:
		b, k = in.Bucket, in.Key
	case *s3.UploadPartInput:
		b, k = in.Bucket, in.Key
	case *s3.UploadPartCopyInput:
		b, k = in.Bucket, in.Key
	case *s3.CompleteMultipartUploadInput:
		b, k = in.Bucket, in.Key
	case *s3.AbortMultipartUploadInput:
		b, k = in.Bucket, in.Key
	case *s3.DeleteObjectInput:
		b, k = in.Bucket, in.Key
	case *s3.DeleteObjectsInput:
		b = in.Bucket
	}
	return aws.ToString(b), aws.ToString(k)
}
