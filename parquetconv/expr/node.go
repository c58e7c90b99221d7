package expr

import (
	"slices"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// node is an expression whose types are right.
type node struct {
	t        value.Type
	eval     func(*frame) vector // over all positions; null where it faults
	constant *vector             // of a constant
	number   string              // of a constant that was written as a number
	reads    []int               // slots, sorted
	isColumn bool                // nothing but the column of reads[0]
	certain  bool                // known to have no faults
	foldable bool                // computed from constants alone
	buckets  int                 // of bucket(n, x): n
}

// newNode is computed from operands.
func newNode(t value.Type, operands []*node, eval func(*frame) vector) *node {
	n := &node{t: t, eval: eval, foldable: true}
	for _, o := range operands {
		n.read(o.reads)
		n.foldable = n.foldable && o.constant != nil
	}
	return n
}

func (n *node) read(slots []int) {
	for _, s := range slots {
		if at, found := slices.BinarySearch(n.reads, s); !found {
			n.reads = slices.Insert(n.reads, at, s)
		}
	}
}

func constantNode(t value.Type, x value.Value) *node {
	v := constantVector(x, t.Kind)
	return &node{t: t, constant: &v, certain: true, eval: func(*frame) vector { return v }}
}

// literal is the value of a constant that is not null.
func (n *node) literal() (value.Value, bool) {
	if n.constant == nil || n.constant.null(0) {
		return value.NullValue, false
	}
	return n.constant.at(0, n.t.Kind), true
}

// retyped is the node as another type that its values have as they are.
func retyped(n *node, t value.Type) *node {
	c := *n
	c.t, c.isColumn, c.foldable = t, false, false
	return &c
}

// fold computes a node of constants once and for all, unless it faults: then
// each row that gets there has the fault.
func (c *checker) fold(n *node) *node {
	if !n.foldable {
		return n
	}
	s := &scratch{}
	f := &frame{n: 1, columns: make([]vector, len(c.slots)), loaded: make([]bool, len(c.slots)), scratch: s}
	v := f.plain(n.eval(f))
	if f.faulty(0) {
		return n
	}
	return constantNode(n.t, v.at(0, n.t.Kind))
}

// maxHeld is how many slices of scratch a node's operands may leave behind.
const maxHeld = 16

// run computes the node at a frame's positions.
func (n *node) run(f *frame) vector {
	f.preload(n)
	before := f.scratch.held()
	v := n.compute(f)
	if f.scratch.held().all()-before.all() > maxHeld {
		v = v.clone()
		f.scratch.release(before)
	}
	return v
}

// preload loads the columns that a node reads, so that they stay when what it
// takes of the scratch is given back.
func (f *frame) preload(n *node) {
	for _, slot := range n.reads {
		f.column(slot)
	}
}

// compute computes the node for each entry once where it is a function of one
// column that is a dictionary in the frame, else for each position.
func (n *node) compute(f *frame) vector {
	if len(n.reads) == 1 && !n.isColumn {
		if column := f.column(n.reads[0]); column.codes != nil {
			return f.byEntry(n, column)
		}
	}
	return n.eval(f)
}

// byEntry computes a node for the entries that a column's positions use; null
// is one of them.
func (f *frame) byEntry(n *node, column vector) vector {
	nullEntry := len(column.starts)
	place := f.scratch.offsets.zeroed(nullEntry + 1) // of an entry in the frame of entries, from 1
	codes := f.scratch.offsets.take(f.n)
	used := f.scratch.offsets.take(min(f.n, nullEntry+1))[:0]
	for i := range codes {
		entry := nullEntry
		if column.nulls == nil || !column.nulls[i] {
			entry = int(column.codes[i])
		}
		if place[entry] == 0 {
			used = append(used, int32(entry))
			place[entry] = int32(len(used))
		}
		codes[i] = place[entry] - 1
	}
	entries := vector{mask: -1, data: column.data, starts: f.scratch.offsets.take(len(used)), ends: f.scratch.offsets.take(len(used))}
	for i, entry := range used {
		if int(entry) == nullEntry {
			entries.nulls = f.scratch.bools.zeroed(len(used))
			entries.nulls[i] = true
			continue
		}
		entries.starts[i], entries.ends[i] = column.starts[entry], column.ends[entry]
	}
	sub := &frame{n: len(used), columns: make([]vector, len(f.columns)), loaded: make([]bool, len(f.columns)), scratch: f.scratch}
	sub.bind(n.reads[0], entries)
	v := sub.plain(n.eval(sub))
	if sub.bad != nil {
		for i, code := range codes {
			if bad := sub.bad[code]; bad != nil {
				f.fault(i, bad)
			}
		}
	}
	if v.mask == 0 || !isText(n.t.Kind) {
		return f.scratch.gather(v, codes)
	}
	return vector{mask: -1, nulls: pick(&f.scratch.bools, v.nulls, codes), data: v.data, starts: v.starts, ends: v.ends, codes: codes}
}
