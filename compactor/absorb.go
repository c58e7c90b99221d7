package compactor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/validate"
)

const (
	// minCopyBytes is the least size of an output that the server copies: parts but the last hold so much.
	// API: UploadPartCopy, "Multipart upload limits".
	minCopyBytes = 5 << 20
	// maxCopyBytes is the largest part that the server copies.
	maxCopyBytes = 5 << 30
	// maxAbsorbed bounds the outputs that one output absorbs.
	maxAbsorbed = 1000
)

// absorbable is a live output of the group that may be compacted again.
type absorbable struct {
	ref receipt.OutputRef
	out receipt.Output // as its commit describes it, without its parts
}

// absorbedBy are the outputs that a commit has absorbed and that are no longer
// live: all, but those that are still there while the output they went into is lost.
func (g *group) absorbedBy(ctx context.Context, e *receipt.Entry, lost map[int]bool) (gone []receipt.OutputRef, err error) {
	for i := range e.Members {
		m := &e.Members[i]
		if !m.Absorbed() {
			continue
		}
		ref := receipt.OutputRef{Bucket: m.Bucket, Key: m.Key}
		if lost[m.Output] {
			there, err := g.outputsThere(ctx, []receipt.OutputRef{ref})
			if err != nil {
				return nil, err
			}
			if there[m.Key].ETag == m.ETag {
				continue
			}
		}
		gone = append(gone, ref)
	}
	return gone, nil
}

// absorb compacts live outputs again, in one attempt, where planAbsorption finds
// that it is worth it. It says whether there were any.
func (g *group) absorb(ctx context.Context) (bool, error) {
	if g.r.o.Keep || g.r.o.Single || !g.r.enforces.absorb {
		return false, nil
	}
	for {
		all, err := g.absorbables(ctx)
		if err != nil {
			return false, err
		}
		chosen := planAbsorption(all, g.r.outPrefix, g.r.o.Selection.TargetSizeBytes, g.r.o.copyBytes)
		if len(chosen) == 0 {
			return false, nil
		}
		members, whole, err := g.lookAt(ctx, chosen)
		if err != nil {
			return false, err
		}
		if !whole {
			continue // without those that are not what they were
		}
		a := &attempt{g: g, log: g.log}
		if err := a.again(ctx, chosen, members); err != nil {
			return false, err
		}
		return true, g.finishOwn(ctx, a.entry)
	}
}

// absorbables are the outputs that may be compacted again: live, smaller than
// half the target size, not of a commit whose members were kept, and not one
// gzip member, which another one behind it would hide from those it is made for.
// Memory: about 1 KB for each of them.
func (g *group) absorbables(ctx context.Context) (all []absorbable, err error) {
	e := g.log.entry
	if e == nil {
		return nil, nil
	}
	var small []receipt.OutputRef
	for _, ref := range e.Live {
		if ref.Size < g.r.o.Selection.TargetSizeBytes/2 && ref.Size <= maxCopyBytes && !slices.Contains(e.Kept, ref.Commit) && !g.stays[ref.Key] {
			small = append(small, ref)
		}
	}
	if len(small) < 2 {
		return nil, nil // their commits need no reading
	}
	described := map[int]map[string]receipt.Output{}
	for _, ref := range small {
		if described[ref.Commit] == nil {
			outputs, err := g.r.st.readOutputs(ctx, g.log.gid, ref.Commit)
			if err != nil {
				return nil, err
			}
			described[ref.Commit] = map[string]receipt.Output{}
			for _, o := range outputs {
				o.Parts = nil
				described[ref.Commit][o.Key] = o
			}
		}
		o, ok := described[ref.Commit][ref.Key]
		if !ok {
			return nil, fmt.Errorf("group %q: entry %d of the log does not name the output %s: %w", g.prefix, ref.Commit, ref.Key, receipt.ErrFormat)
		}
		if o.Gzip == "" {
			all = append(all, absorbable{ref, o})
		}
	}
	return all, nil
}

// planAbsorption chooses outputs of one class that become one output: the
// smallest ones, as many as fit the target size, but only where the new output
// is at least half as large again as the largest of them. So two or more become
// one, and what is compacted again and again grows by half each time: n
// increments cost O(n log n). Those of copyBytes or more, which the server
// copies, come first, in key order: the last part alone may be small.
func planAbsorption(all []absorbable, outPrefix string, targetBytes, copyBytes int64) []absorbable {
	type class struct {
		name keyClass
		headers
	}
	classes := map[class][]absorbable{}
	var order []class
	for _, a := range all {
		c := class{classOfKey(strings.TrimPrefix(a.ref.Key, outPrefix), a.out.Attributes.StorageClass), headersOf(a.out.Attributes)}
		if classes[c] == nil {
			order = append(order, c)
		}
		classes[c] = append(classes[c], a)
	}
	for _, c := range order {
		outputs := classes[c]
		slices.SortFunc(outputs, func(a, b absorbable) int {
			return cmp.Or(cmp.Compare(a.ref.Size, b.ref.Size), strings.Compare(a.ref.Key, b.ref.Key))
		})
		best, sum := 0, int64(0)
		for i, a := range outputs {
			if sum += a.ref.Size; sum > targetBytes || i == maxAbsorbed {
				break
			}
			if i > 0 && 2*sum >= 3*a.ref.Size {
				best = i + 1
			}
		}
		if best == 0 {
			continue
		}
		chosen := outputs[:best]
		slices.SortFunc(chosen, func(a, b absorbable) int {
			if large := a.ref.Size >= copyBytes; large != (b.ref.Size >= copyBytes) {
				if large {
					return -1
				}
				return 1
			}
			return strings.Compare(a.ref.Key, b.ref.Key)
		})
		return chosen
	}
	return nil
}

