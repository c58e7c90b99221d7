package inventory

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/s3compact/s3compact/internal/price"
)

// Estimate is what a hotspot, or all hotspots together, cost as they are, what
// they would cost once compact has joined what it can, and what that takes. All
// of it is by what the report shows. docs/hotspots.md has the formula of each
// figure under its name. Dollars are rounded to a thousand-millionth.
type Estimate struct {
	Before     Scan       `json:"before"`     // one full scan of the hotspots as they are
	After      Scan       `json:"after"`      // and once they are compacted
	SavedUSD   float64    `json:"saved_usd"`  // by each full scan
	Compacting Compacting `json:"compacting"` // what compact sends to get there
	// PaybackScans is the number of full scans whose saving pays for compacting; 0
	// where there is no saving, or none of the cost is known.
	PaybackScans float64 `json:"payback_scans,omitempty"`

	WastedBytes    int64   `json:"wasted_bytes,omitempty"`     // billed for objects below the minimum size of their class
	WastedUSDMonth float64 `json:"wasted_usd_month,omitempty"` // and what they cost each month

	Refused  map[string]int64 `json:"refused,omitempty"`  // objects that compact will refuse, by its reasons
	Ignored  int64            `json:"ignored,omitempty"`  // objects that it will leave alone without a word
	Cold     *Cold            `json:"cold,omitempty"`     // of those refused, the ones of classes that charge for reading
	Unpriced map[string]int64 `json:"unpriced,omitempty"` // objects of classes without a known price: no dollar of theirs is in any figure
}

// Scan is one full scan: the group is listed, and each of its small matching
// objects is read once.
type Scan struct {
	Objects   int64   `json:"objects"`
	Bytes     int64   `json:"bytes"`
	MeanBytes int64   `json:"mean_bytes"`
	Get       int64   `json:"get"`  // requests
	List      int64   `json:"list"` // requests
	USD       float64 `json:"usd"`  // GET, LIST and retrieval
}

// Compacting is what compact will do: the objects that it joins, the requests
// that it sends for that, and what they cost.
type Compacting struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	Outputs int64 `json:"outputs"`
	Get     int64 `json:"get"`
	Put     int64 `json:"put"`
	List    int64 `json:"list"`
	Head    int64 `json:"head"`

	GetUSD         float64 `json:"get_usd"`
	RetrievalUSD   float64 `json:"retrieval_usd,omitempty"`
	PutUSD         float64 `json:"put_usd"`
	ListUSD        float64 `json:"list_usd"`
	HeadUSD        float64 `json:"head_usd"`
	EarlyDeleteUSD float64 `json:"early_delete_usd,omitempty"`
	USD            float64 `json:"usd"` // all of them
}

// Cold is what joining the objects of Standard-IA, One Zone-IA and Glacier
// Instant Retrieval as well would cost, which compact refuses to do unasked.
type Cold struct {
	Objects        int64   `json:"objects"`
	Bytes          int64   `json:"bytes"`
	GetUSD         float64 `json:"get_usd"`
	RetrievalUSD   float64 `json:"retrieval_usd"`
	PutUSD         float64 `json:"put_usd"`
	EarlyDeleteUSD float64 `json:"early_delete_usd"`
	USD            float64 `json:"usd"` // all of them
}

// Joins says whether anything would be joined.
func (e *Estimate) Joins() bool { return e.Compacting.Objects > 0 }

// unpriced says whether dollars are missing from the figures.
func (e *Estimate) unpriced() bool { return len(e.Unpriced) > 0 }

// CheckPrices says what in a list of prices contradicts how reports are summed
// up: a class has the minimum duration of MinimumDays, or none.
func CheckPrices(l *price.List) error {
	for _, class := range slices.Sorted(maps.Keys(l.Classes)) {
		days, least := l.Classes[class].MinDays, MinimumDays(class)
		if days != 0 && least == 0 {
			return fmt.Errorf("storage class %s: min_days %d: write 0, as the class has no minimum duration: %w", class, days, price.ErrPrices)
		}
		if days != 0 && days != least {
			return fmt.Errorf("storage class %s: min_days %d: write 0 or %d, for which reports are summed up: %w", class, days, least, price.ErrPrices)
		}
	}
	return nil
}

