package s3store

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// serverClock remembers the last Date that the server sent, a refusal's
// included. S3 refuses a request signed more than 15 minutes away from its
// clock; by signing with S3's own time the worker's clock never matters.
type serverClock struct{ unixNano atomic.Int64 }

// last is the last Date received; the zero time before the first answer.
func (c *serverClock) last() time.Time {
	n := c.unixNano.Load()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// install reads the Date header of every answer, of every try.
func (c *serverClock) install(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("s3compactServerDate",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, md, err := next.HandleDeserialize(ctx, in)
			if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && resp != nil && resp.Response != nil {
				if t, perr := http.ParseTime(resp.Header.Get("Date")); perr == nil {
					c.unixNano.Store(t.UnixNano())
					if d, ok := ctx.Value(dateKey{}).(*time.Time); ok {
						*d = t
					}
				}
			}
			return out, md, err
		}), middleware.After)
}

type dateKey struct{}

// captureDate makes the Date of the last answer to the requests of ctx known to the caller.
func captureDate(ctx context.Context) (context.Context, *time.Time) {
	d := new(time.Time)
	return context.WithValue(ctx, dateKey{}, d), d
}

type signingTimeKey struct{}

// SignedAt makes every request under ctx, and each retry of it, carry t as
// its time of signing. S3 refuses it once its own clock is 15 minutes past t,
// however long the sender was paused: ErrExpired.
func SignedAt(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, signingTimeKey{}, t)
}

func signedAt(ctx context.Context) (time.Time, bool) {
	t, ok := ctx.Value(signingTimeKey{}).(time.Time)
	return t, ok
}

// signer signs with the time of SignedAt, else with the server's last Date.
type signer struct {
	v4    *v4.Signer
	clock *serverClock
}

func newSigner(c *serverClock) signer {
	return signer{v4: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), clock: c}
}

// SignHTTP implements s3.HTTPSignerV4.
func (s signer) SignHTTP(ctx context.Context, creds aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time, opts ...func(*v4.SignerOptions)) error {
	if t, ok := signedAt(ctx); ok {
		at = t
	} else if t := s.clock.last(); !t.IsZero() {
		at = t
	}
	return s.v4.SignHTTP(ctx, creds, r, payloadHash, service, region, at, opts...)
}

// skewed is how far the server's clock must be from the time of signing for a
// plain 403 to be put down to it: a HEAD has no body to tell the reason.
const skewed = 5 * time.Minute

// retrySkewed sends a request again when it was refused for its time of
// signing alone and that time was not prescribed: the refusal has told the
// server's clock, so the second try is right.
func retrySkewed[T any](ctx context.Context, c *serverClock, do func() (T, error)) (T, error) {
	at := c.last()
	if at.IsZero() {
		at = time.Now()
	}
	out, err := do()
	if err == nil {
		return out, nil
	}
	if _, fixed := signedAt(ctx); fixed {
		return out, err
	}
	switch kind := kindOf(err); {
	case errors.Is(kind, ErrExpired), errors.Is(kind, ErrDenied) && c.last().Sub(at).Abs() > skewed:
		return do()
	}
	return out, err
}
