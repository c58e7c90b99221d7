package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/s3compact/s3compact/inventory/orc"
)

// orcFile is an ORC data file. Its units are stripes, or parts of stripes where
// it has few.
type orcFile struct {
	file    *orc.File
	names   []string // of the columns that are read
	columns          // places in names
	spans   []orc.Span
}

// kindsOf are the types that a column may have.
func kindsOf(c column) []orc.Kind {
	switch c {
	case colSize:
		return []orc.Kind{orc.KindLong, orc.KindInt}
	case colModified, colLockUntil:
		return []orc.Kind{orc.KindTimestamp, orc.KindTimestampInstant}
	case colLatest, colMarker:
		return []orc.Kind{orc.KindBoolean}
	}
	return []orc.Kind{orc.KindString, orc.KindVarchar}
}

// openORC opens an ORC data file of a report with this schema, to be read in so
// many units or more, where it can be.
func openORC(r io.ReaderAt, sizeBytes int64, schema fileSchema, units int, etags bool) (*orcFile, error) {
	f, err := orc.Open(r, sizeBytes)
	if err != nil {
		return nil, err
	}
	o := &orcFile{file: f}
	all := f.Columns()
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name
	}
	inFile, err := bindColumns(names, etags)
	if err != nil {
		return nil, err
	}
	for c, from := range inFile {
		o.columns[c] = -1
		if from < 0 {
			continue
		}
		if in, want := all[from], kindsOf(column(c)); !slices.Contains(want, in.Kind) {
			if column(c) > colBucket {
				continue // AWS may write it in another way some day: nothing is known of it then
			}
			return nil, fmt.Errorf("column %s is of type %s, expected %s: this is no S3 Inventory report", in.Name, in.Kind, want[0])
		}
		o.columns[c] = len(o.names)
		o.names = append(o.names, all[from].Name)
	}
	if err := schema.check(names, &o.columns); err != nil {
		return nil, err
	}
	o.divide(units)
	return o, nil
}

// divide makes the spans: as few of each stripe as make so many of the file.
func (o *orcFile) divide(units int) {
	stripes := o.file.NumStripes()
	if stripes == 0 {
		return
	}
	each := (units + stripes - 1) / stripes
	for i := range stripes {
		groups := o.file.RowGroups(i)
		n := min(each, groups)
		for part := range n {
			o.spans = append(o.spans, orc.Span{Stripe: i, From: groups * part / n, To: groups * (part + 1) / n})
		}
	}
}

func (o *orcFile) units() int { return len(o.spans) }

func (o *orcFile) reader() (unitReader, error) {
	r, err := o.file.NewReader(o.names...)
	if err != nil {
		return nil, err
	}
	return &orcReader{orcFile: o, rows: r}, nil
}

// storedBytes is the share of a span in the file.
func (o *orcFile) storedBytes(span orc.Span) int64 {
	s := o.file.Stripe(span.Stripe)
	all, groups := s.IndexBytes+s.DataBytes+s.FooterBytes, int64(o.file.RowGroups(span.Stripe))
	return all*int64(span.To)/groups - all*int64(span.From)/groups
}

// orcReader makes batches of the rows of an ORC file.
type orcReader struct {
	*orcFile
	rows     *orc.Reader
	batch    batch
	keys     []byte // memory of the batch, where it does not share the reader's
	ends     []uint32
	modified []int64
	etags    []byte
	etagEnds []uint32
	live     []bool
	codes    []uint16 // of the words of one column
	locks    []uint16 // the same for attrLock
	entries  []uint16 // codes of a dictionary's entries
	kinds    []uint16
	known    []knownGroup
}

// knownGroup is a row group whose keys were not read, as all begin with the
// prefix of one group.
type knownGroup struct {
	index  int
	prefix []byte
}

func (r *orcReader) read(ctx context.Context, unit int, w *worker, progress Progress) error {
	span := r.spans[unit]
	r.known = r.known[:0]
	var choose func(orc.RowGroup, []bool)
	if w.by.Depth > 0 && w.match.all && w.shared.each == nil {
		choose = func(g orc.RowGroup, skip []bool) {
			if prefix := r.sharedPrefix(g, w.by); prefix != nil {
				skip[r.columns[colKey]] = true
				r.known = append(r.known, knownGroup{g.Index, prefix})
			}
		}
	}
	if err := r.rows.Open(ctx, span, choose); err != nil {
		return err
	}
	for {
		in, err := r.rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := r.fill(in, w); err != nil {
			return fmt.Errorf("stripe %d: %w", span.Stripe, err)
		}
		if err := w.add(&r.batch); err != nil {
			return fmt.Errorf("stripe %d: %w", span.Stripe, err)
		}
		progress.Add(int64(in.Rows), 0)
	}
	progress.Add(0, r.storedBytes(span))
	return nil
}

