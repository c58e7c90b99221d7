package scan

import (
	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// Fields gathers rows whose fields another scanner finds in text that is no
// JSON. The blocks are like those of Scanner, and so are the rules for values
// that their column cannot hold; a value is written as a cast from string reads
// it. A row is what Add adds to its columns up to Commit or Reject.
type Fields struct {
	gathered
	extra *column  // of the unknown fields
	json  *Scanner // holds json fields against the rules
}

// NewFields makes the columns, which blocks hold in the same order. Of the
// options it needs those about rows and blocks.
func NewFields(columns []Column, options Options) (*Fields, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Fields{gathered: newGathered(o)}
	if f.json, err = New(nil, Options{Layout: schema.LayoutDocuments}); err != nil {
		return nil, err
	}
	for i := range columns {
		c, err := f.newColumn(columns[i], i)
		if err != nil {
			return nil, err
		}
		if err := checkField(&columns[i]); err != nil {
			return nil, err
		}
		if columns[i].Extra {
			f.extra = c
		}
		c.texts.init(f.seed, c.kind == value.String || c.kind == value.JSON)
		f.addColumn(c, columns[i].Required)
	}
	f.begin()
	return f, nil
}

// MaxRowBytes is how long a row may be; a longer one is to be rejected.
func (f *Fields) MaxRowBytes() int { return f.options.MaxRowBytes }

// Offset is that of the text at hand in its source.
func (f *Fields) Offset() int64 { return f.offset }

// Done says that the first n bytes of the text are done with.
func (f *Fields) Done(n int) { f.offset += int64(n) }

// Add reads text[start:end], valid UTF-8, into a column that has no value of
// the row yet. For the column of the unknown fields it is a JSON object.
func (f *Fields) Add(column int, text []byte, start, end int) {
	c := f.columns[column]
	f.filled++
	switch {
	case c.kind == value.String || c == f.extra:
		c.texts.add(text[start:end])
		c.n++
		return
	case c.kind == value.JSON:
		f.addJSON(c, text[start:end])
		return
	}
	if start < end && c.plain(text, start, end) {
		c.n++
		return
	}
	raw := text[start:end]
	var v value.Value
	var bad *value.Bad
	switch {
	case c.kind != value.Timestamp || c.time.Kind == schema.TimeRFC3339:
		v, bad = value.FromText(raw, c.typ)
	case c.time.Kind == schema.TimeLayout:
		v.Int, bad = value.ParseLayout(raw, c.time.Layout)
	default:
		v.Int, bad = value.ParseEpoch(raw, unitMicros(c.time))
	}
	if bad != nil {
		f.badValue(c, bad)
		c.addNull()
		return
	}
	c.add(v)
}

// plain is the quick way for values as they mostly are, with something behind
// them. It appends the value where it is ok, but does not count it.
func (c *column) plain(b []byte, start, end int) bool {
	var next int
	ok := false
	switch c.kind {
	case value.Int64:
		var v int64
		if v, next, ok = plainInt(b, start); ok && next == end {
			c.ints64 = append(c.ints64, v)
			return true
		}
	case value.Int32:
		var v int64
		if v, next, ok = plainInt(b, start); ok && next == end && v == int64(int32(v)) {
			c.ints32 = append(c.ints32, int32(v))
			return true
		}
	case value.Float:
		v, next, ok := plainScaled(b, start)
		if f, exact := v.float32(); ok && next == end && exact {
			c.floats = append(c.floats, f)
			return true
		}
	case value.Double:
		v, next, ok := plainScaled(b, start)
		if f, exact := v.float64(); ok && next == end && exact {
			c.doubles = append(c.doubles, f)
			return true
		}
	case value.Decimal:
		v, next, ok := plainScaled(b, start)
		if !ok || next != end {
			return false
		}
		if d, fits := v.decimal(int(c.typ.Precision), int(c.typ.Scale)); fits {
			c.decimals = append(c.decimals, d)
			return true
		}
	case value.Date:
		var days int32
		if days, next, ok = plainDate(b, start); ok && next == end {
			c.ints32 = append(c.ints32, days)
			return true
		}
	case value.Timestamp:
		var micros int64
		switch c.time.Kind {
		case schema.TimeRFC3339:
			micros, next, ok = plainTimestamp(b, start)
		case schema.TimeEpochSecond, schema.TimeEpochMilli, schema.TimeEpochMicro:
			micros, next, ok = plainEpoch(b, start, unitMicros(c.time))
		}
		if ok && next == end {
			c.ints64 = append(c.ints64, micros)
			return true
		}
	case value.Boolean:
		switch string(b[start:end]) {
		case "true":
			c.bools = append(c.bools, 1)
			return true
		case "false":
			c.bools = append(c.bools, 0)
			return true
		}
	}
	return false
}

// Commit ends the row text[start:end]. Columns without a value get a null. The
// only error is a *FailError.
func (f *Fields) Commit(text []byte, start, end int) error {
	var err error
	switch {
	case f.fail != nil:
		err = f.failure(start)
	case f.reject != nil:
		f.addReject(*f.reject, text, start, end)
	default:
		f.finish(text, start, end)
	}
	f.reset()
	return err
}

// Reject ends the row text[start:end], which is not loaded; r has no text yet.
func (f *Fields) Reject(r Reject, text []byte, start, end int) {
	f.addReject(r, text, start, end)
	f.reset()
}

func (f *Fields) reset() { f.bad, f.filled, f.reject, f.fail = f.bad[:0], 0, nil, nil }
