//go:build !full

package main

const (
	// faultsTried is how many faults the tests try on the real server.
	faultsTried = 36
	// pairsTried is how many times they run several workers at once there.
	pairsTried = 3
)
