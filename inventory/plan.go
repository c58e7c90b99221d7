package inventory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// PlanVersion is the version of the plan's format that is written and read.
const PlanVersion = 1

// Plan is what compact carries out: the hotspots of one report, most objects
// first. It names groups, not keys, and never authorises a delete.
type Plan struct {
	PlanHeader
	Hotspots []Hotspot
}

// PlanHeader is the plan's first line.
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

// Write writes the plan as JSON lines.
func (p *Plan) Write(w io.Writer) error {
	return writePlan(w, &p.PlanHeader, func(yield func(*Hotspot) bool) {
		for i := range p.Hotspots {
			if !yield(&p.Hotspots[i]) {
				return
			}
		}
	})
}

func writePlan(w io.Writer, header *PlanHeader, hotspots iter.Seq[*Hotspot]) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(header); err != nil {
		return err
	}
	for h := range hotspots {
		if err := enc.Encode(h); err != nil {
			return err
		}
	}
	return nil
}

// ReadPlan reads a plan and checks that it is whole: its version, every
// line's type, prefixes that end in a slash and belong to the grouping, none
// twice, and the number of hotspots that the header promises.
func ReadPlan(r io.Reader) (*Plan, error) {
	bad := func(line int, format string, a ...any) error {
		return fmt.Errorf("plan, line %d: %s: %w", line, fmt.Sprintf(format, a...), ErrPlan)
	}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), 1<<20)
	p := &Plan{}
	seen := map[string]bool{}
	n := 0
	for sc.Scan() {
		n++
		if n == 1 {
			// The version alone comes first: another version's header may not fit the type.
			var v struct {
				Type    string `json:"type"`
				Version int    `json:"version"`
			}
			if err := json.Unmarshal(sc.Bytes(), &v); err != nil || v.Type != "plan" {
				return nil, bad(n, `the first line is no plan header ("type":"plan"); make one with hotspots --plan`)
			}
			if v.Version != PlanVersion {
				return nil, bad(n, "version %d, but this s3compact reads version %d: make the plan anew with hotspots --plan", v.Version, PlanVersion)
			}
			if err := json.Unmarshal(sc.Bytes(), &p.PlanHeader); err != nil {
				return nil, bad(n, "the header: %v", err)
			}
			if p.Bucket == "" {
				return nil, bad(n, "no bucket")
			}
			if err := p.Thresholds.Validate(); err != nil {
				return nil, bad(n, "thresholds: %v", err)
			}
			continue
		}
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var h Hotspot
		if err := json.Unmarshal(sc.Bytes(), &h); err != nil {
			return nil, bad(n, "%v", err)
		}
		if h.Type == "summary" {
			continue // the last line of hotspots --output json, which is a plan as well
		}
		g := p.Thresholds.GroupBy
		switch {
		case h.Type != "hotspot":
			return nil, bad(n, `type %q, expected "hotspot"`, h.Type)
		case h.Prefix != "" && !strings.HasSuffix(h.Prefix, "/"):
			return nil, bad(n, "prefix %q does not end in a slash", h.Prefix)
		case g.Group(h.Prefix) != h.Prefix:
			return nil, bad(n, "prefix %q is no group of %s", h.Prefix, g)
		case !strings.HasPrefix(h.Prefix, p.Scope):
			return nil, bad(n, "prefix %q lies outside the plan's scope %q", h.Prefix, p.Scope)
		case seen[h.Prefix]:
			return nil, bad(n, "prefix %q stands there twice", h.Prefix)
		}
		seen[h.Prefix] = true
		p.Hotspots = append(p.Hotspots, h)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("plan, line %d: %w", n+1, err)
	}
	if n == 0 {
		return nil, bad(1, "empty")
	}
	if int64(len(p.Hotspots)) != p.Totals.Hotspots {
		return nil, bad(n, "%d hotspots, but the header promises %d: the file is cut", len(p.Hotspots), p.Totals.Hotspots)
	}
	return p, nil
}
