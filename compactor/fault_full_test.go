//go:build full

package compactor

// How much TestFaults tries.
const (
	faultFirst   = 100 // percent of the single faults, in the first world
	faultPercent = 100 // of the single faults, in the worlds behind the first
	faultPairs   = 30000
	faultCrowds  = 30000
	faultsAtAll  = 10_000 // at least
)
