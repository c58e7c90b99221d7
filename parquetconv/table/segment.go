package table

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// segment is the rows of a block or several, ordered by partition, and within one
// as they came or, with SortBy, by their keys. All pieces of it must be written before
// its memory is free.
type segment struct {
	columns []vector
	bytes   int64
	live    atomic.Int64 // rows that are neither in a file nor spilled
}

// columns makes the vectors of blocks, and knows the columns' dictionaries.
type columns struct {
	layouts      []layout
	dictionaries []dictionary
	remaps       map[remapKey]*remap
	seed         maphash.Seed
	// dictionaryBytes is what all dictionaries may take; past it they are full.
	dictionaryBytes int64
	arena           arena // of a column of several blocks, until it is in order
}

// maxColumnBytes keeps offsets in 32 bits when the rows of a block come on top
// of a row group that is nearly full.
const maxColumnBytes = math.MaxInt32 / 2

// check refuses a block that is not what the schema says.
func (c *columns) check(b *Block) error {
	if len(b.Columns) != len(c.layouts) || len(b.Dictionaries) != len(c.layouts) {
		return fmt.Errorf("table: a block of %d columns and %d numbers of dictionaries, where the schema has %d columns", len(b.Columns), len(b.Dictionaries), len(c.layouts))
	}
	if len(b.Partition) != b.Rows {
		return fmt.Errorf("table: a block of %d rows tells the partitions of %d", b.Rows, len(b.Partition))
	}
	for _, p := range b.Partition {
		if uint(p) >= uint(len(b.Partitions)) {
			return fmt.Errorf("table: a row of a block is of partition %d, where the block names %d", p, len(b.Partitions))
		}
	}
	for i, column := range b.Columns {
		l := &c.layouts[i]
		t := column.DataType()
		if column.Len() != b.Rows {
			return fmt.Errorf("table: column %d of a block of %d rows has %d", i, b.Rows, column.Len())
		}
		if d, ok := t.(*arrow.DictionaryType); ok && l.kind == text {
			if d.IndexType.ID() != arrow.INT32 {
				return fmt.Errorf("table: column %d of a block has a dictionary with indices of type %s, not int32", i, d.IndexType)
			}
			t = d.ValueType
		}
		if !arrow.TypeEqual(t, l.typ) {
			return fmt.Errorf("table: column %d of a block is of type %s, not %s", i, t, l.typ)
		}
	}
	return nil
}

// segment gathers the rows of blocks in an order; nil leaves them as they are.
func (c *columns) segment(g *waiting, order []int32) (*segment, error) {
	s := &segment{columns: make([]vector, len(c.layouts), len(c.layouts)+1)}
	for i := range c.layouts {
		v, err := c.joined(i, g.blocks, order)
		if err != nil {
			return nil, fmt.Errorf("table: column %d of a block: %w", i, err)
		}
		size := v.sizeBytes(&c.layouts[i])
		if size > maxColumnBytes {
			return nil, fmt.Errorf("table: column %d of a block takes %d bytes, more than %d", i, size, maxColumnBytes)
		}
		s.columns[i] = v
		s.bytes += size
	}
	s.live.Store(int64(g.rows))
	return s, nil
}

func (c *columns) vector(i int, column arrow.Array, b *Block, order []int32) (vector, error) {
	l := &c.layouts[i]
	if d, ok := column.(*array.Dictionary); ok {
		v, err := c.codes(i, d, b, order)
		if err != nil {
			return v, err
		}
		if v.valid != nil && !l.nullable {
			return v, fmt.Errorf("a null in a column that has none by the schema")
		}
		return v, nil
	}
	v, err := vectorOf(l, column.Data())
	if err == nil && order != nil {
		v = v.gather(l, nil, order)
	}
	return v, err
}

