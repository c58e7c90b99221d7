package compactor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// fate is what became of a commit's outputs.
type fate int

const (
	complete   fate = iota // all visible and right
	open                   // an upload that can't or should not be completed, and that nobody has: nothing was deleted
	missing                // an output is gone or wrong although its upload is gone too
	unfinished             // not decided; the error says why
)

// finishOwn is steps 7 to 10 for the commit that this worker just wrote.
func (g *group) finishOwn(ctx context.Context, e *receipt.Entry) error {
	ctx, cancel := drained(ctx)
	defer cancel()
	return g.finish(ctx, e, false)
}

// finishHead finishes a commit that is the log's head, whoever wrote it.
func (g *group) finishHead(ctx context.Context) error {
	if err := g.takeOver(ctx); err != nil {
		return err
	}
	e := g.log.entry
	g.r.o.Log.Info("finishing what an earlier run has committed", "group", g.prefix, "entry", g.log.head, "members", len(e.Members))
	if keepsTextOnly(e) && !g.r.o.AcceptContentOnly {
		g.r.o.Log.Warn("that run was told to delete originals of which only the content is kept; they are deleted now", "group", g.prefix)
	}
	ctx, cancel := drained(ctx)
	defer cancel()
	return g.finish(ctx, e, true)
}

// takeOver remembers what the log says beside the commit that is its head.
func (g *group) takeOver(ctx context.Context) error {
	e := g.log.entry
	if e.Kind != receipt.Commit {
		return fmt.Errorf("group %q: its log ends in an entry %q, which this version does not carry out: use a newer s3compact", g.prefix, e.Kind)
	}
	var before *receipt.Entry
	if g.log.head > 1 {
		var err error
		if before, err = g.r.st.readEntry(ctx, g.log.gid, g.log.head-1); err != nil {
			return err
		}
	}
	if err := g.remember(ctx, before); err != nil {
		return err
	}
	g.fresh = append(g.fresh, e.Refused...)
	return nil
}

func (g *group) finish(ctx context.Context, e *receipt.Entry, takenOver bool) error {
	if g.r.o.Keep && !e.Keep {
		return fmt.Errorf("group %q: an earlier run without --keep-originals has committed and is not finished; finish it without --keep-originals first: %w", g.prefix, ErrUsage)
	}
	auth := &authority{log: g.log}
	c := &completion{g: g, auth: auth, e: e, takenOver: takenOver}
	live, lost, err := c.outputs(ctx)
	if err != nil {
		return err
	}
	if err := c.replicated(ctx, live); err != nil {
		return err
	}
	g.counts = receipt.Counts{}
	var changed []receipt.Refusal
	if !e.Keep {
		if changed, err = g.deleteMembers(ctx, auth, e, lost); err != nil {
			return err
		}
		if givesBack(e) {
			if err := g.deleteLate(ctx, auth, e, lost); err != nil {
				return err
			}
		}
	}
	gone, err := g.absorbedBy(ctx, e, lost)
	if err != nil {
		return err
	}
	return g.done(ctx, e, live, gone, changed)
}

// completion is steps 7 and 8.
type completion struct {
	g         *group
	auth      *authority
	e         *receipt.Entry
	takenOver bool
	compared  bool // with a listing
	copied    bool // the outputs are replicated
}

// maxTries bounds how often a request without an answer is sent again here, beyond the client's own retries.
const maxTries = 4

// outputs completes all outputs and proves them. lost are those that the
// operator has given up, by their index.
func (c *completion) outputs(ctx context.Context) (live []receipt.OutputRef, lost map[int]bool, err error) {
	lost = map[int]bool{}
	for i, o := range c.e.Outputs {
		what, ref, err := c.output(ctx, o)
		switch what {
		case complete:
			live = append(live, ref)
		case open:
			return nil, nil, c.g.void(ctx, c.e, reasonGivenUp)
		case missing:
			if err := c.g.outputMissing(ctx, c.e, o); err != nil {
				return nil, nil, err
			}
			lost[i] = true
		default:
			return nil, nil, fmt.Errorf("complete output %s: %w", o.Key, err)
		}
	}
	return live, lost, nil
}

