package compactor

import (
	"context"
	"time"
)

// drainTime is how long what is committed may still take once a run is told to
// stop: schedulers kill 30 seconds after SIGTERM.
const drainTime = 15 * time.Second

type drainKey struct{}

// withDrain begins a run that ends drainTime after ctx, whatever it does then:
// all that is drained under the context that it returns ends together.
func withDrain(ctx context.Context) (context.Context, context.CancelFunc) {
	end, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(drainTime)
		defer t.Stop()
		select {
		case <-t.C:
			cancel(context.Cause(ctx))
		case <-end.Done():
		}
	})
	return context.WithValue(ctx, drainKey{}, end), func() { stop(); cancel(nil) }
}

// drained is ctx without its end, which comes with the end of the run's drain,
// or drainTime after ctx ends where no run was begun.
func drained(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Value(drainKey{}).(context.Context)
	ended := context.CancelFunc(func() {})
	if !ok {
		var begun context.Context
		begun, ended = withDrain(ctx)
		end, _ = begun.Value(drainKey{}).(context.Context)
	}
	free, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(end, func() { cancel(context.Cause(end)) })
	return free, func() { stop(); ended(); cancel(nil) }
}

// abortDrained drops an upload, even where ctx is over. A failure only leaves
// an upload that a later run sweeps.
func abortDrained(ctx context.Context, s Store, bucket, key, id string) {
	ctx, cancel := drained(ctx)
	defer cancel()
	_ = s.AbortUpload(ctx, bucket, key, id)
}
