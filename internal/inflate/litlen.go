package inflate

// unit is a literal or a length with all its bits.
type unit struct {
	bits   uint16 // that stand for it
	entry  uint32
	joined uint32 // what it adds to the entry of a literal that it follows
}

func literalUnit(bits uint, entry uint32) unit {
	return unit{uint16(bits), entry, 1<<countShift + entry&(0xff<<firstShift)<<(secondShift-firstShift) + entry&takenMask}
}

func lengthUnit(bits uint, entry uint32) unit {
	return unit{uint16(bits), entry, entry - kindLiteral}
}

// How many literals and lengths there are, length 258 twice: it has a codeword of its own.
const (
	numLiterals    = 256
	numLengths     = maxLength - minLength + 1 + 1
	numLengthCodes = 29
)

// litlenBuilder makes tables of literals and lengths, which hold more than the symbols: all bits of a length where the index
// has room for them, and what follows a literal where it has room for both.
type litlenBuilder struct {
	units [numLiterals + numLengths]unit // by the number of their bits, literals first
	begin [litlenBits + 2]int            // where in units those of so many bits begin
	// Where the literals among them end.
	literals [litlenBits + 1]int

	waiting    [numLengthCodes]unit // lengths for which their extra bits are still missing
	numWaiting int
}

// fill is what the function fill is for other tables, and works as that does: the table grows bit by bit.
func (b *litlenBuilder) fill(table *[litlenEntries]uint32, k *code) {
	if !k.full {
		fill(table[:], litlenBits, k, litlenSymbols[:], 1)
		return
	}
	codeword, rest := uint(0), k.symbols
	units := 0
	b.numWaiting = 0
	for n := 1; n <= litlenBits; n++ {
		double(table[:], n-1, n)
		b.begin[n] = units
		for _, sym := range rest[:k.count[n]] {
			entry := litlenSymbols[sym] + uint32(n)
			switch {
			case sym < symEndOfBlock:
				table[codeword] = entry
				b.units[units] = literalUnit(codeword, entry)
				units++
			case entry&flagLength != 0 && n+int(entry>>countShift&countMask) <= litlenBits:
				b.waiting[b.numWaiting] = unit{bits: uint16(codeword), entry: entry}
				b.numWaiting++
			default:
				table[codeword] = entry
			}
			codeword = nextCodeword(codeword, n)
		}
		rest = rest[k.count[n]:]
		b.literals[n] = units
		units = b.addLengths(table, n, units)
		b.begin[n+1] = units
		b.join(table, n)
	}
	if len(rest) > 0 {
		fillSecond(table[:], litlenBits, k, codeword, rest, litlenSymbols[:], 1)
	}
}

// addLengths sets the lengths that take n bits with their extra bits, and appends them to the units.
func (b *litlenBuilder) addLengths(table *[litlenEntries]uint32, n, units int) int {
	for _, w := range b.waiting[:b.numWaiting] {
		codeword, extra := int(w.entry&takenMask), int(w.entry>>countShift&countMask)
		if codeword+extra != n {
			continue
		}
		entry := minLength<<countShift | w.entry&(0xff<<secondShift) | uint32(n)
		for x := range 1 << extra {
			bits := uint(w.bits) | uint(x)<<codeword
			table[bits] = entry
			b.units[units] = lengthUnit(bits, entry)
			units++
			entry += 1 << secondShift
		}
	}
	return units
}

// join sets the entries of literals with what follows them where both take n bits.
func (b *litlenBuilder) join(table *[litlenEntries]uint32, n int) {
	for m := 1; m < n; m++ {
		second := b.units[b.begin[n-m]:b.begin[n-m+1]]
		for _, u := range b.units[b.begin[m]:b.literals[m]] {
			for i := range second {
				v := &second[i]
				table[(u.bits|v.bits<<m)&(1<<litlenBits-1)] = u.entry + v.joined
			}
		}
	}
}