// output completes one output and proves it.
func (c *completion) output(ctx context.Context, o receipt.Output) (fate, receipt.OutputRef, error) {
	g := c.g
	if o.Commit > 0 { // complete since an earlier commit
		return c.look(ctx, o)
	}
	if c.takenOver {
		what, ref, err := c.look(ctx, o)
		if what != missing {
			return what, ref, err
		}
		// Not there: its upload may be open. It is completed only while every member is as it was read.
		if same, err := c.membersUnchanged(ctx); err != nil {
			return unfinished, ref, err
		} else if !same {
			return c.giveUp(ctx, o)
		}
	}
	var last error
	for range maxTries {
		sctx, err := c.auth.sign(ctx)
		if err != nil {
			return unfinished, receipt.OutputRef{}, err
		}
		_, last = g.r.store.CompleteUpload(sctx, o.Bucket, o.Key, o.UploadID, o.Parts, o.CRC64)
		switch {
		case errors.Is(last, s3store.ErrExpired):
			c.auth.expired()
			continue
		case errors.Is(last, s3store.ErrDenied):
			return unfinished, receipt.OutputRef{}, last
		case errors.Is(last, s3store.ErrBadRequest):
			return c.giveUp(ctx, o)
		}
		// Completed, or done before, or no answer: what is there decides.
		what, ref, err := c.look(ctx, o)
		if what == complete || err != nil {
			return what, ref, err
		}
		if errors.Is(last, s3store.ErrNotFound) || last == nil || errors.Is(last, s3store.ErrPrecondition) {
			return missing, ref, nil
		}
	}
	return unfinished, receipt.OutputRef{}, last
}

// look is step 8: is the output there, and is it what the entry says? missing
// stands for one that is not there or is something else.
func (c *completion) look(ctx context.Context, o receipt.Output) (fate, receipt.OutputRef, error) {
	store := c.g.r.store
	info, err := store.Head(ctx, o.Bucket, o.Key)
	switch {
	case errors.Is(err, s3store.ErrNotFound):
		return missing, receipt.OutputRef{}, nil
	case err != nil:
		return unfinished, receipt.OutputRef{}, err
	}
	ref := receipt.OutputRef{Bucket: o.Bucket, Key: o.Key, Size: o.Size, ETag: info.ETag, CRC64: o.CRC64, Commit: c.e.Number}
	holds := c.e // the entry with the output's members
	if o.Commit > 0 {
		ref.Commit = o.Commit
		if holds, err = c.g.r.st.readEntry(ctx, c.g.log.gid, o.Commit); err != nil {
			return unfinished, ref, err
		}
	}
	if combined, err := combinedCRC(holds, o); err != nil || combined != o.CRC64 {
		return unfinished, ref, fmt.Errorf("the entry's checksums of %s contradict each other; nothing is deleted: %w", o.Key, errors.Join(err, receipt.ErrFormat))
	}
	if info.SizeBytes == o.Size {
		if err := protects(o, info); err != nil {
			return unfinished, ref, err
		}
	}
	c.copied = c.copied || info.ReplicationStatus != "" && info.ReplicationStatus != "REPLICA"
	switch {
	case info.SizeBytes != o.Size:
		return missing, ref, nil
	case info.CRC64NVME != "" && !c.g.r.o.ReadBack:
		if info.CRC64NVME != o.CRC64 {
			return missing, ref, nil
		}
		return complete, ref, nil
	}
	crc, n, err := readBack(ctx, store, o.Bucket, o.Key, info.ETag)
	if err != nil {
		return unfinished, ref, err
	}
	if n != o.Size || validate.EncodeCRC64(crc) != o.CRC64 {
		return missing, ref, nil
	}
	return complete, ref, nil
}

// combinedCRC is the checksum that an output must have, from its members' alone; of
// a recompressed one, whose bytes are not the members', that with which it was proven to
// hold their text.
func combinedCRC(e *receipt.Entry, o receipt.Output) (string, error) {
	switch o.Gzip {
	case receipt.SingleGzip:
		return combinedSingle(e, o)
	case receipt.Recompressed:
		return o.CRC64, combinedText(e, o)
	}
	var j validate.Joined
	for i := range e.Members {
		m := &e.Members[i]
		if e.Outputs[m.Output].Key != o.Key {
			continue
		}
		held, err := rangeOf(m)
		if err != nil || m.Offset != j.SizeBytes {
			return "", errors.Join(err, fmt.Errorf("member %s does not follow the one before it", m.Key))
		}
		j.Add(held)
		if m.Newline {
			j.AddNewline()
		}
	}
	if j.SizeBytes != o.Size || j.UncompressedBytes != o.UncompressedBytes || j.CRC32 != o.CRC32 {
		return "", fmt.Errorf("the members make %d bytes, the output has %d", j.SizeBytes, o.Size)
	}
	return validate.EncodeCRC64(j.CRC64), nil
}

