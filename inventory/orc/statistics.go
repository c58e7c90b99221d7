package orc

// Statistics is what a file says of the values of one column in a row group (specification, "Column Statistics"). Nulls are
// not among the values.
type Statistics struct {
	// Known is false where the file says nothing, or nothing that may be relied on. All else is zero then.
	Known bool
	// Values is the number of rows that have a value.
	Values int64
	// HasRange tells that no value lies below the minimum or above the maximum: Min and Max for strings (string, char and
	// varchar columns), compared byte by byte, MinInt and MaxInt for integers, dates (days since 1970) and timestamps
	// (milliseconds since 1970, rounded down; see Vector.Seconds for what they mean).
	HasRange bool
	// Exact tells that both ends of the range are values. Otherwise a writer may have cut long strings.
	Exact          bool
	Min, Max       []byte
	MinInt, MaxInt int64
	// HasSum tells that Sum is the sum of integers, the total length in bytes of strings and binary values, or the number of
	// true values of a boolean column.
	HasSum bool
	Sum    int64
}
