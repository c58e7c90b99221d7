package parquetconv

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// RejectLimit is how many rows may be rejected before a run stops. The zero
// value is no limit.
type RejectLimit struct {
	set   bool
	rows  int64
	share float64 // of the rows read; it counts where relative
	// relative says that share counts, not rows.
	relative bool
}

// ParseRejectLimit reads a number of rows, or a share of the rows read as P%.
func ParseRejectLimit(s string) (RejectLimit, error) {
	if text, ok := strings.CutSuffix(s, "%"); ok {
		percent, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(percent) || percent < 0 || percent > 100 {
			return RejectLimit{}, fmt.Errorf("%q: write a share from 0%% to 100%%", s)
		}
		return RejectLimit{set: true, share: percent / 100, relative: true}, nil
	}
	rows, err := strconv.ParseInt(s, 10, 64)
	if err != nil || rows < 0 {
		return RejectLimit{}, fmt.Errorf("%q: write a number of rows, or a share of them such as 1%%", s)
	}
	return RejectLimit{set: true, rows: rows}, nil
}

// passed says whether so many rejects are too many. A share is judged only at
// the end of a batch.
func (l RejectLimit) passed(rejected, read int64, batchEnd bool) bool {
	switch {
	case !l.set:
		return false
	case l.relative:
		return batchEnd && float64(rejected) > l.share*float64(read)
	}
	return rejected > l.rows
}

// String is the limit as ParseRejectLimit reads it.
func (l RejectLimit) String() string {
	if l.relative {
		return strconv.FormatFloat(l.share*100, 'g', -1, 64) + "%"
	}
	return strconv.FormatInt(l.rows, 10)
}

var errTooManyRejects = errors.New("too many rows are rejected")

// tooManyRejects is the error that stops the run, where this run's batches and
// the one at hand have more rejects than they may.
func (w *batchWriter) tooManyRejects(batchEnd bool) error {
	c, s, limit := &w.commit.Counts, &w.run.summary, w.run.MaxRejects
	rejected, read := s.RowsRejected+c.RowsRejected, s.RowsIn+c.RowsIn
	if !limit.passed(rejected, read, batchEnd) {
		return nil
	}
	var reasons []string
	for reason, n := range c.Rejects {
		reasons = append(reasons, fmt.Sprintf("%s %d", reason, n))
	}
	slices.Sort(reasons)
	return fmt.Errorf("%w: %d of the %d that this run has read, which is more than --max-rejects %s; in this batch %s, for example %s. "+
		"What was committed before stays; nothing of this batch is loaded. Mend the schema or the sources, or allow more, and run again",
		errTooManyRejects, rejected, read, limit, strings.Join(reasons, ", "), w.rejects.first)
}
