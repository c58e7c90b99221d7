package price

import (
	"math"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
)

func TestReferenceJobCosts(t *testing.T) {
	// 29.5 million GETs and, for 14,000 groups, 112,000 LISTs and 70,000 PUTs.
	got := Default().Requests(s3store.Requests{Get: 29_500_000, List: 112_000, Put: 70_000, Delete: 29_500_000})
	if want := 11.80 + 0.56 + 0.35; math.Abs(got-want) > 1e-9 {
		t.Errorf("cost %.4f, want %.4f", got, want)
	}
}

func TestParseRefusesDamage(t *testing.T) {
	if _, err := Parse([]byte(`{"region":`)); err == nil {
		t.Error("a cut list of prices was accepted")
	}
}
