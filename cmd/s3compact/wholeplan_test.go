package main

import (
	"io"
	"testing"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// wholePlan is a plan with all its hotspots in memory.
type wholePlan struct {
	inventory.PlanHeader
	Hotspots []inventory.Hotspot
}

func (p *wholePlan) keep(h *inventory.Hotspot) error {
	p.Hotspots = append(p.Hotspots, *h)
	return nil
}

func readPlan(r io.Reader) (*wholePlan, error) {
	p := &wholePlan{}
	header, err := inventory.ScanPlan(r, p.keep)
	if err == nil {
		p.PlanHeader = *header
	}
	return p, err
}

func loadPlan(t *testing.T, store *s3store.Client, location string) (*wholePlan, error) {
	t.Helper()
	p := &wholePlan{}
	header, err := inventory.LoadPlan(t.Context(), store, location, p.keep)
	if err == nil {
		p.PlanHeader = *header
	}
	return p, err
}
