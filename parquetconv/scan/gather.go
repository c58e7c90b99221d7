package scan

import (
	"fmt"
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// gathered is the block at hand, and what becomes of the row that is read.
type gathered struct {
	options  Options
	columns  []*column
	required []*column
	seed     maphash.Seed
	rowWidth int // bytes that a row takes in the columns beside its text

	source int   // of the text at hand
	offset int64 // of the next byte of text in the source
	block  Block

	// What is known of the row at hand.
	reject *Reject // the first value that rejects the row
	fail   *FailError
	bad    []int // columns whose value became null
	filled int   // columns that have a value or null
}

func newGathered(o Options) gathered { return gathered{options: o, seed: maphash.MakeSeed()} }

func (g *gathered) newColumn(from Column, index int) (*column, error) {
	c := &column{index: index, name: from.Name, typ: from.Type, kind: from.Type.Kind, time: from.Time, onBad: from.OnBad}
	if c.onBad == "" {
		c.onBad = schema.OnBadNull
	}
	if err := checkTime(from.Time, from.Type); err != nil {
		return nil, fmt.Errorf("scan: column %q: %w", from.Name, err)
	}
	if len(from.Path) == 0 && !from.Extra {
		return nil, fmt.Errorf("scan: column %q has no path", from.Name)
	}
	return c, nil
}

func (g *gathered) addColumn(c *column, required bool) {
	g.columns = append(g.columns, c)
	g.rowWidth += c.width()
	if required {
		g.required = append(g.required, c)
	}
}

// begin is called when all columns are there.
func (g *gathered) begin() { g.block.BadValues = make([]int64, len(g.columns)) }

// Begin says that the text that comes next is that of another source, from its
// byte at an offset. source is a number of the caller's choice, which blocks
// repeat: a block may hold rows of several sources.
func (g *gathered) Begin(source int, offset int64) {
	g.source, g.offset = source, offset
	if n := len(g.block.Sources); n > 0 && g.block.Sources[n-1].FirstRow == g.block.Rows && g.block.Sources[n-1].FirstReject == len(g.block.Rejects) {
		g.block.Sources = g.block.Sources[:n-1] // it had nothing in this block
	}
	g.beginRun()
}

func (g *gathered) beginRun() {
	g.block.Sources = append(g.block.Sources, SourceRows{Source: g.source, FirstRow: g.block.Rows, FirstReject: len(g.block.Rejects)})
}

// rejectBytes is about what a reject takes beside its text.
const rejectBytes = 256

// Full says that the block is to be taken before more text is read.
func (g *gathered) Full() bool {
	rows, rejects := g.block.Rows, len(g.block.Rejects)
	return rows+rejects >= g.options.BlockRows || int(g.block.TextBytes)+rows*g.rowWidth+rejects*rejectBytes >= g.options.BlockBytes
}

// Empty says that no row was read since the last block was taken.
func (g *gathered) Empty() bool { return g.block.RowsIn == 0 }

// Take returns the block and begins the next one.
func (g *gathered) Take() *Block {
	out := g.block
	out.Columns = make([]arrow.Array, len(g.columns))
	out.Dictionaries = make([]int, len(g.columns))
	for i, c := range g.columns {
		out.SizeBytes += c.sizeBytes()
		out.Columns[i], out.Dictionaries[i] = c.take(g.options.BlockRows)
	}
	g.block = Block{BadValues: make([]int64, len(g.columns)), texts: out.texts[:0], textEnds: out.textEnds[:0]}
	g.beginRun()
	return &out
}

// badValue applies a column's on_bad; the caller puts a null in its place.
func (g *gathered) badValue(c *column, bad *value.Bad) {
	switch c.onBad {
	case schema.OnBadReject:
		g.setReject(Reject{Column: c.name, Reason: bad.Reason, Detail: bad.Detail})
	case schema.OnBadFail:
		if g.fail == nil {
			g.fail = &FailError{Column: c.name, Bad: bad}
		}
	default:
		g.bad = append(g.bad, c.index)
	}
}

// setReject keeps the first reason why the row is rejected.
func (g *gathered) setReject(r Reject) {
	if g.reject == nil {
		g.reject = &r
	}
}

// addReject records that the row text[start:end] is not loaded, and takes back
// what of it is in the columns.
func (g *gathered) addReject(r Reject, text []byte, start, end int) {
	g.rollback()
	r.Offset = g.offset + int64(start)
	r.FaultAt = max(r.FaultAt, r.Offset)
	r.Raw = append([]byte(nil), cutText(text[start:end], MaxRawBytes)...)
	g.block.RowsIn++
	g.block.TextBytes += int64(end - start)
	g.block.Rejects = append(g.block.Rejects, r)
}

func (g *gathered) rollback() {
	for _, c := range g.columns {
		c.truncate(g.block.Rows)
	}
	g.reject, g.fail = nil, nil
}

// commit adds the row text[start:end], whose values are in the columns.
func (g *gathered) commit(text []byte, start, end int) {
	b := &g.block
	for _, c := range g.bad {
		b.BadValues[c]++
	}
	b.Offsets = append(b.Offsets, g.offset+int64(start))
	b.Lengths = append(b.Lengths, int32(end-start))
	if g.options.KeepTexts {
		b.texts = append(b.texts, cutText(text[start:end], MaxRawBytes)...)
		b.textEnds = append(b.textEnds, int32(len(b.texts)))
	}
	b.TextBytes += int64(end - start)
	b.RowsIn++
	b.Rows++
}

// failure is the error of the row at start, whose column says on_bad: fail.
func (g *gathered) failure(start int) error {
	fail := g.fail
	fail.Source, fail.Offset = g.source, g.offset+int64(start)
	g.rollback()
	return fail
}

// finish fills in what the row text[start:end] does not have, and commits it.
func (g *gathered) finish(text []byte, start, end int) {
	if g.filled < len(g.columns) {
		for _, c := range g.columns {
			if c.n == g.block.Rows {
				c.addNull()
			}
		}
	}
	for _, c := range g.required {
		if c.lastIsNull() {
			g.addReject(Reject{Column: c.name, Reason: ReasonMissing, Detail: "a required value is missing or null"}, text, start, end)
			return
		}
	}
	g.commit(text, start, end)
}
