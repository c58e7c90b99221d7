package compactor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

// attempt is steps 3 to 6 of the protocol for the chunks of one listing: read,
// upload, list again, commit. Its outputs share one entry and one fate.
type attempt struct {
	g       *group
	log     *grouplog
	nonce   string
	started time.Time // by this machine's monotonic clock
	outputs []*uploaded
	names   int // outputs that were given a name
	pieces  int // bytes in the entry, at most, of what outputs of one gzip member do not hold
	entry   *receipt.Entry
}

// maxAttemptAge is less than staleUpload by more than a signature lives, so
// that Sweep never finds the upload of an attempt that still commits.
const maxAttemptAge = staleUpload - time.Hour

// uploaded is an output whose bytes are all in S3, not yet visible.
type uploaded struct {
	writer *outputWriter
	record receipt.Output
}

// maxPieces bounds a.pieces, and with it the entry and the memory for it: of
// objects with a gzip member for each record it could be larger than they are.
const maxPieces = 64 << 20

// maxChunks bounds the outputs of an attempt, and with them what a crash costs.
const maxChunks = 16

// errAgain: the group moved under the attempt; it was dropped, and the group is listed anew.
var errAgain = errors.New("the group changed meanwhile")

// run reads and uploads the chunks and commits them. When it returns nil, the
// attempt's entry is the log's head, or there was nothing to commit
// (a.entry is nil).
func (a *attempt) run(ctx context.Context, chunks []chunk) (err error) {
	a.begin()
	defer func() {
		if err != nil {
			a.abort(ctx)
		}
	}()
	for _, c := range chunks {
		if a.pieces >= maxPieces { // the rest is for the next attempt
			break
		}
		if err := a.join(ctx, c); err != nil {
			return err
		}
	}
	if len(a.outputs) == 0 {
		return a.g.allDenied(chunks)
	}
	return a.publish(ctx)
}

// begin gives the attempt its name.
func (a *attempt) begin() { a.nonce, a.started = randomID(), time.Now() }

// publish is steps 5 and 6 for what was uploaded.
func (a *attempt) publish(ctx context.Context) error {
	e := &receipt.Entry{Header: receipt.Header{
		Kind: receipt.Commit, Nonce: a.nonce, Tool: a.g.r.o.Tool, PlanID: a.g.r.o.PlanID,
		Content: string(a.g.r.o.Content), Keep: a.g.r.o.Keep,
	}}
	// Whoever finishes this commit, should this worker die, says so in the entry that closes it.
	e.Refused = a.g.fresh
	for i, o := range a.outputs {
		e.Outputs = append(e.Outputs, o.record)
		for _, m := range o.writer.members {
			m.Output = i
			e.Members = append(e.Members, m)
		}
	}
	if err := a.unchanged(ctx, e); err != nil {
		return err
	}
	return a.commit(ctx, e)
}

// abort drops what was uploaded; ctx may be cancelled.
func (a *attempt) abort(ctx context.Context) {
	ctx, cancel := drained(ctx)
	defer cancel()
	for _, o := range a.outputs {
		o.writer.abort(ctx)
	}
	a.outputs = nil
}

// result is one member's reading.
type result struct {
	member *member
	err    error
}

