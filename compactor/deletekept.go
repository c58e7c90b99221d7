package compactor

import (
	"context"
	"fmt"
	"slices"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// deleteKept begins to delete what earlier commits with keep have left, for one
// of them: a commit that names its live outputs again, with the members that
// are still there on their ETags. From there on it is a commit as any other:
// the outputs are proven once more, then the members are deleted on their
// ETags. The outputs stay in any case. It says whether there was such a commit.
// The log's head is free, and remembered.
func (g *group) deleteKept(ctx context.Context) (bool, error) {
	done := g.log.entry
	if done == nil || len(done.Kept) == 0 {
		return false, nil
	}
	commits := newReceipts(g.r.st, g.log.gid)
	c, err := g.keptCommit(ctx, commits, done)
	if err != nil || c == nil {
		return false, err
	}
	if err := g.keptAreThere(ctx, c); err != nil {
		return false, err
	}
	sctx, err := (&authority{log: g.log}).sign(ctx)
	if err != nil {
		return false, err
	}
	ours, err := g.log.append(sctx, c)
	switch {
	case err != nil:
		return false, err
	case !ours:
		return false, errAgain
	}
	return true, g.finishOwn(ctx, c)
}

// keptAreThere sees that the outputs of such a commit are there: without one it
// would become void, in each run anew.
func (g *group) keptAreThere(ctx context.Context, e *receipt.Entry) error {
	c := &completion{g: g, e: e}
	for _, o := range e.Outputs {
		switch what, _, err := c.look(ctx, o); {
		case err != nil:
			return err
		case what != complete:
			return fmt.Errorf("group %q: output s3://%s/%s, of which the originals were kept, is gone or not what was written; none of them is deleted. If the bucket has versions, bring the output back and run again. Else restore takes it out of the log, and compact joins its originals again", g.prefix, o.Bucket, o.Key)
		}
	}
	return nil
}

// keptCommit is the commit that ends the first of the entries with keep, and
// those that name the same outputs again. It is nil where none of them has a live output.
func (g *group) keptCommit(ctx context.Context, commits *receipts, done *receipt.Entry) (*receipt.Entry, error) {
	c := &receipt.Entry{Header: receipt.Header{
		Kind: receipt.Commit, Nonce: randomID(), Tool: g.r.o.Tool, PlanID: g.r.o.PlanID, Content: string(g.r.o.Content),
		Reason: "deletes originals that were kept",
	}}
	at := map[string]int{} // index in c.Outputs of an output's key
	named := map[s3store.KeyETag]bool{}
	for _, n := range done.Kept {
		e, err := commits.entry(ctx, n)
		if err != nil {
			return nil, err
		}
		index := make([]int, len(e.Outputs))
		for i, o := range e.Outputs {
			index[i] = -1
			if j, known := at[o.Key]; known {
				index[i] = j
				continue
			}
			live := slices.IndexFunc(done.Live, func(r receipt.OutputRef) bool { return r.Key == o.Key })
			if live < 0 || len(c.Kept) > 0 {
				continue // taken apart since; or of a later entry, which has a commit of its own
			}
			if o.Gzip == receipt.Recompressed && !g.r.o.AcceptContentOnly {
				return nil, fmt.Errorf("group %q: output s3://%s/%s holds the content of originals that were kept, but they could not be given back byte for byte: none is deleted unless it is accepted that their content alone is proven: %w", g.prefix, o.Bucket, o.Key, ErrUsage)
			}
			o.Commit = done.Live[live].Commit
			at[o.Key], index[i] = len(c.Outputs), len(c.Outputs)
			c.Outputs = append(c.Outputs, o)
		}
		if !slices.ContainsFunc(index, func(j int) bool { return j >= 0 }) {
			continue
		}
		c.Kept = append(c.Kept, n)
		there, err := g.thereNow(ctx, e.Members)
		if err != nil {
			return nil, err
		}
		for _, m := range e.Members {
			k := s3store.KeyETag{Key: m.Key, ETag: m.ETag}
			if o, ok := there[m.Key]; ok && o.ETag == m.ETag && index[m.Output] >= 0 && !named[k] {
				named[k] = true
				c.Members = append(c.Members, receipt.Member{Output: index[m.Output], Key: m.Key, ETag: m.ETag, Size: m.Size, Offset: m.Offset, CRC64: m.CRC64})
			}
		}
	}
	if len(c.Kept) == 0 {
		return nil, nil
	}
	return c, nil
}
