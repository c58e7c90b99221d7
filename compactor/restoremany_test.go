//go:build full

package compactor

// faultStride: every request of a restore is disturbed in each way.
const faultStride = 1
