package inventory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// PlanVersion is the version of the plan's format that is written and read.
const PlanVersion = 1

// PlanHeader is the first line of a plan, which is what compact carries out: the
// hotspots of one report, most objects first. It names groups, not keys, and
// never authorises a delete.
type PlanHeader struct {
	Type       string    `json:"type"` // "plan"
	Version    int       `json:"version"`
	ID         string    `json:"id"`         // names the plan in states and receipts
	Bucket     string    `json:"bucket"`     // of the objects
	Scope      string    `json:"scope"`      // the prefix of the bucket that the source covers, "" for all of it
	Source     Source    `json:"source"`     // where the rows came from
	Thresholds Selection `json:"thresholds"` // rule over flags
	Totals     Totals    `json:"totals"`
	Created    time.Time `json:"created"`
}

// Source says where a plan's rows came from.
type Source struct {
	Kind    string    `json:"kind"`              // "inventory" or "listing"
	Report  string    `json:"report"`            // the manifest's location, or the prefix that was listed
	ID      string    `json:"id,omitempty"`      // configuration id of the inventory
	Created time.Time `json:"created"`           // when the rows were true
	Format  string    `json:"format,omitempty"`  // ORC, CSV, Parquet
	Ignored int64     `json:"ignored,omitempty"` // rows that are no live object: old versions, delete markers, without a size
	// Unreported are the fields, as the inventory configuration names them, that the
	// source does not have and by which a forecast would know more.
	Unreported []string `json:"unreported,omitempty"`
}

// Totals sum up the report and the hotspots in it.
type Totals struct {
	Objects        int64 `json:"objects"` // live objects in the report
	Bytes          int64 `json:"bytes"`
	Groups         int64 `json:"groups"`
	Hotspots       int64 `json:"hotspots"`
	HotspotObjects int64 `json:"hotspot_objects"`
	HotspotBytes   int64 `json:"hotspot_bytes"`
	Outputs        int64 `json:"outputs"`
}

// ErrPlan is wrapped by every error about a plan's content.
var ErrPlan = errors.New("not a usable plan")

// ScanPlan reads a plan, calls each for its hotspots in their order, until that
// fails, and checks that it is whole: its version, every line's type, prefixes
// that end in a slash and belong to the grouping, none twice, and the number of
// hotspots that the header promises. Whatever each was told is worth nothing
// before ScanPlan has returned without an error, which wraps ErrPlan where the
// plan is to blame. Each hotspot is the callee's to keep.
func ScanPlan(r io.Reader, each func(*Hotspot) error) (*PlanHeader, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), 1<<20)
	p := planScan{seen: map[string]bool{}}
	for sc.Scan() {
		p.line++
		if p.line == 1 {
			if err := p.readHeader(sc.Bytes()); err != nil {
				return nil, err
			}
			continue
		}
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		h, err := p.readHotspot(sc.Bytes())
		if err != nil {
			return nil, err
		}
		if h != nil {
			if err := each(h); err != nil {
				return nil, err
			}
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("plan, line %d: %w", p.line+1, err)
	}
	if p.line == 0 {
		p.line = 1
		return nil, p.bad("empty")
	}
	if n := int64(len(p.seen)); n != p.header.Totals.Hotspots {
		return nil, p.bad("%d hotspots, but the header promises %d: the file is cut", n, p.header.Totals.Hotspots)
	}
	return &p.header, nil
}

// planScan is a plan while it is read.
type planScan struct {
	line   int
	header PlanHeader
	seen   map[string]bool // prefixes
}

func (p *planScan) bad(format string, a ...any) error {
	return fmt.Errorf("plan, line %d: %s: %w", p.line, fmt.Sprintf(format, a...), ErrPlan)
}

func (p *planScan) readHeader(line []byte) error {
	// The version alone comes first: another version's header may not fit the type.
	var v struct {
		Type    string `json:"type"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(line, &v); err != nil || v.Type != "plan" {
		return p.bad(`the first line is no plan header ("type":"plan"); make one with hotspots --plan`)
	}
	if v.Version != PlanVersion {
		return p.bad("version %d, but this s3compact reads version %d: make the plan anew with hotspots --plan", v.Version, PlanVersion)
	}
	if err := json.Unmarshal(line, &p.header); err != nil {
		return p.bad("the header: %v", err)
	}
	if p.header.Bucket == "" {
		return p.bad("no bucket")
	}
	if err := p.header.Thresholds.Validate(); err != nil {
		return p.bad("thresholds: %v", err)
	}
	return nil
}

// readHotspot reads a line, nil where it is the last one of hotspots --output
// json, which is a plan as well.
func (p *planScan) readHotspot(line []byte) (*Hotspot, error) {
	h := &Hotspot{}
	if err := json.Unmarshal(line, h); err != nil {
		return nil, p.bad("%v", err)
	}
	if h.Type == "summary" {
		return nil, nil
	}
	g := p.header.Thresholds.GroupBy
	switch {
	case h.Type != "hotspot":
		return nil, p.bad(`type %q, expected "hotspot"`, h.Type)
	case h.Prefix != "" && !strings.HasSuffix(h.Prefix, "/"):
		return nil, p.bad("prefix %q does not end in a slash", h.Prefix)
	case g.Group(h.Prefix) != h.Prefix:
		return nil, p.bad("prefix %q is no group of %s", h.Prefix, g)
	case !strings.HasPrefix(h.Prefix, p.header.Scope):
		return nil, p.bad("prefix %q lies outside the plan's scope %q", h.Prefix, p.header.Scope)
	case p.seen[h.Prefix]:
		return nil, p.bad("prefix %q stands there twice", h.Prefix)
	}
	p.seen[h.Prefix] = true
	return h, nil
}
