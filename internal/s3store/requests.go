package s3store

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Requests counts what was sent, by the kinds that S3 bills.
type Requests struct {
	Get    int64 `json:"get"`    // GetObject and other GETs of one object or of a bucket's settings
	Put    int64 `json:"put"`    // PUT, POST and COPY: objects, parts, completions
	List   int64 `json:"list"`   // LIST of objects, uploads and parts
	Head   int64 `json:"head"`   // HEAD
	Delete int64 `json:"delete"` // DELETE and aborts: free
}

// Sub is what was sent since before.
func (r Requests) Sub(before Requests) Requests {
	return Requests{r.Get - before.Get, r.Put - before.Put, r.List - before.List, r.Head - before.Head, r.Delete - before.Delete}
}

// Total is the number of requests of all kinds.
func (r Requests) Total() int64 { return r.Get + r.Put + r.List + r.Head + r.Delete }

type counter struct{ get, put, list, head, del atomic.Int64 }

func (c *counter) snapshot() Requests {
	return Requests{c.get.Load(), c.put.Load(), c.list.Load(), c.head.Load(), c.del.Load()}
}

func (c *counter) of(operation string) *atomic.Int64 {
	switch {
	case strings.HasPrefix(operation, "Get"):
		return &c.get
	case strings.HasPrefix(operation, "List"):
		return &c.list
	case strings.HasPrefix(operation, "Head"):
		return &c.head
	case strings.HasPrefix(operation, "Delete"), strings.HasPrefix(operation, "Abort"):
		return &c.del
	default:
		return &c.put
	}
}

// install counts every try of every request: the step lies behind the retry loop.
func (c *counter) install(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("s3compactCount",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			c.of(middleware.GetOperationName(ctx)).Add(1)
			return next.HandleDeserialize(ctx, in)
		}), middleware.After)
}

// askForChecksum makes GET and HEAD answer with the stored checksum without
// the SDK checking it a second time: every caller that needs the proof
// computes it over the bytes that it uses.
func askForChecksum(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("s3compactChecksumMode",
		func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
			switch middleware.GetOperationName(ctx) {
			case "GetObject", "HeadObject":
				if req, ok := in.Request.(*smithyhttp.Request); ok {
					req.Header.Set("X-Amz-Checksum-Mode", "ENABLED")
				}
			}
			return next.HandleBuild(ctx, in)
		}), middleware.After)
}
