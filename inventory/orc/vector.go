package orc

// Batch holds the values of some rows of one row group. It belongs to its Reader and is valid until the next call of Next or
// Open on that.
type Batch struct {
	Rows int
	// Group is the row group that the rows belong to.
	Group RowGroup
	// FirstRow is the number of the first row in its stripe.
	FirstRow int64
	Columns  []*Vector // in the order in which the columns were named
}

// Vector holds the values of one column in one batch. The slices named for the column's kind have one value a row, zero
// where the row is null; those of other kinds are nil or of undefined contents.
type Vector struct {
	Kind Kind
	// Skipped tells that the column was not read here, as the caller of Open chose. All else is undefined then.
	Skipped bool
	// Constant tells that all rows have the same value as row 0, or are null as row 0 is. It is not set for every such batch.
	Constant bool
	// Present tells for each row whether it has a value. Nil if every row has one.
	Present []bool
	// Int64 holds byte, short, int and long values, and dates in days since 1970-01-01 as stored.
	Int64 []int64
	// Bool holds boolean values.
	Bool []bool
	// Float64 holds float and double values.
	Float64 []float64
	// Seconds and Nanos hold timestamps: whole seconds since 1970-01-01 00:00:00 UTC, rounded down, and the nanoseconds to
	// add, from 0 to 999999999. For [KindTimestampInstant] that is the instant. [KindTimestamp] is a time of day without a
	// zone: it is the instant at which a clock on UTC shows what the writer's clock showed.
	Seconds []int64
	Nanos   []int32
	// Decimal holds decimal values times 10^Scale. Scale is the column's declared scale, or, in files that declare none
	// (Precision 0), the largest scale of a value in the stripe.
	Decimal []Int128
	Scale   int
	// Data, Offsets and Codes hold string, char, varchar and binary values; see Bytes. Without a dictionary Codes is nil,
	// and the value of row i is Data[Offsets[i]:Offsets[i+1]]. With one, Codes holds the number of each row's dictionary
	// entry, 0 for nulls, and entry c is Data[Offsets[c]:Offsets[c+1]]. Writers sort the dictionary and name each value
	// once, but nothing in the file promises it. Dictionary tells the two apart.
	Data       []byte
	Offsets    []uint32
	Codes      []uint32
	Dictionary bool
}

// Int128 is a signed 128 bit integer in two's complement.
type Int128 struct {
	Hi int64
	Lo uint64
}

// IsNull reports whether row i has no value.
func (v *Vector) IsNull(i int) bool {
	return v.Present != nil && !v.Present[i]
}

// Bytes returns the value of row i of a string, char, varchar or binary column, nil for a null. It is memory of the vector:
// copy what must outlast it. A char value is as stored, with the padding that its writer gave it.
func (v *Vector) Bytes(i int) []byte {
	if v.IsNull(i) {
		return nil
	}
	if v.Dictionary {
		i = int(v.Codes[i])
	}
	return v.Entry(i)
}

// Entries returns the number of entries of the dictionary.
func (v *Vector) Entries() int {
	if !v.Dictionary {
		return 0
	}
	return len(v.Offsets) - 1
}

// Entry returns entry c of the dictionary. It is memory of the vector.
func (v *Vector) Entry(c int) []byte {
	return v.Data[v.Offsets[c]:v.Offsets[c+1]:v.Offsets[c+1]]
}

// spread moves the values of the present rows, which are the first in dst, to their rows and zeroes the others.
func spread[T any](dst []T, values int, present []bool) {
	var zero T
	for i := len(dst) - 1; i >= values; i-- {
		if present[i] {
			values--
			dst[i] = dst[values]
		} else {
			dst[i] = zero
		}
	}
}

// spreadInts is spread without branches, which nulls here and there would make slow.
func spreadInts[T int64 | int32](dst []T, values int, present []bool) {
	if values == len(dst) {
		return
	}
	present = present[:len(dst)]
	for i := len(dst) - 1; i >= values; i-- {
		one := 0
		if present[i] {
			one = 1
		}
		values -= one
		dst[i] = dst[values] * T(one)
	}
}