// membersUnchanged compares every member with a listing, once.
func (c *completion) membersUnchanged(ctx context.Context) (bool, error) {
	if c.compared {
		return true, nil
	}
	there, err := c.g.thereNow(ctx, c.e.Members)
	if err != nil {
		return false, err
	}
	c.compared = allThere(c.e, there)
	return c.compared, nil
}

// giveUp looks whether an upload that can't or should not be completed is
// still open. It is not aborted yet: an abort whose answer is lost could not be
// told from a completion later. The void entry comes first.
func (c *completion) giveUp(ctx context.Context, o receipt.Output) (fate, receipt.OutputRef, error) {
	found := missing
	err := c.g.r.store.ListUploads(ctx, o.Bucket, o.Key, func(u s3store.Upload) error {
		if u.Key == o.Key && u.ID == o.UploadID {
			found = open
		}
		return nil
	})
	if err != nil {
		return unfinished, receipt.OutputRef{}, err
	}
	if found == open {
		return open, receipt.OutputRef{}, nil
	}
	return c.look(ctx, o) // completed by another worker, or gone
}

// done is step 10. gone are the outputs that the commit has absorbed.
func (g *group) done(ctx context.Context, e *receipt.Entry, live, gone []receipt.OutputRef, changed []receipt.Refusal) error {
	d, err := g.sumUp(ctx)
	if err != nil {
		return err
	}
	d.Live = append(without(without(d.Live, gone), live), live...)
	// A commit that revives what a void entry had given up names its outputs live.
	d.Dead = without(d.Dead, live)
	d.Changed = changed
	g.spent.tell(&g.counts)
	d.Counts = &g.counts
	d.Kept = keptAfter(d.Kept, e)
	ours, err := g.log.append(ctx, d)
	if err != nil {
		return err
	}
	g.fresh = nil
	if ours {
		if !namesAgain(e) {
			g.r.count(e)
		}
	} else {
		g.log = nil // another worker has written it; its entry is as good, but has to be read
	}
	for _, c := range changed {
		g.report(Refused{Key: c.Key, Reason: c.Reason, Detail: c.Detail})
	}
	g.r.deleted(g.counts)
	return nil
}

// sumUp starts an entry with what holds of the log before the commit at hand.
func (g *group) sumUp(ctx context.Context) (*receipt.Entry, error) {
	d := &receipt.Entry{Header: receipt.Header{Kind: receipt.Done, Nonce: randomID(), Tool: g.r.o.Tool, PlanID: g.r.o.PlanID, Content: string(g.r.o.Content)}}
	if p := g.before; p != nil {
		d.Kept = append(d.Kept, p.Kept...)
		d.Live = append(d.Live, p.Live...)
		dead := p.Dead
		if p.Kind == receipt.Void {
			for _, o := range p.Outputs {
				if o.Commit > 0 { // complete since an earlier commit, and as live as it was
					continue
				}
				dead = append(dead[:len(dead):len(dead)], receipt.OutputRef{Bucket: o.Bucket, Key: o.Key, Size: o.Size, CRC64: o.CRC64, Commit: p.Number})
			}
		}
		var err error
		if d.Dead, err = g.stillThere(ctx, dead); err != nil {
			return nil, err
		}
	}
	d.Refused = g.refusals()
	return d, nil
}

// readBack computes the checksum of an object as it is stored now.
func readBack(ctx context.Context, s Store, bucket, key, etag string) (crc uint64, n int64, err error) {
	body, _, err := s.Get(ctx, bucket, key, s3store.GetOptions{IfMatch: etag})
	if err != nil {
		return 0, 0, err
	}
	defer body.Close()
	in := &crcReader{r: body}
	_, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{in}, make([]byte, 256<<10))
	return in.crc, in.n, err
}
