package compactor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/s3compact/s3compact/internal/receipt"
)

// keepsTextOnly says whether a commit deletes originals of which outputs hold the
// content alone.
func keepsTextOnly(e *receipt.Entry) bool {
	return !e.Keep && slices.ContainsFunc(e.Outputs, func(o receipt.Output) bool { return o.Gzip == receipt.Recompressed })
}

// saveOriginals takes back a commit that would delete originals whose bytes no
// output holds, where something wanted is among them: what a run with
// Options.AcceptContentOnly has committed, and was stopped before, a restore does
// not do in its place. It says whether there was such a commit.
func (g *restoring) saveOriginals(ctx context.Context) (bool, error) {
	e := g.log.entry
	wanted := func(m receipt.Member) bool { return g.x.wants(m.Key) }
	if e.Kind != receipt.Commit || !keepsTextOnly(e) || givesBack(e) || !slices.ContainsFunc(e.Members, wanted) {
		return false, nil
	}
	there, err := g.thereNow(ctx, e.Members)
	if err != nil {
		return false, err
	}
	left := func(m receipt.Member) bool { return there[m.Key].ETag == m.ETag }
	if !slices.ContainsFunc(e.Members, left) {
		return false, nil // finishing it deletes nothing
	}
	if err := g.takeOver(ctx); err != nil {
		return false, err
	}
	g.x.begun(g)
	ctx, cancel := drained(ctx)
	defer cancel()
	c := &completion{g: g.group, auth: &authority{log: g.log}, e: e, takenOver: true}
	if _, _, err := c.outputs(ctx); err != nil {
		return false, err
	}
	err = g.takeBack(ctx, fmt.Errorf("group %q: entry %d of its log lets originals be deleted of which recompressed outputs hold the content alone, and can't be taken back: %w; this restore deletes none of them: copy those that are left, if their bytes matter, then let compact finish it", g.prefix, e.Number, errHalfDeleted))
	if err == nil {
		g.r.o.Log.Warn("a commit that would delete originals whose bytes no output holds is taken back", "group", g.prefix, "entry", e.Number)
	}
	return true, err
}

// errHalfDeleted: some of the originals that a commit deletes are not there any more.
var errHalfDeleted = errors.New("some are gone or replaced already")
