//go:build full

package compactor

import "math"

// How much TestFaults tries.
const (
	faultMoments = true // at the first request of a kind, the last and one between
	faultsInCell = 2    // of each kind of request and of fault, and moment
	faultSingles = math.MaxInt
	faultPairs   = 30_000
	faultCrowds  = 30_000
	faultsAtAll  = 100_000 // at least
)
