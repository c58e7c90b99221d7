package inflate

import "math/bits"

// A code assigns codewords to symbols by the lengths of the codewords alone (RFC 1951 section 3.2.2). A table decodes it:
// the next bits of the input are the index of an entry that says what they begin with and how many of them that takes. The
// first bits of codewords that are longer than the index point to a second table behind the first.
//
// Entries of all tables, from the lowest byte:
//
//	byte 0  bits 0–5: how many bits of the input the entry takes
//	        bit 6: flagLiteral, bit 7: flagOther
//	byte 1  bits 0–3: see below
//	        bit 4: flagSubtable: there is a second table with an index of as many bits as bits 0–3 say, which begins at the
//	               entry that bytes 2 and 3 say
//	        bit 5: flagEndOfBlock
//	        bit 6: flagLength
//
// Literals and lengths, 32 bits: what is most frequent needs no look at byte 1's flags.
//
//	a match    byte 0 without flags; byte 1: literals before it, 0 or 1; byte 2: that literal; byte 3: length less 3. The
//	           extra bits of the length are part of the index, and so is the codeword of the literal
//	literals   byte 0 with both flags; byte 1: how many, 1 or 2; byte 2: the first; byte 3: the second
//	a length   byte 0 with flagOther, byte 1 with flagLength: extra bits are still to come, as many as bits 0–3 say; byte 3:
//	           length without them less 3
//	otherwise  byte 0 with flagOther; byte 1 with flagSubtable or flagEndOfBlock, or neither: there is no such codeword
//
// Distances, 64 bits:
//
//	byte 0     with flagOther, byte 1 with flagSubtable or not: as above
//	otherwise  byte 1: bits before the extra bits, which are counted in byte 0; bytes 4 and 5: distance without the extra
//	           bits; bytes 6 and 7: mask of those
//
// Code lengths, 32 bits: byte 2 is the symbol.
const (
	takenMask      = 1<<6 - 1
	flagLiteral    = 1 << 6
	flagOther      = 1 << 7
	flagSubtable   = 1 << 12
	flagEndOfBlock = 1 << 13
	flagLength     = 1 << 14

	countShift  = 8 // literals, extra bits, index bits of a second table, bits before extra bits
	countMask   = 15
	firstShift  = 16
	secondShift = 24
	distShift   = 32
	maskShift   = 48

	oneLiteral = flagOther | flagLiteral | 1<<countShift
	minLength  = 3
	maxLength  = 258
)

// Sizes. How many entries a table can need follows from the number of symbols, the bits of its index and the longest
// codeword of 15 bits; zlib's examples/enough.c computes it.
const (
	litlenBits    = 11
	litlenEntries = 2342 // enough 288 11 15
	distBits      = 8
	distEntries   = 402 // enough 32 8 15
	precodeBits   = 7   // the longest codeword of this code: no second table

	numLitlen     = 288 // with the two of the fixed code that may not occur in data
	numDist       = 32  // likewise
	numPrecode    = 19
	maxLitlen     = 286 // that a dynamic block may declare
	maxDist       = 30  // likewise
	symEndOfBlock = 256

	maxCodewordBits = 15
)

// The entries of all symbols but for the lengths of their codewords.
var (
	litlenSymbols  = makeLitlenSymbols()
	distSymbols    = makeDistSymbols()
	precodeSymbols = makePrecodeSymbols()
)

// makeLitlenSymbols: RFC 1951 section 3.2.5.
func makeLitlenSymbols() (entries [numLitlen]uint32) {
	for sym := range symEndOfBlock {
		entries[sym] = oneLiteral | uint32(sym)<<firstShift
	}
	entries[symEndOfBlock] = flagOther | flagEndOfBlock
	base := uint32(0)
	for sym := symEndOfBlock + 1; sym < 285; sym++ {
		extra := uint32(max(0, (sym-261)/4))
		entries[sym] = flagOther | flagLength | extra<<countShift | base<<secondShift
		base += 1 << extra
	}
	entries[285] = flagOther | flagLength | (maxLength-minLength)<<secondShift
	entries[286], entries[287] = flagOther, flagOther
	return entries
}

// makeDistSymbols: RFC 1951 section 3.2.5.
func makeDistSymbols() (entries [numDist]uint64) {
	base := uint64(1)
	for sym := range maxDist {
		extra := uint64(max(0, sym/2-1))
		entries[sym] = base<<distShift | (1<<extra-1)<<maskShift | extra
		base += 1 << extra
	}
	entries[30], entries[31] = flagOther, flagOther
	return entries
}

func makePrecodeSymbols() (entries [numPrecode]uint32) {
	for sym := range entries {
		entries[sym] = uint32(sym) << firstShift
	}
	return entries
}

