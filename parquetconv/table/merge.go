package table

import "bytes"

// merger merges the runs of a partition, whose rows are sorted, into one. It
// holds the keys of one piece of each.
type merger struct {
	spill     *spool
	columns   int // of chunks; the last one has the keys
	cursors   []*cursor
	heap      []*cursor // those that have rows left, the least first
	remaining int
}

type cursor struct {
	id      int
	pieces  []piece
	current piece
	keys    vector
	row     int // of the current piece
	prefix  uint64
	key     []byte

	taken []piece // since the last window
	from  int     // row of the current piece that is not in taken
	count int     // rows since the last window
}

// newMerger begins with the first rows of all runs. Equal rows come in the order
// of their runs.
func newMerger(spill *spool, columns int, pieces []piece) (*merger, error) {
	m := &merger{spill: spill, columns: columns}
	for i, p := range pieces {
		m.remaining += p.rows
		if i == 0 || p.run != pieces[i-1].run {
			m.cursors = append(m.cursors, &cursor{id: len(m.cursors)})
		}
		c := m.cursors[len(m.cursors)-1]
		c.pieces = append(c.pieces, p)
	}
	for _, c := range m.cursors {
		if err := m.open(c); err != nil {
			return nil, err
		}
		m.heap = append(m.heap, c)
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m, nil
}

// open goes to the cursor's next piece.
func (m *merger) open(c *cursor) error {
	c.current, c.pieces = c.pieces[0], c.pieces[1:]
	s, err := c.current.open(m.spill, m.columns)
	if err != nil {
		return err
	}
	if c.keys, err = s.column(nil, m.spill, &keyLayout, m.columns-1); err != nil {
		return err
	}
	c.row, c.from = 0, 0
	c.prefix, c.key = c.keys.key(0)
	return nil
}

// advance goes to the cursor's next row; there is none if it is done.
func (m *merger) advance(c *cursor) (done bool, err error) {
	c.row++
	c.count++
	if c.row < c.current.rows {
		c.prefix, c.key = c.keys.key(c.row)
		return false, nil
	}
	c.take()
	if len(c.pieces) == 0 {
		return true, nil
	}
	return false, m.open(c)
}

// take notes the rows of the current piece that were gone over.
func (c *cursor) take() {
	if c.row > c.from {
		c.taken = append(c.taken, c.current.part(c.from, c.row))
		c.from = c.row
	}
}

// part is some of a piece's rows.
func (p piece) part(from, to int) piece {
	out := p
	out.start, out.rows = p.start+from, to-from
	out.bytes = p.bytes * int64(to-from) / int64(p.rows)
	return out
}

// next is the next n rows, or as many as there are: pieces, and the order of
// their rows when they are put one behind the other.
func (m *merger) next(n int) (pieces []piece, order []int32, err error) {
	n = min(n, m.remaining)
	m.remaining -= n
	picks := make([]int32, n)
	for i := range picks {
		c := m.heap[0]
		picks[i] = int32(c.id)
		done, err := m.advance(c)
		if err != nil {
			return nil, nil, err
		}
		if done {
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		}
		m.down(0)
	}
	at := make([]int32, len(m.cursors))
	base := 0
	for i, c := range m.cursors {
		c.take()
		pieces = append(pieces, c.taken...)
		at[i] = int32(base)
		base += c.count
		c.taken, c.count = nil, 0
	}
	for i, id := range picks {
		picks[i] = at[id]
		at[id]++
	}
	return pieces, picks, nil
}

// down restores the heap below i.
func (m *merger) down(i int) {
	for {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(m.heap) && m.heap[child].less(m.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

func (c *cursor) less(other *cursor) bool {
	if c.prefix != other.prefix {
		return c.prefix < other.prefix
	}
	if order := bytes.Compare(c.key, other.key); order != 0 {
		return order < 0
	}
	return c.id < other.id
}