// join reads a chunk's members, many at once, and appends them in key order
// to an output for each class of headers. Memory: the budget for bodies, and
// the part buffers of maxClasses outputs.
func (a *attempt) join(ctx context.Context, c chunk) error {
	r := a.g.r
	partBytes, n := r.partBuffers(c.outputBytes())
	buffers := n * partBytes
	if r.o.PlainText || r.o.Recompress > 0 {
		buffers += packingBytes
	}
	if err := r.budget.acquireParts(ctx, buffers); err != nil {
		return err
	}
	defer r.budget.releaseParts(buffers)
	readers, rctx := errgroup.WithContext(ctx)
	results := make(chan chan result, 2*r.o.Concurrency)
	readers.Go(func() error {
		defer close(results)
		for _, o := range c.members {
			// In key order, one after another: the member that is joined next always has its memory.
			if err := r.budget.acquire(rctx, holds(o)); err != nil {
				return err
			}
			if err := r.budget.readers.Acquire(rctx, 1); err != nil {
				r.budget.release(holds(o))
				return err
			}
			slot := make(chan result, 1)
			r.crew.run(func() {
				defer r.budget.readers.Release(1)
				m, err := r.reader.read(rctx, o)
				slot <- result{m, err}
			})
			select {
			case results <- slot:
			case <-rctx.Done():
				res := <-slot
				if res.member != nil {
					res.member.release()
				}
				r.budget.release(holds(o))
				return rctx.Err()
			}
		}
		return nil
	})
	classes := map[headers]*classOutput{}
	var order []headers
	var failed error
	i := 0
	for slot := range results {
		o := c.members[i]
		i++
		res := <-slot
		if failed == nil {
			failed = a.place(ctx, o, res, classes, &order, func() *outputWriter {
				if len(classes) > 0 && (len(classes) == maxClasses || !r.budget.tryParts(buffers)) {
					return nil
				}
				return a.newOutput(ctx, c, partBytes, res.member.class)
			})
			if failed != nil {
				readers.Go(func() error { return failed }) // stops the readers
			}
		}
		if res.member != nil {
			res.member.release()
		}
		r.budget.release(holds(o))
	}
	err := readers.Wait()
	if failed != nil {
		err = failed
	}
	if err == nil {
		err = ctx.Err()
	}
	for range len(classes) - 1 {
		defer r.budget.releaseParts(buffers)
	}
	for _, h := range order {
		w := classes[h]
		if err != nil || len(w.out.members) < 2 || w.header() {
			a.leave(ctx, w, err == nil)
			continue
		}
		// Its last part is sent now, so that only one chunk's outputs hold buffers.
		var record receipt.Output
		record, err = w.out.finish(ctx)
		a.outputs = append(a.outputs, &uploaded{w.out, record})
	}
	return err
}

// classOutput is the output of one class of headers within a chunk.
type classOutput struct {
	out   *outputWriter
	lines bool   // the content is text lines, which may have headers
	line  string // the first line of the first member that has one
	with  int    // members that have a first line
	other bool   // not all of them begin with that line, or one is too long to tell
}

// note looks at a member's first line.
func (w *classOutput) note(m *member) {
	if m.proof.UncompressedBytes == 0 {
		return
	}
	if w.with++; w.with == 1 {
		w.line = m.firstLine
	}
	w.other = w.other || m.firstLine == "" || m.firstLine != w.line
}

// header says that all members begin with the same line, which would stand between the records.
func (w *classOutput) header() bool { return w.lines && w.with >= 2 && !w.other }

// maxClasses bounds the outputs that a chunk makes. Members of further classes,
// and of a second one for which there is no memory, wait for the next attempt.
const maxClasses = 2

// newOutput starts the output of a class of a chunk's members.
func (a *attempt) newOutput(ctx context.Context, c chunk, partBytes int64, class headers) *outputWriter {
	a.names++
	number := a.names
	w := newOutputWriter(ctx, a.g.r.store, a.g.r.outBucket, partBytes, partsUnderWay, class.attributes(), func(first string, members []receipt.Member, all bool) (string, error) {
		return a.outputKey(c.sharedKeys(members, all), number, first, c.extension)
	})
	w.recompress = a.g.r.o.Recompress
	return w
}

