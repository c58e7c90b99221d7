package parquetconv

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// RejectLimit is how many rows may be rejected before a run stops. The zero
// value is no limit.
type RejectLimit struct {
	set  bool
	rows int64
	// percent of the rows read; where it is not nil it counts, not rows. It is
	// exact: 29 rows of 100 are not more than 29%.
	percent *big.Rat
}

// ParseRejectLimit reads a number of rows, or a share of the rows read as P%.
func ParseRejectLimit(s string) (RejectLimit, error) {
	if text, ok := strings.CutSuffix(s, "%"); ok {
		percent, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(percent) || percent < 0 || percent > 100 {
			return RejectLimit{}, fmt.Errorf("%q: write a share from 0%% to 100%%", s)
		}
		exact, _ := new(big.Rat).SetString(formatPercent(percent))
		return RejectLimit{set: true, percent: exact}, nil
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
	case l.percent != nil:
		most := new(big.Rat).Mul(l.percent, new(big.Rat).SetInt64(read))
		return batchEnd && new(big.Rat).SetInt64(rejected).Cmp(most.Mul(most, big.NewRat(1, 100))) > 0
	}
	return rejected > l.rows
}

// String is the limit as ParseRejectLimit reads it.
func (l RejectLimit) String() string {
	if l.percent != nil {
		percent, _ := l.percent.Float64()
		return formatPercent(percent) + "%"
	}
	return strconv.FormatInt(l.rows, 10)
}

// formatPercent is the shortest decimal that is the number.
func formatPercent(percent float64) string { return strconv.FormatFloat(percent, 'f', -1, 64) }

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
