package table

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// Rows of many partitions come a few of each in a block. Blocks wait, as long
// as a partition gets fewer than pieceRows rows of them on average, and are
// gathered as one segment, so that partitions have few pieces to put together.
const (
	pieceRows       = 128
	maxWaiting      = 16       // blocks
	maxWaitingBytes = 32 << 20 // of their columns
)

// waiting is blocks that are not gathered yet.
type waiting struct {
	blocks     []*Block
	rows       int
	partitions int   // that a block names, at most
	bytes      int64 // of the columns, about
}

func (g *waiting) add(b *Block, bytes int64) {
	g.blocks = append(g.blocks, b)
	g.rows += b.Rows
	g.partitions = max(g.partitions, len(b.Partitions))
	g.bytes += bytes
}

// enough says that the blocks are to be gathered.
func (g *waiting) enough() bool {
	return g.rows >= pieceRows*g.partitions || len(g.blocks) == maxWaiting
}

// sizeBytes is about what the columns of a block take in memory.
func sizeBytes(b *Block) int64 {
	total := int64(0)
	for _, column := range b.Columns {
		total += dataBytes(column.Data())
	}
	return total
}

func dataBytes(d arrow.ArrayData) int64 {
	total := int64(0)
	for _, buffer := range d.Buffers() {
		if buffer != nil {
			total += int64(buffer.Len())
		}
	}
	for _, child := range d.Children() {
		total += dataBytes(child)
	}
	return total
}

// merged is the partitions of several blocks: which of all paths each row of
// each block is of.
type merged struct {
	paths []string
	rows  []int32 // of all blocks, one behind the other: indexes of paths
}

func mergePartitions(blocks []*Block) merged {
	if len(blocks) == 1 {
		return merged{blocks[0].Partitions, blocks[0].Partition}
	}
	var m merged
	known := map[string]int32{}
	for _, b := range blocks {
		to := make([]int32, len(b.Partitions))
		for i, path := range b.Partitions {
			at, ok := known[path]
			if !ok {
				at = int32(len(m.paths))
				known[path] = at
				m.paths = append(m.paths, path)
			}
			to[i] = at
		}
		for _, p := range b.Partition {
			m.rows = append(m.rows, to[p])
		}
	}
	return m
}

// order orders the rows by partition; order is nil where they all are of one.
// The rows of partition i begin at starts[i].
func (m *merged) order() (order, starts []int32) {
	starts = make([]int32, len(m.paths)+1)
	for _, p := range m.rows {
		starts[p+1]++
	}
	one := false
	for i := range m.paths {
		one = one || int(starts[i+1]) == len(m.rows)
		starts[i+1] += starts[i]
	}
	if one {
		return nil, starts
	}
	next := slices.Clone(starts)
	order = make([]int32, len(m.rows))
	for row, p := range m.rows {
		order[next[p]] = int32(row)
		next[p]++
	}
	return order, starts
}

// joined is a column of several blocks as one vector, in an order; nil leaves
// the rows as they are.
func (c *columns) joined(i int, blocks []*Block, order []int32) (vector, error) {
	if len(blocks) == 1 {
		return c.vector(i, blocks[0].Columns[i], blocks[0], order)
	}
	l := &c.layouts[i]
	parts := make([]vector, len(blocks))
	coded := 0
	for k, b := range blocks {
		var err error
		if parts[k], err = c.vector(i, b.Columns[i], b, nil); err != nil {
			return vector{}, err
		}
		if parts[k].coded > 0 {
			coded++
		}
	}
	if coded > 0 && coded < len(parts) { // a segment's column has codes or text
		for k := range parts {
			if parts[k].coded > 0 {
				parts[k] = parts[k].expanded(c.dictionaries[i].entries)
			}
		}
	}
	if order == nil {
		return concat(l, nil, 0, parts), nil
	}
	c.arena.reset()
	v := concat(l, &c.arena, 0, parts)
	return v.gather(l, nil, order), nil
}

// expanded is a vector of codes of a dictionary as text.
func (v *vector) expanded(d entries) vector {
	out := vector{n: v.n, valid: v.valid, offsets: make([]int32, v.n+1)}
	codes := v.codes(nil)
	text := func(i int) []byte {
		if v.valid != nil && v.valid[i] == 0 {
			return nil
		}
		return d.text(codes[i])
	}
	total := 0
	for i := range codes {
		total += len(text(i))
		out.offsets[i+1] = int32(total)
	}
	out.data = make([]byte, 0, total)
	for i := range codes {
		out.data = append(out.data, text(i)...)
	}
	return out
}
