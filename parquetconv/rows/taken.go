package rows

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/expr"
	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/table"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// taken is a scanned block on its way to a Block.
type taken struct {
	*Decoder
	in      *scan.Block
	batch   expr.Batch // the schema's columns
	numbers []int      // of the columns' dictionaries
	bad     []int64

	levels  []level     // of the partitions
	rejects []rowReject // of scanned rows
	fail    *FailError  // of the first row that has one
	failRow int
}

// rowReject is why a scanned row is rejected.
type rowReject struct {
	row                    int
	column, reason, detail string
}

func (t *taken) block() (*Block, error) {
	n := len(t.schema.Columns)
	t.batch = expr.Batch{Rows: t.in.Rows, Columns: make([]arrow.Array, n)}
	t.numbers, t.bad = make([]int, n), make([]int64, n)
	for k, i := range t.scanned {
		t.batch.Columns[i], t.numbers[i], t.bad[i] = t.in.Columns[k], t.in.Dictionaries[k], t.in.BadValues[k]
	}
	for i, c := range t.schema.Columns {
		switch {
		case c.Pseudo != schema.NoPseudo:
			t.batch.Columns[i], t.numbers[i] = t.pseudo(c.Pseudo)
		case c.Expr != nil:
			t.derive(i)
		}
	}
	if t.fail != nil {
		return nil, t.fail
	}
	t.partition()
	t.rejectLongPaths()
	t.orderRejects()
	return t.finish()
}

// derive computes a column from those before it.
func (t *taken) derive(i int) {
	c := &t.schema.Columns[i]
	a, faults := c.Expr.Eval(&t.batch)
	// A column by another name keeps its dictionary.
	if same := slices.Index(t.batch.Columns, a); same >= 0 {
		t.numbers[i] = t.numbers[same]
	}
	t.batch.Columns[i] = a
	for _, f := range faults {
		switch c.OnBad {
		case schema.OnBadReject:
			t.rejects = append(t.rejects, rowReject{f.Row, c.Name, f.Bad.Reason, f.Bad.Detail})
		case schema.OnBadFail:
			t.failed(f.Row, c.Name, f.Bad)
		default:
			t.bad[i]++
		}
	}
	if !c.Required || a.NullN() == 0 {
		return
	}
	for row := range a.Len() {
		if a.IsNull(row) {
			t.rejects = append(t.rejects, rowReject{row, c.Name, scan.ReasonMissing, "a required value is missing or null"})
		}
	}
}

// failed keeps the failure of the first row.
func (t *taken) failed(row int, column string, bad *value.Bad) {
	if t.fail != nil && t.failRow <= row {
		return
	}
	run := t.in.Sources[0]
	for _, r := range t.in.Sources {
		if r.FirstRow <= row {
			run = r
		}
	}
	t.failRow = row
	t.fail = &FailError{Source: t.source(run.Source).number, Offset: t.in.Offsets[row], Column: column, Bad: bad}
}

// partition computes the values to partition by.
func (t *taken) partition() {
	t.levels = make([]level, len(t.schema.Partitions))
	for i := range t.schema.Partitions {
		p := &t.schema.Partitions[i]
		a, faults := p.Expr.Eval(&t.batch)
		for _, f := range faults {
			t.rejects = append(t.rejects, rowReject{f.Row, p.Name, f.Bad.Reason, f.Bad.Detail})
		}
		l := &t.levels[i]
		l.read(p, a)
		if l.longest <= maxSegmentBytes {
			continue
		}
		for row, id := range l.ids {
			if n := len(l.segments[id]); n > maxSegmentBytes {
				t.rejects = append(t.rejects, rowReject{row, p.Name, scan.ReasonTooLong, fmt.Sprintf("the partition's folder would have a name of %d bytes", n)})
			}
		}
	}
}

// rejectLongPaths rejects rows whose partition's path the table's place does not
// take, though it takes each of its folders.
func (t *taken) rejectLongPaths() {
	most, longest := t.options.MaxPathBytes, len(t.levels)-1
	for i := range t.levels {
		longest += t.levels[i].longest
	}
	if most == 0 || longest <= most {
		return
	}
	last := t.schema.Partitions[len(t.levels)-1].Name
	for row := range t.in.Rows {
		n := len(t.levels) - 1
		for i := range t.levels {
			l := &t.levels[i]
			n += len(l.segments[l.ids[row]])
		}
		if n > most {
			t.rejects = append(t.rejects, rowReject{row, last, scan.ReasonTooLong, fmt.Sprintf("the partition's path would have %d bytes, where the table's place takes %d", n, most)})
		}
	}
}

// orderRejects puts the rejects in the order of their rows, and keeps the first
// one of each.
func (t *taken) orderRejects() {
	slices.SortStableFunc(t.rejects, func(a, b rowReject) int { return a.row - b.row })
	t.rejects = slices.CompactFunc(t.rejects, func(a, b rowReject) bool { return a.row == b.row })
}

// finish takes the rejected rows out.
func (t *taken) finish() (*Block, error) {
	out := &Block{RowsIn: t.in.RowsIn, BadValues: t.bad}
	out.Block = table.Block{Rows: t.in.Rows - len(t.rejects), Producer: t.options.Producer}
	stay := t.stay()
	for _, i := range t.stored {
		a := t.batch.Columns[i]
		if len(t.rejects) > 0 {
			var err error
			if a, err = kept(a, stay); err != nil {
				return nil, fmt.Errorf("take rejected rows out of column %q: %w", t.schema.Columns[i].Name, err)
			}
		}
		out.Columns = append(out.Columns, a)
		out.Dictionaries = append(out.Dictionaries, t.numbers[i])
	}
	out.Partitions, out.Partition = paths(t.levels, stay, out.Rows)
	t.account(out)
	return out, nil
}

// end is where a run of rows and rejects of one source ends.
func (t *taken) end(run int) (row, reject int) {
	if run+1 < len(t.in.Sources) {
		return t.in.Sources[run+1].FirstRow, t.in.Sources[run+1].FirstReject
	}
	return t.in.Rows, len(t.in.Rejects)
}

// account fills in the block's sources and rejects.
func (t *taken) account(out *Block) {
	rest := t.rejects
	for i, run := range t.in.Sources {
		endRow, endReject := t.end(i)
		scanned := t.in.Rejects[run.FirstReject:endReject]
		if endRow == run.FirstRow && len(scanned) == 0 {
			continue
		}
		n := len(out.Rejects)
		for len(rest) > 0 && rest[0].row < endRow {
			r := rest[0]
			rest = rest[1:]
			at := t.in.Offsets[r.row]
			for len(scanned) > 0 && scanned[0].Offset < at {
				out.Rejects = append(out.Rejects, scanned[0])
				scanned = scanned[1:]
			}
			out.Rejects = append(out.Rejects, Reject{Offset: at, FaultAt: at, Column: r.column, Reason: r.reason, Detail: r.detail, Raw: slices.Clone(t.in.Text(r.row))})
		}
		out.Rejects = append(out.Rejects, scanned...)
		in := int64(endRow - run.FirstRow + endReject - run.FirstReject)
		rejects := len(out.Rejects) - n
		out.Sources = append(out.Sources, SourceRows{Source: t.source(run.Source).number, RowsIn: in, Rows: int(in) - rejects, Rejects: rejects})
	}
}
