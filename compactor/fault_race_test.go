//go:build !full && race

package compactor

// How much TestFaults tries under the race detector, which takes ten times as
// long: what it is after are the crowds of workers.
const (
	faultMoments = false // a kind of request is tried at any moment
	faultsInCell = 1     // of each kind of request and of fault
	faultSingles = 0     // no more than that
	faultPairs   = 40
	faultCrowds  = 200
	faultsAtAll  = 500 // at least
)
