package orc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Open begins to read a span. Before any value is read, choose, unless nil, is shown each row group of the span with its
// statistics, and may set skip[i] to leave column i (in the order in which they were named) unread in that row group. What it
// is shown is valid until the next call of Open. A column is skipped as a whole where no row group needs it.
//
// Where choose is nil and the span a whole stripe, the row index is not read, and need not exist.
func (r *Reader) Open(ctx context.Context, span Span, choose func(g RowGroup, skip []bool)) error {
	r.err = errNotOpen
	if span.Stripe < 0 || span.Stripe >= r.file.NumStripes() || span.From < 0 || span.From > span.To ||
		span.To > r.file.RowGroups(span.Stripe) {
		return fmt.Errorf("orc: the file has no row groups [%d, %d) in a stripe %d", span.From, span.To, span.Stripe)
	}
	if err := r.open(ctx, span, choose); err != nil {
		return fmt.Errorf("orc: stripe %d: %w", span.Stripe, err)
	}
	r.err = nil
	return nil
}

func (r *Reader) open(ctx context.Context, span Span, choose func(g RowGroup, skip []bool)) error {
	r.span, r.begun, r.left = span, false, 0
	groups := r.file.RowGroups(span.Stripe)
	if r.stripe != span.Stripe {
		r.stripe = -1
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.openStripe(span.Stripe); err != nil {
			return err
		}
		r.stripe = span.Stripe
	}
	if choose != nil || span.To-span.From < groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.readIndexes(groups); err != nil {
			return err
		}
	}
	if err := r.choose(choose); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.readData(groups)
}

// openStripe reads the footer of a stripe and sets up the columns for it. A small stripe is read whole.
func (r *Reader) openStripe(i int) error {
	s := r.file.tail.stripes[i]
	at := s.OffsetBytes + s.IndexBytes + s.DataBytes
	footer := byteRange{at, at + s.FooterBytes}
	r.small.segments, r.hasIndex = r.small.segments[:0], false
	from := &r.footers
	if footer.end-s.OffsetBytes <= smallStripeBytes && len(r.columns) > 0 {
		footer.offset, from = s.OffsetBytes, &r.small
	}
	r.ranges = append(r.ranges[:0], footer)
	if err := from.read(r.file, r.ranges); err != nil {
		return fmt.Errorf("stripe footer: %w", err)
	}
	b, err := r.decompressor.decompress(&r.memory, from.find(at, s.FooterBytes), maxTailBytes)
	if err == nil {
		err = r.footer.parse(b, s, len(r.file.tail.types))
	}
	if err != nil {
		return fmt.Errorf("stripe footer: %w", err)
	}
	if r.stats, err = r.file.stripeStatistics(r.stats, i, r.columns); err != nil {
		return err
	}
	return r.setUp()
}

// setUp prepares the columns for the stripe of the present footer.
func (r *Reader) setUp() error {
	zone, zoneErr := writerZone(r.footer.writerTimezone, r.zone)
	r.utc = zone == time.UTC
	for id, c := range r.byID {
		if c == nil {
			continue
		}
		if err := c.setUp(r.footer.encodings[id]); err != nil {
			return named(c, err)
		}
		switch c.info.kind {
		case KindTimestamp:
			if zoneErr != nil {
				return named(c, zoneErr)
			}
			c.zone, c.base = zone, time.Date(2015, 1, 1, 0, 0, 0, 0, zone).Unix()
		case KindTimestampInstant:
			c.zone, c.base = time.UTC, time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		}
	}
	for _, info := range r.footer.streams {
		c := r.byID[info.column]
		if c == nil || info.kind >= streamKinds {
			continue
		}
		s := c.streamOf(info.kind)
		if s == nil {
			continue
		}
		if s.exists {
			return named(c, fmt.Errorf("it has two %v streams", info.kind))
		}
		s.exists, s.kind, s.decompressor = true, info.kind, r.decompressor
		s.src.file, s.src.held = r.file, append(s.src.held[:0], &r.small, &r.data)
		s.src.start, s.src.end = info.offsetBytes, info.offsetBytes+info.sizeBytes
		c.streams = append(c.streams, s)
	}
	return nil
}

