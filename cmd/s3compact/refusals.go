package main

import (
	"fmt"
	"io"
)

// refusals tells what was refused as it comes: a table names the first ones,
// JSON names all.
type refusals struct {
	w      io.Writer
	lines  *lines
	json   bool
	shown  int // in the table
	hidden int
}

// maxShownRefusals bounds the refusals that a table names.
const maxShownRefusals = 50

func newRefusals(p *program, asJSON bool) refusals {
	return refusals{w: p.stdout, lines: newLines(p.stdout), json: asJSON}
}

// tell tells one: line is its form in JSON.
func (r *refusals) tell(line any, name, reason, detail string) {
	switch {
	case r.json:
		r.lines.write(line)
	case r.shown < maxShownRefusals:
		r.shown++
		fmt.Fprintf(r.w, "refused  %s: %s: %s\n", name, reason, detail)
	default:
		r.hidden++
	}
}

// end says how many were not named.
func (r *refusals) end() {
	if r.hidden > 0 {
		fmt.Fprintf(r.w, "… and %d more refused; --output json lists them all\n", r.hidden)
	}
}
