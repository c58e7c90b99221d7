package inventory

import (
	"encoding/json"
	"io"
)

// Plan is a plan with all its hotspots in memory.
type Plan struct {
	PlanHeader
	Hotspots []Hotspot
}

// Plan is the plan of the survey.
func (s *Survey) Plan() *Plan {
	p := &Plan{PlanHeader: s.PlanHeader, Hotspots: make([]Hotspot, len(s.hot))}
	for i, hot := range s.hot {
		s.fill(&p.Hotspots[i], hot)
	}
	return p
}

// Write writes the plan as JSON lines.
func (p *Plan) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&p.PlanHeader); err != nil {
		return err
	}
	for i := range p.Hotspots {
		if err := enc.Encode(&p.Hotspots[i]); err != nil {
			return err
		}
	}
	return nil
}

// ReadPlan reads a plan as ScanPlan does.
func ReadPlan(r io.Reader) (*Plan, error) {
	var hotspots []Hotspot
	header, err := ScanPlan(r, func(h *Hotspot) error {
		hotspots = append(hotspots, *h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Plan{PlanHeader: *header, Hotspots: hotspots}, nil
}
