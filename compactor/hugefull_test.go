//go:build full

package compactor

// hugeObjects is the size of the larger group that TestHugeGroup compacts.
const hugeObjects = 1_000_000
