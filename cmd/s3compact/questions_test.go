package main

import (
	"strings"
	"testing"

	"github.com/s3compact/s3compact/compactor"
)

// TestQuestionsSayWhatIsDone: whoever answers them has read of all that is deleted.
func TestQuestionsSayWhatIsDone(t *testing.T) {
	for _, c := range []struct {
		o         compactor.Options
		says, not string
	}{
		{compactor.Options{}, "then delete the originals.", "kept"},
		{compactor.Options{Keep: true}, "keep the originals", "delete"},
		{compactor.Options{Recompress: 6, AcceptContentOnly: true}, "NOT be restored byte for byte: only their content is kept", "first"},
		{compactor.Options{Recompress: 6, Keep: true}, "keep the originals", "delete"},
		{compactor.Options{DeleteKept: true}, "first delete the originals that earlier runs with --keep-originals have left there; join", "NOT"},
		{compactor.Options{DeleteKept: true, AcceptContentOnly: true}, "also those that can NOT be restored byte for byte; join up to 0 objects (0 B) in 0 groups, then delete the originals.", "only their content"},
	} {
		w := compactWork{options: c.o}
		if q := w.question(); !strings.Contains(q, c.says) || strings.Contains(q, c.not) {
			t.Errorf("%+v: %s", c.o, q)
		}
	}
	would := compactor.RestoreSummary{Outputs: 1, ObjectsRefused: 1200}
	if q := restoreQuestion(would, &compactor.RestoreOptions{}); !strings.Contains(q, "delete 1 output.") || !strings.Contains(q, "17 minutes") || !strings.Contains(q, "(1,200: something newer has the key, or only their content was kept)") {
		t.Error(q)
	}
}