// codes gathers a column of a dictionary as codes of the writer's, or as text
// where that is full.
func (c *columns) codes(i int, from *array.Dictionary, b *Block, order []int32) (vector, error) {
	indices := from.Indices().Data()
	n := indices.Len()
	codes := as[int32](bufferOf(indices, 1))
	if n > 0 {
		codes = codes[indices.Offset() : indices.Offset()+n]
	}
	valid := validOf(indices)
	source := entriesOf(from.Dictionary().Data())
	for at, code := range codes {
		if uint(code) >= uint(source.len()) && (valid == nil || valid[at] != 0) {
			return vector{}, fmt.Errorf("row %d has index %d of a dictionary of %d entries", at, code, source.len())
		}
	}
	if order == nil {
		order = identity(n)
	}
	table, ok := c.remap(i, from, source, b)
	if !ok {
		return textOf(codes, valid, order, source, from.Dictionary())
	}
	v := vector{n: n, coded: c.dictionaries[i].codeWidth(), base: noBase}
	v.fixed = aligned(n * v.coded)
	nullEntries := from.Dictionary().NullN() > 0
	if valid != nil || nullEntries {
		v.valid = make([]byte, n)
		// What stands at a null is not defined: 0, if there is such an entry.
		plain := make([]int32, n)
		for to, at := range order {
			if valid != nil && valid[at] == 0 {
				continue
			}
			if code := table[codes[at]]; code != noCode {
				plain[to], v.valid[to] = code, 1
			}
		}
		table, codes, order = nil, plain, nil
	}
	switch v.coded {
	case 1:
		translate(v.fixed, codes, table, order)
	case 2:
		translate(as[uint16](v.fixed), codes, table, order)
	default:
		translate(as[uint32](v.fixed), codes, table, order)
	}
	return v, nil
}

// translate gathers codes of a table, or copies them when there is none.
func translate[T uint8 | uint16 | uint32](to []T, codes, table, order []int32) {
	if table == nil {
		for i, code := range codes {
			to[i] = T(code)
		}
		return
	}
	to = to[:len(order)]
	for i, at := range order {
		to[i] = T(table[codes[at]])
	}
}

// remap gives the codes, in the writer's dictionary, of a block's dictionary.
func (c *columns) remap(i int, from *array.Dictionary, source entries, b *Block) ([]int32, bool) {
	d := &c.dictionaries[i]
	if d.full {
		return nil, false
	}
	values := from.Dictionary()
	before := d.sizeBytes()
	own := &remap{}
	known := own
	if number := b.Dictionaries[i]; number != 0 {
		key := remapKey{b.Producer, i}
		if known = c.remaps[key]; known == nil || known.number != number {
			known = &remap{number: number}
			c.remaps[key] = known
		}
	}
	var ok bool
	size := cap(known.codes)
	known.codes, ok = d.extend(known.codes, source, values.IsNull, c.seed)
	c.dictionaryBytes -= d.sizeBytes() - before
	if known != own {
		c.dictionaryBytes -= 4 * int64(cap(known.codes)-size)
	}
	if !ok || c.dictionaryBytes < 0 {
		d.full = true
	}
	return known.codes, ok
}

// textOf gathers the text of a dictionary's codes.
func textOf(codes []int32, valid []byte, order []int32, source entries, values arrow.Array) (vector, error) {
	v := vector{n: len(order), offsets: make([]int32, len(order)+1)}
	isNull := func(at int32) bool {
		return valid != nil && valid[at] == 0 || values.NullN() > 0 && values.IsNull(int(codes[at]))
	}
	total := int64(0)
	for i, at := range order {
		if isNull(at) {
			if v.valid == nil {
				v.valid = make([]byte, len(order))
				for j := range v.valid {
					v.valid[j] = 1
				}
			}
			v.valid[i] = 0
		} else {
			total += int64(source.offsets[codes[at]+1] - source.offsets[codes[at]])
		}
		if total > maxColumnBytes {
			return v, fmt.Errorf("its text takes more than %d bytes", maxColumnBytes)
		}
		v.offsets[i+1] = int32(total)
	}
	v.data = make([]byte, total)
	for i, at := range order {
		if v.offsets[i] != v.offsets[i+1] {
			copy(v.data[v.offsets[i]:], source.text(uint32(codes[at])))
		}
	}
	return v, nil
}

func identity(n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	return order
}
