//go:build !full && race

package compactor

// How much TestFaults tries under the race detector, which takes ten times as
// long: what it is after are the crowds of workers.
const (
	faultMoments = false // a kind of request is tried at any moment
	faultsInCell = 1     // of each kind of request and of fault
	faultSingles = 0     // no more than that
	faultPairs   = 100
	faultCrowds  = 500
	faultsAtAll  = 1000 // at least
)
