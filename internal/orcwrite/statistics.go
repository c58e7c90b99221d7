package orcwrite

// statistics are a column's ColumnStatistics, of a stripe or of the file.
type statistics struct {
	kind       Kind
	values     uint64 // not null
	hasNull    bool
	minInt     int64 // timestamps: milliseconds since the Unix epoch
	maxInt     int64
	sum        int64 // integers: of the values; strings: of the lengths
	overflow   bool  // the sum does not fit
	minStr     string
	maxStr     string
	countTrues uint64
}

// columnStatistics are those of the rows from up to to, which is not included.
func columnStatistics(kind Kind, from, to int, c *Column) statistics {
	s := statistics{kind: kind}
	for i := from; i < to; i++ {
		if !c.present(i) {
			s.hasNull = true
			continue
		}
		one := statistics{kind: kind, values: 1}
		switch kind {
		case Boolean:
			if c.Bools[i] {
				one.countTrues = 1
			}
		case Int, Long:
			one.minInt, one.maxInt, one.sum = c.Ints[i], c.Ints[i], c.Ints[i]
		case String:
			one.minStr, one.maxStr, one.sum = c.Strings[i], c.Strings[i], int64(len(c.Strings[i]))
		case Timestamp:
			ms := c.Times[i].UnixMilli()
			one.minInt, one.maxInt = ms, ms
		}
		s.merge(one)
	}
	return s
}

func (s *statistics) merge(o statistics) {
	s.hasNull = s.hasNull || o.hasNull
	if o.values == 0 {
		return
	}
	if s.values == 0 {
		s.minInt, s.maxInt, s.minStr, s.maxStr = o.minInt, o.maxInt, o.minStr, o.maxStr
	}
	s.values += o.values
	s.countTrues += o.countTrues
	s.minInt, s.maxInt = min(s.minInt, o.minInt), max(s.maxInt, o.maxInt)
	s.minStr, s.maxStr = min(s.minStr, o.minStr), max(s.maxStr, o.maxStr)
	sum := s.sum + o.sum
	s.overflow = s.overflow || o.overflow || (sum < s.sum) != (o.sum < 0)
	s.sum = sum
}

func (s *statistics) message() []byte {
	b := appendUint(nil, 1, s.values)
	if s.values > 0 {
		switch s.kind {
		case Boolean:
			b = appendMessage(b, 5, appendPacked(nil, 1, []uint64{s.countTrues}))
		case Int, Long:
			m := appendSint(nil, 1, s.minInt)
			m = appendSint(m, 2, s.maxInt)
			if !s.overflow {
				m = appendSint(m, 3, s.sum)
			}
			b = appendMessage(b, 2, m)
		case String:
			m := appendBytes(nil, 1, []byte(s.minStr))
			m = appendBytes(m, 2, []byte(s.maxStr))
			b = appendMessage(b, 4, appendSint(m, 3, s.sum))
		case Timestamp: // fields 1 and 2 are in the writer's time zone, which is UTC
			m := appendSint(nil, 1, s.minInt)
			m = appendSint(m, 2, s.maxInt)
			m = appendSint(m, 3, s.minInt)
			b = appendMessage(b, 9, appendSint(m, 4, s.maxInt))
		}
	}
	return appendUint(b, 10, boolean(s.hasNull))
}

// rootStatistics are those of the root struct, which is never null.
func rootStatistics(rows uint64) []byte {
	return appendUint(appendUint(nil, 1, rows), 10, 0)
}

func boolean(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}
