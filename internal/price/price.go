// Package price knows what S3 charges: requests, retrieval and storage by
// storage class. The prices are data, in prices.json, with their region, date
// and source; a list of the same form can stand in for it.
package price

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
)

//go:embed prices.json
var builtIn []byte

const (
	// FormatVersion is the version of a list's form that is read.
	FormatVersion = 1
	// Standard is the storage class of requests that concern no object of
	// another one, and of objects that name none.
	Standard = "STANDARD"
	// GB is the gigabyte that S3 bills, in bytes.
	// Source: Amazon S3 FAQs, "Billing", which reckons 2^30 bytes.
	GB = 1 << 30
	// MinimumBillableBytes is the one minimum size that classes have: what an
	// object is short of it is billed as well.
	MinimumBillableBytes = 128 << 10
	// maxPrice is more than anybody charges, in dollars, and so little that sums
	// stay numbers.
	maxPrice = 1_000_000
)

// List is the prices of one region, in dollars. It is complete in itself: a
// class that it does not name has no known price.
type List struct {
	Version  int    `json:"version"`
	Region   string `json:"region"`
	Date     string `json:"date"` // when the prices held, as 2006-01-02
	Source   string `json:"source"`
	Currency string `json:"currency"` // "USD"

	ListPerMillion   float64           `json:"list_per_million"`   // LIST requests, the same for all classes
	DeletePerMillion float64           `json:"delete_per_million"` // DELETE requests and aborts
	Classes          map[string]Class  `json:"storage_classes"`    // by name; STANDARD is among them
	WithoutPrice     map[string]string `json:"without_price"`      // classes that are not paid by requests and bytes, and how they are
}

// Class is the prices of one storage class.
type Class struct {
	PutPerMillion     float64 `json:"put_per_million"`      // PUT, COPY and POST requests, parts and completions included
	GetPerMillion     float64 `json:"get_per_million"`      // GET, HEAD and all others
	RetrievalPerGB    float64 `json:"retrieval_per_gb"`     // bytes that are read
	StoragePerGBMonth float64 `json:"storage_per_gb_month"` // bytes that are stored, at the first tier
	MinDays           int64   `json:"min_days"`             // paid for at least, from the upload on; 0: no minimum
	MinBillableBytes  int64   `json:"min_billable_bytes"`   // counted for an object at least: 0 or MinimumBillableBytes
}

// Default is the list that is built in.
var Default = sync.OnceValue(func() *List {
	l, err := Parse(builtIn)
	if err != nil {
		panic("built-in prices: " + err.Error()) // covered by a test
	}
	return l
})

// ErrPrices is wrapped by every error about a list's content.
var ErrPrices = errors.New("not a usable list of prices")

// Parse reads a list in the form of prices.json. Every number must be there:
// one that is left out would pass for a price of 0.
func Parse(b []byte) (*List, error) {
	bad := func(format string, a ...any) (*List, error) {
		return nil, fmt.Errorf("%s: %w", fmt.Sprintf(format, a...), ErrPrices)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return bad("%v", err)
	}
	if version.Version != FormatVersion {
		return bad(`"version" is %d, but this s3compact reads version %d`, version.Version, FormatVersion)
	}
	l := &List{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields() // a misspelt name would pass for a price of 0
	if err := dec.Decode(l); err != nil {
		return bad("%v", err)
	}
	if err := complete(b); err != nil {
		return bad("%v", err)
	}
	if err := l.validate(); err != nil {
		return bad("%v", err)
	}
	return l, nil
}

// complete says which number of a list is left out.
func complete(b []byte) error {
	var present struct {
		List    *float64 `json:"list_per_million"`
		Delete  *float64 `json:"delete_per_million"`
		Classes map[string]struct {
			Put       *float64 `json:"put_per_million"`
			Get       *float64 `json:"get_per_million"`
			Retrieval *float64 `json:"retrieval_per_gb"`
			Storage   *float64 `json:"storage_per_gb_month"`
			Days      *int64   `json:"min_days"`
			Billable  *int64   `json:"min_billable_bytes"`
		} `json:"storage_classes"`
	}
	if err := json.Unmarshal(b, &present); err != nil {
		return err
	}
	if present.List == nil || present.Delete == nil {
		return errors.New("list_per_million and delete_per_million must be given")
	}
	for _, name := range slices.Sorted(maps.Keys(present.Classes)) {
		c := present.Classes[name]
		if c.Put == nil || c.Get == nil || c.Retrieval == nil || c.Storage == nil || c.Days == nil || c.Billable == nil {
			return fmt.Errorf("storage class %s: put_per_million, get_per_million, retrieval_per_gb, storage_per_gb_month, min_days and min_billable_bytes must all be given", name)
		}
	}
	return nil
}

func (l *List) validate() error {
	if l.Region == "" || l.Source == "" {
		return errors.New("region and source must be given")
	}
	if _, err := time.Parse(time.DateOnly, l.Date); err != nil {
		return fmt.Errorf("date %q: write it as 2026-01-31", l.Date)
	}
	if l.Currency != "USD" {
		return fmt.Errorf("currency %q: results are in dollars, so USD is needed", l.Currency)
	}
	if _, ok := l.Classes[Standard]; !ok {
		return fmt.Errorf("storage class %s is missing", Standard)
	}
	numbers := map[string]float64{"list_per_million": l.ListPerMillion, "delete_per_million": l.DeletePerMillion}
	for name, c := range l.Classes {
		if _, twice := l.WithoutPrice[name]; twice {
			return fmt.Errorf("storage class %s stands among those with a price and among those without", name)
		}
		if c.MinBillableBytes != 0 && c.MinBillableBytes != MinimumBillableBytes {
			return fmt.Errorf("storage class %s: min_billable_bytes %d: 0, or the %d for which reports are summed up", name, c.MinBillableBytes, int64(MinimumBillableBytes))
		}
		if c.MinDays < 0 {
			return fmt.Errorf("storage class %s: min_days %d is below zero", name, c.MinDays)
		}
		for field, v := range map[string]float64{
			"put_per_million": c.PutPerMillion, "get_per_million": c.GetPerMillion,
			"retrieval_per_gb": c.RetrievalPerGB, "storage_per_gb_month": c.StoragePerGBMonth,
		} {
			numbers[name+" "+field] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		if v := numbers[name]; v < 0 || v > maxPrice {
			return fmt.Errorf("%s is %v: a price is from 0 to %d dollars", name, v, int64(maxPrice))
		}
	}
	return nil
}

// Class is the prices of a storage class; "" is STANDARD. ok is false where the
// list has no price of it: then it is unknown, and not 0.
func (l *List) Class(name string) (c Class, ok bool) {
	if name == "" {
		name = Standard
	}
	c, ok = l.Classes[name]
	return c, ok
}

// Requests is what the requests cost, in dollars, all on objects of STANDARD.
func (l *List) Requests(r s3store.Requests) float64 {
	c := l.Classes[Standard]
	return (float64(r.Put)*c.PutPerMillion + float64(r.List)*l.ListPerMillion +
		float64(r.Get+r.Head)*c.GetPerMillion + float64(r.Delete)*l.DeletePerMillion) / 1e6
}