// lookAt makes members of outputs as they are there now. Those that are not
// what the log says stay as they are: whole is false then.
func (g *group) lookAt(ctx context.Context, chosen []absorbable) (members []receipt.Member, whole bool, err error) {
	whole = true
	for _, a := range chosen {
		info, err := g.r.store.Head(ctx, a.ref.Bucket, a.ref.Key)
		if err != nil && !errors.Is(err, s3store.ErrNotFound) {
			return nil, false, err
		}
		same := err == nil && info.ETag == a.ref.ETag && info.SizeBytes == a.ref.Size && info.Attributes.StorageClass == a.out.Attributes.StorageClass &&
			info.LockMode == "" && info.LegalHold == "" && info.TagCount == tagCount(a.out.Attributes.Tagging)
		if !same {
			g.r.o.Log.Warn("an output is gone, or no longer what the log says, and is not compacted again; s3compact verify says more", "output", a.ref.Key)
			if g.stays == nil {
				g.stays = map[string]bool{}
			}
			g.stays[a.ref.Key], whole = true, false
			continue
		}
		members = append(members, receipt.Member{
			Key: a.ref.Key, Bucket: a.ref.Bucket, Commit: a.ref.Commit, ETag: a.ref.ETag, VersionID: info.VersionID, Size: a.ref.Size, CRC64: a.out.CRC64,
			UncompressedBytes: a.out.UncompressedBytes, CRC32: a.out.CRC32, LastModified: info.LastModified,
			Attributes: s3store.Attributes{StorageClass: a.out.Attributes.StorageClass},
		})
	}
	return members, whole, nil
}

// tagCount is the number of tags in a URL-encoded tag set.
func tagCount(tagging string) int {
	if tagging == "" {
		return 0
	}
	return strings.Count(tagging, "&") + 1
}

// again is steps 4 to 6 for outputs that become one.
func (a *attempt) again(ctx context.Context, chosen []absorbable, members []receipt.Member) (err error) {
	r := a.g.r
	a.begin()
	defer func() {
		if err != nil {
			a.abort(ctx)
		}
	}()
	a.names++
	partBytes := partBytesFor(r.o.Selection.TargetSizeBytes, r.o.PartBytes) // the large ones are copied
	buffers := (copiesAtOnce + 1) * partBytes
	if err := r.budget.acquireParts(ctx, buffers); err != nil {
		return err
	}
	defer r.budget.releaseParts(buffers)
	w := newOutputWriter(ctx, r.store, r.outBucket, partBytes, copiesAtOnce, chosen[0].out.Attributes, func(first string, _ []receipt.Member, _ bool) (string, error) {
		keys := make([]string, len(chosen))
		for i, c := range chosen {
			keys[i] = strings.TrimPrefix(c.ref.Key, r.outPrefix)
		}
		return a.outputKey(keys, a.names, first, extension(chosen[0].ref.Key))
	})
	a.outputs = append(a.outputs, &uploaded{writer: w})
	for _, m := range members {
		if err := a.absorbOne(ctx, w, m); err != nil {
			return absorbFault(err)
		}
	}
	if a.outputs[0].record, err = w.finish(ctx); err != nil {
		if errors.Is(err, s3store.ErrUnsupported) {
			r.readsCopies.Store(true)
			return fmt.Errorf("%w: this endpoint copies no parts; outputs are read instead", errAgain)
		}
		return absorbFault(err)
	}
	return a.publish(ctx)
}

// absorbFault is errAgain where an output changed or went away meanwhile.
func absorbFault(err error) error {
	if errors.Is(err, s3store.ErrPrecondition) || errors.Is(err, s3store.ErrNotFound) {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}

// absorbOne appends an output: copied by the server where it is large enough
// and no bytes wait to be sent before it, else read and sent.
func (a *attempt) absorbOne(ctx context.Context, w *outputWriter, m receipt.Member) error {
	crc, err := validate.DecodeCRC64(m.CRC64)
	if err != nil {
		return err
	}
	proof := validate.Gzip{SizeBytes: m.Size, CRC64: crc, UncompressedBytes: m.UncompressedBytes, CRC32: m.CRC32}
	if m.Size >= a.g.r.o.copyBytes && !a.g.r.readsCopies.Load() {
		return w.copy(m, proof)
	}
	body, _, err := a.g.r.store.Get(ctx, m.Bucket, m.Key, s3store.GetOptions{IfMatch: m.ETag})
	if err != nil {
		return err
	}
	defer body.Close()
	return w.append(m, proof, body)
}
