package main

import (
	"fmt"
	"testing"

	"github.com/s3compact/s3compact/compactor"
)

// TestUsageMeansThatNothingWasTouched: where one group rules out what was asked
// for and others were worked on, the run has failed.
func TestUsageMeansThatNothingWasTouched(t *testing.T) {
	err := fmt.Errorf("group %q: %w", "app/", compactor.ErrUsage)
	out := &compactOutput{refusals: refusals{lines: &lines{}}}
	restored := func(s compactor.RestoreSummary) error { return asUsageOf(err, touchedByRestore(s)) }
	for what, c := range map[string]struct {
		err  error
		code int
	}{
		"compact":           {compactResult(compactor.Summary{Groups: 2, GroupsDone: 1}, err, out), exitUsage},
		"compact, joined":   {compactResult(compactor.Summary{Outputs: 1}, err, out), exitFailed},
		"compact, deleted":  {compactResult(compactor.Summary{ObjectsDeleted: 1}, err, out), exitFailed},
		"restore":           {restored(compactor.RestoreSummary{Groups: 2, ObjectsThere: 1}), exitUsage},
		"restore, put back": {restored(compactor.RestoreSummary{ObjectsRestored: 1}), exitFailed},
		"restore, deleted":  {restored(compactor.RestoreSummary{Outputs: 1}), exitFailed},
	} {
		if code := exitCode(t.Context(), c.err); code != c.code {
			t.Errorf("%s: exit %d, want %d", what, code, c.code)
		}
	}
}