// place appends one read member to the output of its class. output makes that
// of a further class, nil where there is no memory for it.
func (a *attempt) place(ctx context.Context, o s3store.Object, res result, classes map[headers]*classOutput, order *[]headers, output func() *outputWriter) error {
	r := a.g.r
	var refused *refusal
	switch {
	case errors.As(res.err, &refused):
		a.g.refuse(o, refused)
		return nil
	case errors.Is(res.err, errLeftOut):
		a.g.leftOut++
		return nil
	case res.err != nil:
		return fmt.Errorf("read %s: %w", o.Key, res.err)
	}
	m := res.member
	w := classes[m.class]
	if w == nil {
		out := output()
		if out == nil {
			a.g.leftOut++
			return nil
		}
		w = &classOutput{lines: r.o.Content == validate.ContentLines, out: out}
		classes[m.class] = w
		*order = append(*order, m.class)
	}
	if a.pieces >= maxPieces && len(w.out.members) >= 2 {
		a.g.leftOut++
		return nil
	}
	a.pieces += m.pieces.RecordBytes()
	body, err := r.reader.open(ctx, m)
	if errors.Is(err, errLeftOut) {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	if err != nil {
		return err
	}
	defer body.Close()
	w.note(m)
	if err := w.out.add(m, body); err != nil {
		return err
	}
	r.o.Progress.Add(1, m.proof.SizeBytes)
	return nil
}

// leave drops an output that is not to be: its members stay as they are.
// judged says that all of the chunk was read, so that the reason is lasting.
func (a *attempt) leave(ctx context.Context, w *classOutput, judged bool) {
	ctx, cancel := drained(ctx)
	defer cancel()
	w.out.abort(ctx)
	if !judged {
		return
	}
	for _, m := range w.out.members {
		o := s3store.Object{Key: m.Key, ETag: m.ETag}
		if w.header() {
			a.g.refuse(o, &refusal{reason: "format", lasting: true, detail: "every member begins with the same line: a header that would stand between the records"})
			continue
		}
		a.g.alone(o)
	}
}

// sharedKeys are the keys whose directory an output lies in: those of its
// members, or, while more may come, of the whole chunk.
func (c *chunk) sharedKeys(members []receipt.Member, all bool) (keys []string) {
	if all {
		for _, m := range members {
			keys = append(keys, m.Key)
		}
		return keys
	}
	for _, o := range c.members {
		keys = append(keys, o.Key)
	}
	return keys
}

// outputKey names an output in the directory that the keys share. A key that would be too long is refused.
func (a *attempt) outputKey(keys []string, number int, first, extension string) (string, error) {
	key := a.g.r.outPrefix + sharedDirectory(keys) + receipt.OutputName(stem(first, extension), a.log.gid, a.nonce, number, extension)
	if len(key) > maxKeyBytes {
		return "", &groupRefusal{"too_long", fmt.Sprintf("the output's key would have %d bytes, S3 allows %d", len(key), maxKeyBytes)}
	}
	return key, nil
}

// unchanged is step 5: what lies where the members were is listed again, and every member must be as it was read.
func (a *attempt) unchanged(ctx context.Context, e *receipt.Entry) error {
	there, err := a.g.thereNow(ctx, e.Members)
	if err != nil {
		return err
	}
	for _, m := range e.Members {
		if o, ok := there[m.Key]; !ok || o.ETag != m.ETag || !o.LastModified.Equal(m.LastModified) || o.StorageClass != m.Attributes.StorageClass {
			return fmt.Errorf("%w: %s", errAgain, m.Key)
		}
	}
	return nil
}

// commit is step 6.
func (a *attempt) commit(ctx context.Context, e *receipt.Entry) error {
	if time.Since(a.started) > maxAttemptAge {
		return fmt.Errorf("%w: the attempt took longer than %s, so its uploads may be swept", errAgain, maxAttemptAge)
	}
	auth := &authority{log: a.log}
	sctx, err := auth.sign(ctx)
	if errors.Is(err, errHeadMoved) {
		return errAgain
	}
	if err != nil {
		return err
	}
	ours, err := a.log.append(sctx, e)
	switch {
	case err != nil:
		// Whoever comes next finds the entry or does not; the uploads may be needed, so they stay.
		a.outputs = nil
		return err
	case !ours:
		return errAgain
	}
	a.entry = e
	a.outputs = nil
	return nil
}

// groupRefusal is why a whole group must not be compacted.
type groupRefusal struct{ reason, detail string }

func (r *groupRefusal) Error() string { return r.reason + ": " + r.detail }
