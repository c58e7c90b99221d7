//go:build full

package main

const (
	// faultsTried is how many faults the tests try on the real server: enough for
	// every kind at every target that it is possible at.
	faultsTried = 800
	// pairsTried is how many times they run several workers at once there.
	pairsTried = 40
)