// sharedPrefix is the group of all keys of a row group, if its statistics show
// that they are of one: where the least and the greatest key begin with the same
// Depth segments, every key between them does. nil: they do not show it. A copy.
func (r *orcReader) sharedPrefix(g orc.RowGroup, by Grouping) []byte {
	s := &g.Statistics[r.columns[colKey]]
	if !s.Known || !s.HasRange || s.Values != g.Rows {
		return nil
	}
	n, whole := segments(s.Min, 0, uint32(len(s.Min)), by.Depth)
	if !whole || n > len(s.Max) || string(s.Max[:n]) != string(s.Min[:n]) {
		return nil
	}
	return slices.Clone(s.Min[:n])
}

// fill makes a batch of rows.
func (r *orcReader) fill(in *orc.Batch, w *worker) error {
	b := &r.batch
	*b = batch{rows: in.Rows, first: in.FirstRow}
	column := func(c column) *orc.Vector {
		if r.columns[c] < 0 {
			return nil
		}
		return in.Columns[r.columns[c]]
	}
	key, size, modified := column(colKey), column(colSize), column(colModified)
	r.fillLive(size, column(colLatest), column(colMarker))
	if key.Skipped {
		i := slices.IndexFunc(r.known, func(k knownGroup) bool { return k.index == in.Group.Index })
		b.known, b.prefix = true, r.known[i].prefix
	} else {
		r.fillKeys(key)
	}
	if etag := column(colETag); etag != nil {
		r.fillETags(etag)
	}
	b.sizes = size.Int64
	r.modified = r.modified[:0]
	for i, s := range modified.Seconds {
		r.modified = append(r.modified, millis(s, modified.Nanos[i]))
	}
	b.modified = r.modified
	if !key.Skipped && key.Present != nil || modified.Present != nil {
		for i := range in.Rows {
			if (b.live == nil || b.live[i]) && (!key.Skipped && key.IsNull(i) || modified.IsNull(i)) {
				return fmt.Errorf("row %d has a size but no key or no time", in.FirstRow+int64(i))
			}
		}
	}
	if err := r.checkBucket(column(colBucket), w.shared.bucket); err != nil {
		return err
	}
	return r.fillKinds(in, w)
}

// millis is a time in Unix milliseconds, rounded down; math.MinInt64, which no
// plan can hold, where that does not fit.
func millis(seconds int64, nanos int32) int64 {
	if seconds < firstMilli/1000 || seconds > lastMilli/1000 {
		return impossibleMilli
	}
	return seconds*1000 + int64(nanos)/1e6
}

// fillLive marks the rows that are no live objects.
func (r *orcReader) fillLive(size, latest, marker *orc.Vector) {
	if size.Present == nil && (latest == nil || latest.Constant && boolAt(latest, 0, true)) && (marker == nil || marker.Constant && !boolAt(marker, 0, false)) {
		return
	}
	r.live = r.live[:0]
	all := true
	for i := range r.batch.rows {
		l := isLive(boolAt(latest, i, true), boolAt(marker, i, false), !size.IsNull(i))
		r.live = append(r.live, l)
		all = all && l
	}
	if !all {
		r.batch.live = r.live
	}
}

// boolAt is the value of a row; byDefault where the report has no such column
// or the row no value.
func boolAt(v *orc.Vector, i int, byDefault bool) bool {
	if v == nil || v.IsNull(i) {
		return byDefault
	}
	return v.Bool[i]
}

// fillKeys sets the keys: as they lie in the reader's memory, unless that is a
// dictionary.
func (r *orcReader) fillKeys(key *orc.Vector) {
	b := &r.batch
	if !key.Dictionary {
		b.keys, b.start, b.ends = key.Data, key.Offsets[0], key.Offsets[1:]
		return
	}
	r.keys, r.ends = r.keys[:0], r.ends[:0]
	for i := range b.rows {
		r.keys = append(r.keys, key.Bytes(i)...)
		r.ends = append(r.ends, uint32(len(r.keys)))
	}
	b.keys, b.ends = r.keys, r.ends
}

func (r *orcReader) fillETags(etag *orc.Vector) {
	r.etags, r.etagEnds = r.etags[:0], r.etagEnds[:0]
	for i := range r.batch.rows {
		r.etags = append(r.etags, etag.Bytes(i)...)
		r.etagEnds = append(r.etagEnds, uint32(len(r.etags)))
	}
	r.batch.etags, r.batch.etagEnds = r.etags, r.etagEnds
}