// code is a code's codewords in their order.
type code struct {
	symbols []uint16                 // those that have a codeword, shorter ones first
	count   [maxCodewordBits + 1]int // of codewords by length
	longest int
	full    bool // no codeword is left over
}

// sort makes k the code in which the symbol i has a codeword of lengths[i] bits, or none where that is 0, and says whether
// there is such a code. The codewords must be as many as there can be of their lengths, with two exceptions that RFC 1951
// section 3.2.7 makes for distances and that zlib makes for literals and lengths too: a single codeword of one bit, and
// none at all.
func (k *code) sort(lengths []uint8, buffer *[numLitlen]uint16) bool {
	k.count = [maxCodewordBits + 1]int{}
	for _, n := range lengths {
		k.count[n&maxCodewordBits]++
	}
	k.longest = maxCodewordBits
	for k.longest > 0 && k.count[k.longest] == 0 {
		k.longest--
	}
	var next [maxCodewordBits + 1]int
	used := 0 // of the 1<<n codewords of n bits
	for n := 1; n <= k.longest; n++ {
		used = used<<1 + k.count[n]
		next[n] = next[n-1] + k.count[n-1]
	}
	k.full = used == 1<<k.longest && k.longest > 0
	if !k.full && (k.longest > 1 || used > 1) {
		return false
	}
	for sym, n := range lengths {
		buffer[next[n&maxCodewordBits]] = uint16(sym)
		next[n&maxCodewordBits]++
	}
	k.symbols = buffer[k.count[0]:len(lengths)]
	return true
}

// fill makes the table of a code with an index of indexBits bits. bit is what each bit of a codeword adds to the entries of
// symbols.
func fill[E uint32 | uint64](table []E, indexBits int, k *code, symbols []E, bit E) {
	if !k.full {
		// The one codeword that there may be is 0.
		table[0], table[1] = flagOther, flagOther
		if k.longest == 1 {
			table[0], table[1] = symbols[k.symbols[0]]+bit, flagOther|1
		}
		double(table, 1, indexBits)
		return
	}
	// Codewords lie in the input with their first bit lowest, so the table for n bits holds a codeword of n bits once, and
	// the table for n+1 bits is that for n bits twice, plus the codewords of n+1 bits. What is copied of entries that are
	// not set yet does no harm.
	codeword, rest := uint(0), k.symbols
	for n := 1; n <= indexBits; n++ {
		double(table, n-1, n)
		for range k.count[n] {
			table[codeword] = symbols[rest[0]] + E(n)*bit
			rest = rest[1:]
			codeword = nextCodeword(codeword, n)
		}
		if len(rest) == 0 {
			double(table, n, indexBits)
			return
		}
	}
	fillSecond(table, indexBits, k, codeword, rest, symbols, bit)
}

// fillSecond makes the second tables, one after another behind the first. codeword is the first codeword that is longer
// than the index, rest are the symbols of all of those.
func fillSecond[E uint32 | uint64](table []E, indexBits int, k *code, codeword uint, rest []uint16, symbols []E, bit E) {
	begin, end, prefix := 0, 1<<indexBits, ^uint(0)
	for n := indexBits + 1; n <= k.longest; n++ {
		for left := k.count[n]; left > 0; left-- {
			if first := codeword & (1<<indexBits - 1); first != prefix {
				// As many bits as it takes until the rest of the codewords with this prefix fill the table.
				prefix, begin = first, end
				more := n - indexBits
				for room := left; room < 1<<more; {
					more++
					room = room<<1 + k.count[indexBits+more]
				}
				end = begin + 1<<more
				table[prefix] = E(begin)<<firstShift | flagSubtable | E(more)<<countShift | flagOther | E(indexBits)
			}
			entry := symbols[rest[0]] + E(n-indexBits)*bit
			rest = rest[1:]
			for i := begin + int(codeword>>indexBits); i < end; i += 1 << (n - indexBits) {
				table[i] = entry
			}
			codeword = nextCodeword(codeword, n)
		}
	}
}

// nextCodeword counts a codeword of n bits, in which the first bit is the lowest, one up. With zeros appended, which
// changes nothing here, the result is the next codeword of any greater length. Nothing follows the last one.
func nextCodeword(codeword uint, n int) uint {
	lastZero := uint(1) << bits.Len(codeword^(1<<n-1)) >> 1
	return codeword&(lastZero-1) | lastZero
}

// double copies the table for n bits until it is one for m.
func double[E uint32 | uint64](table []E, n, m int) {
	for ; n < m; n++ {
		copy(table[1<<n:2<<n], table[:1<<n])
	}
}
