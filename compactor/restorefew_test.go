//go:build !full && !race

package compactor

// faultStride: of the requests of a restore, every third one is disturbed in
// each way, each fault beginning at another one. With -tags full all are.
const faultStride = 3
