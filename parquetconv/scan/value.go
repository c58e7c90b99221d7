package scan

import (
	"strconv"
	"unsafe"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// column reads the value at b[i] into a column. What is common is read at once;
// anything else is skipped first, which finds whether it is valid, and then
// converted by package value.
func (s *Scanner) column(b []byte, i int, c *column, depth int) int {
	if !c.inner {
		s.filled++
	}
	quoted := b[i] == '"'
	switch c.kind {
	case value.String:
		if quoted {
			end, escaped := s.text(b, i+1)
			if end < 0 {
				return failed
			}
			text := b[i+1 : end]
			if escaped {
				s.scratch = appendUnescaped(s.scratch[:0], text)
				text = s.scratch
			}
			c.texts.add(text)
			c.n++
			return end + 1
		}
	case value.Int64:
		if v, next, ok := plainInt(b, i); ok {
			c.ints64 = append(c.ints64, v)
			c.n++
			return next
		}
	case value.Int32:
		if v, next, ok := plainInt(b, i); ok && v == int64(int32(v)) {
			c.ints32 = append(c.ints32, int32(v))
			c.n++
			return next
		}
	case value.Double:
		if v, next, ok := plainScaled(b, i); ok {
			if f, exact := v.float64(); exact {
				c.doubles = append(c.doubles, f)
				c.n++
				return next
			}
		}
	case value.Float:
		if v, next, ok := plainScaled(b, i); ok {
			if f, exact := v.float32(); exact {
				c.floats = append(c.floats, f)
				c.n++
				return next
			}
		}
	case value.Decimal:
		if v, next, ok := plainScaled(b, i); ok {
			if d, fits := v.decimal(int(c.typ.Precision), int(c.typ.Scale)); fits {
				c.decimals = append(c.decimals, d)
				c.n++
				return next
			}
		}
	case value.Timestamp:
		var micros int64
		next, ok := 0, false
		switch c.time.Kind {
		case schema.TimeRFC3339:
			if quoted {
				micros, next, ok = quotedTimestamp(b, i+1)
			}
		case schema.TimeEpochSecond, schema.TimeEpochMilli, schema.TimeEpochMicro:
			micros, next, ok = plainEpoch(b, i, unitMicros(c.time))
		}
		if ok {
			c.ints64 = append(c.ints64, micros)
			c.n++
			return next
		}
	case value.Date:
		if quoted {
			if days, next, ok := quotedDate(b, i+1); ok {
				c.ints32 = append(c.ints32, days)
				c.n++
				return next
			}
		}
	case value.Boolean:
		if b[i] == 't' || b[i] == 'f' {
			is, text := byte(1), "true"
			if b[i] == 'f' {
				is, text = 0, "false"
			}
			next := s.literal(b, i, text)
			if next < 0 {
				return failed
			}
			c.bools = append(c.bools, is)
			c.n++
			return next
		}
	case value.JSON:
		return s.verbatim(b, i, c, depth)
	case value.List, value.Struct, value.Map:
		return s.nest(b, i, c, depth)
	}
	return s.converted(b, i, c, depth)
}

// verbatim keeps a value as it is written.
func (s *Scanner) verbatim(b []byte, i int, c *column, depth int) int {
	end := s.skip(b, i, c.seen, depth)
	if end < 0 {
		return failed
	}
	if b[i] == 'n' {
		c.addNull()
		return end
	}
	c.texts.add(b[i:end])
	c.n++
	return end
}

// converted reads a value by way of package value.
func (s *Scanner) converted(b []byte, i int, c *column, depth int) int {
	end := s.skip(b, i, nil, depth)
	if end < 0 {
		return failed
	}
	raw := b[i:end]
	switch {
	case raw[0] == 'n':
		c.addNull()
		return end
	case c.onBad == schema.OnBadNull && !c.inner && c.neverTakes(raw[0]):
		// Whole columns may drift to another type: nobody reads what is wrong.
		s.bad = append(s.bad, c.index)
		c.addNull()
		return end
	case c.kind == value.Double && raw[0] != '"' && raw[0] <= '9':
		// Without a copy of the text, which value.FromJSON makes for its errors.
		if f, err := strconv.ParseFloat(unsafe.String(&raw[0], len(raw)), 64); err == nil {
			c.doubles = append(c.doubles, f)
			c.n++
			return end
		}
	}
	var v value.Value
	var bad *value.Bad
	if c.kind == value.Timestamp && c.time.Kind != schema.TimeRFC3339 {
		v, bad = s.formatted(raw, c)
	} else {
		v, s.arena, bad = value.FromJSON(raw, c.typ, s.arena[:0])
	}
	if bad != nil {
		s.badValue(c, bad)
		c.addNull()
		return end
	}
	c.add(v)
	return end
}

// neverTakes says of a byte that a JSON value begins with, not that of null,
// that the column takes no such value. It need not know all of them.
func (c *column) neverTakes(first byte) bool {
	switch c.kind {
	case value.Int32, value.Int64, value.Float, value.Double, value.Decimal:
		return first > '9' || first == '"'
	case value.Boolean:
		return first != 't' && first != 'f'
	case value.String:
		return first > '9'
	case value.Binary, value.Date:
		return first != '"'
	}
	return false
}

// nest reads a value of a nested type, or null.
func (s *Scanner) nest(b []byte, i int, c *column, depth int) int {
	n := c.n
	end := s.nestInto(b, i, c, depth)
	if end >= 0 && s.nested != nil && !c.inner {
		// One bad value inside makes the whole one bad.
		c.truncate(n)
		s.badValue(c, s.nested)
		s.nested = nil
		c.addNull()
	}
	return end
}

func (s *Scanner) nestInto(b []byte, i int, c *column, depth int) int {
	switch {
	case c.kind == value.List && b[i] == '[':
		i = s.each(b, i, depth+1, func(i, _ int) int { return s.column(b, i, c.children[0], depth+1) })
		if i < 0 {
			return failed
		}
		c.offsets = append(c.offsets, int32(c.children[0].n))
		c.n++
		return i
	case c.kind == value.Map && b[i] == '{':
		return s.entries(b, i, c, depth+1)
	case c.kind == value.Struct && b[i] == '{':
		if i = s.object(b, i, c.members, depth+1); i < 0 {
			return failed
		}
		c.n++
		for _, child := range c.children {
			if child.n < c.n {
				child.addNull()
			}
		}
		return i
	}
	end := s.skip(b, i, nil, depth)
	if end < 0 {
		return failed
	}
	if b[i] != 'n' {
		s.badValue(c, value.NotOfType(b[i], c.typ))
	}
	c.addNull()
	return end
}

// entries reads an object into a map, its names as keys.
func (s *Scanner) entries(b []byte, i int, c *column, depth int) int {
	if depth > maxDepth {
		return s.malformed(i, "exceeded max depth")
	}
	s.serial++
	serial := s.serial
	keys, values := c.children[0], c.children[1]
	i = s.space(b, i+1)
	if i < len(b) && b[i] == '}' {
		c.offsets = append(c.offsets, int32(keys.n))
		c.n++
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return s.noName(b, i, depth)
		}
		_, end := s.name(b, i+1, nil, serial)
		if end < 0 {
			return failed
		}
		if s.column(b, i, keys, depth) < 0 {
			return failed
		}
		if i = s.space(b, end+1); i >= len(b) || b[i] != ':' {
			return s.invalid(b, i, "after object name (expecting ':')")
		}
		if i = s.space(b, i+1); i >= len(b) {
			return s.cut(len(b))
		}
		if i = s.column(b, i, values, depth); i < 0 {
			return failed
		}
		i = s.space(b, i)
		switch {
		case i < len(b) && b[i] == ',':
			i = s.space(b, i+1)
		case i < len(b) && b[i] == '}':
			c.offsets = append(c.offsets, int32(keys.n))
			c.n++
			return i + 1
		default:
			return s.invalid(b, i, "after object value (expecting ',' or '}')")
		}
	}
}

// badValue applies a column's on_bad; the caller puts a null in its place. A
// bad value inside a nested one makes the whole one bad, later on.
func (s *Scanner) badValue(c *column, bad *value.Bad) {
	if !c.inner {
		s.gathered.badValue(c, bad)
	} else if s.nested == nil {
		s.nested = bad
	}
}
