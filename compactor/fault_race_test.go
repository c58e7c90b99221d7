//go:build !full && race

package compactor

// How much TestFaults tries under the race detector, which takes ten times as
// long: what it is after are the crowds of workers.
const (
	faultFirst   = 15 // percent of the single faults, in the first world
	faultPercent = 4  // of the single faults, in the worlds behind the first
	faultPairs   = 100
	faultCrowds  = 500
	faultsAtAll  = 1000 // at least
)