// estimate prices a bill.
func (b *bill) estimate(l *price.List) Estimate {
	standard, _ := l.Class(price.Standard)
	e := Estimate{
		Before: Scan{Objects: b.objects, Bytes: b.bytes, List: b.listBefore},
		After:  Scan{Objects: b.objects - b.joined + b.outputs, Bytes: b.bytes, List: b.listAfter},
		Compacting: Compacting{
			Objects: b.joined, Bytes: b.joinedBytes, Outputs: b.outputs, Put: b.entries, List: b.list, Head: b.head,
			PutUSD: million(b.entries, standard.PutPerMillion), ListUSD: million(b.list, l.ListPerMillion), HeadUSD: million(b.head, standard.GetPerMillion),
		},
		Ignored: b.ignored, Refused: maps.Clone(b.refused),
	}
	e.Before.USD, e.After.USD = million(b.listBefore, l.ListPerMillion), million(b.listAfter, l.ListPerMillion)
	c, cold := &e.Compacting, Cold{}
	for i := range b.classes {
		of := &b.classes[i]
		e.Before.Get += of.scanned
		e.After.Get += of.scanned - of.joined + of.outputs
		c.Get += of.gets
		c.Put += of.uploads
		p, ok := l.Class(of.class)
		if !ok {
			if e.Unpriced == nil {
				e.Unpriced = map[string]int64{}
			}
			e.Unpriced[of.class] += of.objects
			continue
		}
		retrieval := gigabytes(of.scannedBytes, p.RetrievalPerGB)
		e.Before.USD += million(of.scanned, p.GetPerMillion) + retrieval
		e.After.USD += million(of.scanned-of.joined+of.outputs, p.GetPerMillion) + retrieval
		c.GetUSD += million(of.gets, p.GetPerMillion)
		c.RetrievalUSD += gigabytes(of.getBytes, p.RetrievalPerGB)
		c.PutUSD += million(of.uploads, p.PutPerMillion)
		c.EarlyDeleteUSD += early(of.kibDays, p)
		if p.MinBillableBytes > 0 {
			e.WastedBytes += of.shortBytes
			e.WastedUSDMonth += gigabytes(of.shortBytes, p.StoragePerGBMonth)
		}
		cold.Objects += of.cold.objects
		cold.Bytes += of.cold.bytes
		cold.GetUSD += million(of.cold.objects, p.GetPerMillion)
		cold.RetrievalUSD += gigabytes(of.cold.bytes, p.RetrievalPerGB)
		cold.PutUSD += million(of.cold.uploads, p.PutPerMillion)
		cold.EarlyDeleteUSD += early(of.cold.kibDays, p)
	}
	e.Before.MeanBytes, e.After.MeanBytes = mean(e.Before), mean(e.After)
	e.SavedUSD = e.Before.USD - e.After.USD
	c.USD = c.GetUSD + c.RetrievalUSD + c.PutUSD + c.ListUSD + c.HeadUSD + c.EarlyDeleteUSD
	if c.Objects > 0 && e.SavedUSD > 0 && !e.unpriced() {
		e.PaybackScans = math.Round(c.USD/e.SavedUSD*100) / 100
	}
	if cold.Objects > 0 {
		cold.USD = cold.GetUSD + cold.RetrievalUSD + cold.PutUSD + cold.EarlyDeleteUSD
		e.Cold = &cold
	}
	e.round()
	return e
}

func million(requests int64, perMillion float64) float64 { return float64(requests) * perMillion / 1e6 }

func gigabytes(bytes int64, perGB float64) float64 { return float64(bytes) / price.GB * perGB }

// monthDays are the days of a month for which a price by the month is divided.
const monthDays = 30

// early is what deletes before the minimum duration pay for the rest of it.
func early(kibDays int64, p price.Class) float64 {
	if p.MinDays == 0 {
		return 0
	}
	return float64(kibDays) * 1024 / price.GB * p.StoragePerGBMonth / monthDays
}

func mean(s Scan) int64 {
	if s.Objects == 0 {
		return 0
	}
	return s.Bytes / s.Objects
}

// round rounds all dollars: what is below comes of the binary fractions.
func (e *Estimate) round() {
	c := &e.Compacting
	dollars := []*float64{
		&e.Before.USD, &e.After.USD, &e.SavedUSD, &e.WastedUSDMonth,
		&c.GetUSD, &c.RetrievalUSD, &c.PutUSD, &c.ListUSD, &c.HeadUSD, &c.EarlyDeleteUSD, &c.USD,
	}
	if c := e.Cold; c != nil {
		dollars = append(dollars, &c.GetUSD, &c.RetrievalUSD, &c.PutUSD, &c.EarlyDeleteUSD, &c.USD)
	}
	for _, d := range dollars {
		*d = math.Round(*d*1e9) / 1e9
	}
}
