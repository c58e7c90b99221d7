package orcwrite

// indexer makes the row index of one column.
type indexer struct {
	w       *Writer
	kind    Kind
	rows    int
	column  *Column
	entryOf [][]uint64 // positions by row group
	values  []int      // by row group: values before its first row
}

func newIndexer(w *Writer, kind Kind, rows int, c *Column) *indexer {
	x := &indexer{w: w, kind: kind, rows: rows, column: c}
	if w.stride == 0 {
		return x
	}
	values := 0
	for row := range rows {
		if row%w.stride == 0 {
			x.entryOf = append(x.entryOf, nil)
			x.values = append(x.values, values)
		}
		if c.present(row) {
			values++
		}
	}
	return x
}

// add notes where the row groups begin in a stream, whose blocks, if it is
// compressed, begin at starts.
func (x *indexer) add(s *stream, starts []int) {
	if !s.index {
		return
	}
	for g := range x.entryOf {
		if s.unit == unitValueBytes {
			offset := 0
			for _, n := range s.ends[:x.values[g]] {
				offset += int(n)
			}
			x.addOffset(g, offset, starts)
			continue
		}
		n := x.values[g]
		bits := -1
		switch s.unit {
		case unitRowBits:
			n = g * x.w.stride
			n, bits = n/8, n%8
		case unitValueBits:
			n, bits = n/8, n%8
		}
		r := x.runBefore(s.runs, n)
		x.addOffset(g, r.offset, starts)
		x.entryOf[g] = append(x.entryOf[g], uint64(n-r.value))
		if bits >= 0 {
			x.entryOf[g] = append(x.entryOf[g], uint64(bits))
		}
	}
}

// runBefore is the run in which value n lies, or an earlier one.
func (x *indexer) runBefore(runs []run, n int) run {
	i := len(runs) - 1
	for runs[i].value > n {
		i--
	}
	if x.w.early && i > 0 && n-runs[i-1].value <= maxRun {
		i--
	}
	return runs[i]
}

func (x *indexer) addOffset(g, offset int, starts []int) {
	if x.w.block.kind == None {
		x.entryOf[g] = append(x.entryOf[g], uint64(offset))
		return
	}
	block, rest := offset/x.w.block.size, offset%x.w.block.size
	if x.w.early && rest == 0 && block > 0 {
		block, rest = block-1, x.w.block.size
	}
	at := 0
	if block < len(starts) {
		at = starts[block]
	}
	x.entryOf[g] = append(x.entryOf[g], uint64(at), uint64(rest))
}

// entries is the row index.
func (x *indexer) entries() []byte {
	var b []byte
	for g, positions := range x.entryOf {
		s := columnStatistics(x.kind, g*x.w.stride, min(x.rows, (g+1)*x.w.stride), x.column)
		m := appendPacked(nil, 1, positions)
		b = appendMessage(b, 1, appendMessage(m, 2, s.message()))
	}
	return b
}

// rootIndex is the row index of the root, which has no streams.
func (w *Writer) rootIndex(rows int) []byte {
	var b []byte
	for from := 0; from < rows; from += w.stride {
		b = appendMessage(b, 1, appendMessage(nil, 2, rootStatistics(uint64(min(w.stride, rows-from)))))
	}
	return b
}