// readIndexes reads the row indexes of the wanted columns, as far as the stripe has them.
func (r *Reader) readIndexes(groups int) error {
	if r.hasIndex {
		return nil
	}
	wanted := func(visit func(c *column, info streamInfo) error) error {
		for _, info := range r.footer.streams {
			c := r.byID[info.column]
			if c == nil || info.kind != streamRowIndex || c == r.root && !c.present.bytes.exists {
				continue
			}
			if err := visit(c, info); err != nil {
				return named(c, fmt.Errorf("row index: %w", err))
			}
		}
		return nil
	}
	r.ranges = r.ranges[:0]
	_ = wanted(func(_ *column, info streamInfo) error {
		if r.small.find(info.offsetBytes, info.sizeBytes) == nil {
			r.ranges = append(r.ranges, byteRange{info.offsetBytes, info.offsetBytes + info.sizeBytes})
		}
		return nil
	})
	if err := r.indexes.read(r.file, r.ranges); err != nil {
		return fmt.Errorf("row index: %w", err)
	}
	for _, c := range r.byID {
		if c != nil {
			c.hasIndex = false // it may be there from an attempt that failed
		}
	}
	err := wanted(func(c *column, info streamInfo) error {
		if c.hasIndex {
			return errors.New("there are two")
		}
		b := r.small.find(info.offsetBytes, info.sizeBytes)
		if b == nil {
			b = r.indexes.find(info.offsetBytes, info.sizeBytes)
		}
		return c.parseIndex(r, b, groups)
	})
	if err != nil {
		return err
	}
	if err := r.checkLevels(); err != nil {
		return err
	}
	r.hasIndex = true
	return nil
}

// parseIndex decodes the column's row index and gives its streams their positions.
func (c *column) parseIndex(r *Reader, stored []byte, groups int) error {
	b, err := r.decompressor.decompress(&c.index.memory, stored, maxTailBytes)
	if err != nil {
		return err
	}
	if err := c.index.parse(b, c.info.kind, groups); err != nil {
		return err
	}
	for g := range c.index.statistics {
		s := &c.index.statistics[g]
		r.file.tail.writer.strip(s, c.info.kind)
		if rows := r.file.rowGroup(r.span.Stripe, g).Rows; s.Values > rows {
			return fmt.Errorf("row group %d has %d values in %d rows", g, s.Values, rows)
		}
	}
	streams := make([]indexed, 0, 3)
	for _, reader := range c.readers {
		if x := reader.indexed(); x.stream != &c.present.bytes.stream || x.stream.exists {
			streams = append(streams, x)
		}
	}
	if err := c.index.distribute(streams, r.decompressor.kind != compressionNone); err != nil {
		return err
	}
	c.hasIndex = true
	return c.checkBits(r)
}

// checkBits checks in which bit of a byte the row groups begin in streams of booleans. It follows from the number of rows and
// of values before, and nothing else would tell where a stream ends within its last byte.
func (c *column) checkBits(r *Reader) error {
	rootNulls := r.root != nil && r.root != c && r.root.present.bytes.exists
	values, known := int64(0), true
	for g := range c.index.statistics {
		row := r.file.rowGroup(r.span.Stripe, g).FirstRow
		present, data := &c.present.bytes.stream, &c.bits.bytes.stream
		if present.exists && !rootNulls && int64(present.positions[g].bits) != row%8 ||
			data.exists && known && int64(data.positions[g].bits) != values%8 {
			return fmt.Errorf("row group %d is said to begin in another bit than that of its first row", g)
		}
		known = known && c.index.statistics[g].Known
		values += c.index.statistics[g].Values
	}
	return nil
}

// choose asks which columns may be left unread in which row groups of the span.
func (r *Reader) choose(choose func(g RowGroup, skip []bool)) error {
	n := (r.span.To - r.span.From) * len(r.columns)
	r.skips = resize(r.skips, n)
	r.described = resize(r.described, n)
	clear(r.skips)
	clear(r.described)
	for g := r.span.From; g < r.span.To; g++ {
		group := r.describe(g)
		if !r.hasIndex {
			continue
		}
		for i, c := range r.columns {
			group.Statistics[i] = r.levels[i].trusted(r, c, g)
		}
		if choose != nil {
			choose(group, r.skip(g))
		}
	}
	return nil
}

// describe returns the row group g of the span.
func (r *Reader) describe(g int) RowGroup {
	group := r.file.rowGroup(r.span.Stripe, g)
	from := (g - r.span.From) * len(r.columns)
	group.Statistics = r.described[from : from+len(r.columns) : from+len(r.columns)]
	return group
}

// skip tells which columns are not to be read in row group g of the span.
func (r *Reader) skip(g int) []bool {
	from := (g - r.span.From) * len(r.columns)
	return r.skips[from : from+len(r.columns) : from+len(r.columns)]
}
