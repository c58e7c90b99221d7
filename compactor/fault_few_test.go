//go:build !full && !race

package compactor

// How much TestFaults tries.
const (
	faultMoments = true  // at the first request of a kind, the last and one between
	faultsInCell = 2     // of each kind of request and of fault, and moment
	faultSingles = 8_000 // single faults, more where the above needs it
	faultPairs   = 1200
	faultCrowds  = 1200
	faultsAtAll  = 10_000 // at least
)
