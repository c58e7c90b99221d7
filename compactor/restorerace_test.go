//go:build !full && race

package compactor

// faultStride: under the race detector every thirtieth request is disturbed in each way.
const faultStride = 30
