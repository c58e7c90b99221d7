package inventory

import (
	"encoding/json"
	"io"
	"iter"

	"github.com/s3compact/s3compact/internal/price"
)

// Forecast is a survey with the estimates of its hotspots at the prices of one
// list. It keeps none of them: each is made when it is looked at.
type Forecast struct {
	*Survey
	Prices *price.List
	Total  Estimate // of all hotspots
	// Locked says that an object of a hotspot is under object lock: its bucket has it,
	// and compact refuses every group of such a bucket.
	Locked bool
}

// ForecastLine is a hotspot with its estimate, as a line of the plan has them.
type ForecastLine struct {
	*Hotspot
	Estimate *Estimate `json:"estimate"`
}

// ForecastHeader is the plan's first line, with the estimate of all hotspots.
type ForecastHeader struct {
	*PlanHeader
	Prices   PriceSource `json:"prices"`
	Estimate *Estimate   `json:"estimate"` // of all hotspots
}

// PriceSource says which prices the dollars of a plan are made with.
type PriceSource struct {
	Region string `json:"region"`
	Date   string `json:"date"`
	Source string `json:"source"`
}

// NewForecast estimates the hotspots of a survey. It looks at each of them, and
// sets the survey's total of outputs, and those of the hotspots that
// [Forecast.Hotspots] shows, to the outputs of the estimates: refused objects are
// joined into none.
func NewForecast(s *Survey, l *price.List) *Forecast {
	f := &Forecast{Survey: s, Prices: l}
	sum, locked := f.sum()
	if locked {
		f.Locked = true
		sum, _ = f.sum()
	}
	f.Total = sum.estimate(l)
	s.Totals.Outputs = f.Total.Compacting.Outputs
	return f
}

// sum adds the bills of all hotspots up. It stops at an object under object lock
// where the survey is not yet known to have any.
func (f *Forecast) sum() (sum bill, locked bool) {
	for h := range f.Survey.Hotspots() {
		if h.Locked > 0 && !f.Locked {
			return sum, true
		}
		b := billOf(h, f.Thresholds, f.Locked)
		sum.add(&b)
	}
	return sum, false
}

// Estimate is the estimate of a hotspot, or of another group of the survey as if
// it were one.
func (f *Forecast) Estimate(h *Hotspot) Estimate {
	t := billOf(h, f.Thresholds, f.Locked)
	return t.estimate(f.Prices)
}

// Hotspots are the hotspots with their estimates, most objects first, then by
// prefix. Each is valid until the next one.
func (f *Forecast) Hotspots() iter.Seq2[*Hotspot, *Estimate] {
	return func(yield func(*Hotspot, *Estimate) bool) {
		for h := range f.Survey.Hotspots() {
			e := f.Estimate(h)
			h.Outputs = e.Compacting.Outputs
			if !yield(h, &e) {
				return
			}
		}
	}
}

// Write writes the plan with the estimates as JSON lines, one hotspot at a time.
func (f *Forecast) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	header := ForecastHeader{&f.PlanHeader, PriceSource{f.Prices.Region, f.Prices.Date, f.Prices.Source}, &f.Total}
	if err := enc.Encode(header); err != nil {
		return err
	}
	for h, e := range f.Hotspots() {
		if err := enc.Encode(ForecastLine{h, e}); err != nil {
			return err
		}
	}
	return nil
}
