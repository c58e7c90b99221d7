package s3store

import (
	"context"
	"strings"

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

// kind is one of the kinds that S3 bills.
type kind int

const (
	kindGet kind = iota
	kindPut
	kindList
	kindHead
	kindDelete
	kinds // their number
)

func kindOfOperation(operation string) kind {
	switch {
	case strings.HasPrefix(operation, "Get"):
		return kindGet
	case strings.HasPrefix(operation, "List"):
		return kindList
	case strings.HasPrefix(operation, "Head"):
		return kindHead
	case strings.HasPrefix(operation, "Delete"), strings.HasPrefix(operation, "Abort"):
		return kindDelete
	default:
		return kindPut
	}
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
