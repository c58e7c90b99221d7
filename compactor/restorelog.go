package compactor

import (
	"slices"

	"github.com/s3compact/s3compact/internal/receipt"
)

// without is the outputs that are not among others, by their keys.
func without(outputs, others []receipt.OutputRef) []receipt.OutputRef {
	return slices.DeleteFunc(slices.Clone(outputs), func(o receipt.OutputRef) bool {
		return slices.ContainsFunc(others, func(x receipt.OutputRef) bool { return x.Key == o.Key && x.Bucket == o.Bucket })
	})
}

// namesAgain says whether a commit names outputs of an earlier one: its members
// are originals that lie beside them.
func namesAgain(e *receipt.Entry) bool { return len(e.Outputs) > 0 && e.Outputs[0].Commit > 0 }

// givesBack says whether with the commit a restore takes back what it put,
// beside outputs that stay.
func givesBack(e *receipt.Entry) bool { return namesAgain(e) && len(e.Kept) == 0 }

// keptAfter is the numbers of the entries with keep once a commit is finished.
// A commit that deletes what earlier ones have kept names their numbers.
func keptAfter(kept []int, e *receipt.Entry) []int {
	if e.Keep {
		return append(kept, e.Number)
	}
	return slices.DeleteFunc(kept, func(n int) bool { return slices.Contains(e.Kept, n) })
}
