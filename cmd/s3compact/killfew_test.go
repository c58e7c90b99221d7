//go:build !full

package main

// faultsTried is how many faults the tests try on the real server.
const faultsTried = 30
