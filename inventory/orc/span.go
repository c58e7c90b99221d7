package orc

// Span is the unit of parallel work: the row groups [From, To) of one stripe. Readers of one [File] may read different spans
// of a stripe at the same time.
type Span struct {
	Stripe   int
	From, To int
}

// RowGroup describes one row group, the rows that an entry of the row index stands for (specification, "Row Index").
type RowGroup struct {
	Stripe int
	// Index is the number of the row group in its stripe.
	Index int
	// FirstRow is the number of the group's first row in its stripe.
	FirstRow int64
	Rows     int64
	// Statistics are those of the Reader's columns, in the order in which they were named.
	Statistics []Statistics
}

// RowGroups returns the number of row groups of a stripe, which must be in [0, NumStripes). A stripe without a row index is
// one row group, a stripe without rows is none.
func (f *File) RowGroups(stripe int) int {
	rows := f.tail.stripes[stripe].Rows
	return int((rows + f.groupRows(stripe) - 1) / f.groupRows(stripe))
}

// groupRows is the number of rows of each row group of a stripe but the last.
func (f *File) groupRows(stripe int) int64 {
	s := f.tail.stripes[stripe]
	if f.tail.rowIndexStride > 0 && s.IndexBytes > 0 {
		return f.tail.rowIndexStride
	}
	return max(1, s.Rows)
}

// rowGroup describes row group g of a stripe, without statistics.
func (f *File) rowGroup(stripe, g int) RowGroup {
	first := int64(g) * f.groupRows(stripe)
	return RowGroup{
		Stripe:   stripe,
		Index:    g,
		FirstRow: first,
		Rows:     min(f.groupRows(stripe), f.tail.stripes[stripe].Rows-first),
	}
}
