//go:build !full && !race

package compactor

// How much TestFaults tries.
const (
	faultFirst   = 100 // percent of the single faults, in the first world
	faultPercent = 22  // of the single faults, in the worlds behind the first
	faultPairs   = 1200
	faultCrowds  = 1200
	faultsAtAll  = 10_000 // at least
)
