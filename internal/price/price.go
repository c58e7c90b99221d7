// Package price turns counts of requests into dollars. The prices are data,
// in prices.json, with their region and date.
package price

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/s3compact/s3compact/internal/s3store"
)

//go:embed prices.json
var builtIn []byte

// List is a list of prices of one region, in dollars.
type List struct {
	Region             string `json:"region"`
	Date               string `json:"date"`
	Source             string `json:"source"`
	Currency           string `json:"currency"`
	RequestsPerMillion struct {
		Put    float64 `json:"put"` // PUT, COPY, POST
		List   float64 `json:"list"`
		Get    float64 `json:"get"`
		Head   float64 `json:"head"`
		Delete float64 `json:"delete"`
	} `json:"requests_per_million"`
}

// Default is the list that is built in.
var Default = sync.OnceValue(func() *List {
	l, err := Parse(builtIn)
	if err != nil {
		panic("built-in prices: " + err.Error()) // covered by a test
	}
	return l
})

// Parse reads a list in the form of prices.json.
func Parse(b []byte) (*List, error) {
	l := &List{}
	if err := json.Unmarshal(b, l); err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	return l, nil
}

// Requests is what the requests cost, in dollars.
func (l *List) Requests(r s3store.Requests) float64 {
	p := l.RequestsPerMillion
	return (float64(r.Put)*p.Put + float64(r.List)*p.List + float64(r.Get)*p.Get + float64(r.Head)*p.Head + float64(r.Delete)*p.Delete) / 1e6
}
