package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/s3compact/s3compact/inventory"
)

// csvColumn is a column of --output csv. It shows the figure of its name, where
// an underscore stands for the point.
type csvColumn struct {
	name  string
	value func(h *inventory.Hotspot, e *inventory.Estimate) string
}

func whole(of func(h *inventory.Hotspot, e *inventory.Estimate) int64) func(*inventory.Hotspot, *inventory.Estimate) string {
	return func(h *inventory.Hotspot, e *inventory.Estimate) string { return strconv.FormatInt(of(h, e), 10) }
}

func usd(of func(e *inventory.Estimate) float64) func(*inventory.Hotspot, *inventory.Estimate) string {
	return func(_ *inventory.Hotspot, e *inventory.Estimate) string {
		return strconv.FormatFloat(of(e), 'f', -1, 64)
	}
}

var csvColumns = []csvColumn{
	{"prefix", func(h *inventory.Hotspot, _ *inventory.Estimate) string { return h.Prefix }},
	{"objects", whole(func(h *inventory.Hotspot, _ *inventory.Estimate) int64 { return h.Objects })},
	{"bytes", whole(func(h *inventory.Hotspot, _ *inventory.Estimate) int64 { return h.Bytes })},
	{"mean_bytes", whole(func(h *inventory.Hotspot, _ *inventory.Estimate) int64 { return h.Bytes / h.Objects })},
	{"outputs", whole(func(h *inventory.Hotspot, _ *inventory.Estimate) int64 { return h.Outputs })},
	{"oldest", func(h *inventory.Hotspot, _ *inventory.Estimate) string { return h.Oldest.Format(time.RFC3339Nano) }},
	{"newest", func(h *inventory.Hotspot, _ *inventory.Estimate) string { return h.Newest.Format(time.RFC3339Nano) }},
	{"storage_classes", func(h *inventory.Hotspot, _ *inventory.Estimate) string { return countsOf(h.StorageClasses) }},
	{"all_objects", whole(func(h *inventory.Hotspot, _ *inventory.Estimate) int64 { return h.AllObjects })},
	{"all_bytes", whole(func(h *inventory.Hotspot, _ *inventory.Estimate) int64 { return h.AllBytes })},
	{"before_get", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Before.Get })},
	{"before_list", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Before.List })},
	{"before_usd", usd(func(e *inventory.Estimate) float64 { return e.Before.USD })},
	{"after_objects", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.After.Objects })},
	{"after_mean_bytes", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.After.MeanBytes })},
	{"after_get", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.After.Get })},
	{"after_list", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.After.List })},
	{"after_usd", usd(func(e *inventory.Estimate) float64 { return e.After.USD })},
	{"saved_usd", usd(func(e *inventory.Estimate) float64 { return e.SavedUSD })},
	{"compacting_objects", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Compacting.Objects })},
	{"compacting_get", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Compacting.Get })},
	{"compacting_put", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Compacting.Put })},
	{"compacting_list", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Compacting.List })},
	{"compacting_head", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Compacting.Head })},
	{"compacting_usd", usd(func(e *inventory.Estimate) float64 { return e.Compacting.USD })},
	{"payback_scans", usd(func(e *inventory.Estimate) float64 { return e.PaybackScans })},
	{"wasted_bytes", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.WastedBytes })},
	{"wasted_usd_month", usd(func(e *inventory.Estimate) float64 { return e.WastedUSDMonth })},
	{"refused", func(_ *inventory.Hotspot, e *inventory.Estimate) string { return countsOf(e.Refused) }},
	{"ignored", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return e.Ignored })},
	{"cold_objects", whole(func(_ *inventory.Hotspot, e *inventory.Estimate) int64 { return cold(e).Objects })},
	{"cold_usd", usd(func(e *inventory.Estimate) float64 { return cold(e).USD })},
	{"unpriced", func(_ *inventory.Hotspot, e *inventory.Estimate) string { return countsOf(e.Unpriced) }},
}

// cold is the estimate's part of that name, or one of nothing.
func cold(e *inventory.Estimate) inventory.Cold {
	if e.Cold == nil {
		return inventory.Cold{}
	}
	return *e.Cold
}

func (r *hotspotsResult) printCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	row := make([]string, len(csvColumns))
	for i, c := range csvColumns {
		row[i] = c.name
	}
	_ = out.Write(row) // Error tells
	for h, e := range r.forecast.Hotspots() {
		for i, c := range csvColumns {
			row[i] = c.value(h, e)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
