//go:build interop && full

package main

import (
	"testing"

	"github.com/s3compact/s3compact/internal/interop"
)

// TestHonestPageSpark: the page says of Spark what it does.
func TestHonestPageSpark(t *testing.T) {
	askHonestly(t, interop.Spark(t), map[string]string{"Spark": "spark"})
}
