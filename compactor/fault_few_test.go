//go:build !full && !race

package compactor

// How much TestFaults tries.
const (
	faultPercent = 30 // of the single faults, in the worlds behind the first
	faultPairs   = 1500
	faultCrowds  = 1500
	faultsAtAll  = 10_000 // at least
)
