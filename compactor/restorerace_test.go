//go:build !full && race

package compactor

// faultStride: under the race detector every ninth request is disturbed in each way.
const faultStride = 9
