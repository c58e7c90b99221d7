package s3store

import (
	"context"
	"time"
)

// SigningTime is the time that SignedAt has prescribed for the requests under
// ctx; false where none is. Stand-ins for a Client in tests sign by it.
func SigningTime(ctx context.Context) (time.Time, bool) { return signedAt(ctx) }
