package inflate

import "math/bits"

// A code assigns codewords to symbols by the lengths of the codewords alone (RFC 1951 section 3.2.2). A table decodes it:
// the next bits of the input are the index of an entry that says what they begin with and how many of them that takes. The
// first bits of codewords that are longer than the index point to a second table behind the first.
//
// Entries of all tables, in their lowest 32 bits:
//
//	bits 0–5    how many bits of the input the entry takes
//	bits 30–31  0 for what is most frequent, kindLiteral, or kindOther:
//	bit 28        flagSubtable: there is a second table with an index of as many bits as bits 24–27 say, which begins at the
//	              entry that bits 8–23 say
//	bit 29        flagLength
//	bit 6         flagEndOfBlock
//	              none of these: there is no such codeword
//
// Literals and lengths, 32 bits:
//
//	a match     the extra bits of its length are part of the index, and so is the codeword of a literal before it, if there is
//	            one: bits 8–15, the literal; bits 16–23, length less 3; bits 24–26, 3, or 4 with a literal
//	literals    kindLiteral; bits 8–15, the first; bits 16–23, the second; bits 24–25, how many, 1 or 2
//	a length    kindOther with flagLength: extra bits are still to come, as many as bits 24–27 say; bits 16–23, length without
//	            them less 3
//
// Distances, 64 bits: bits 8–11, how many bits come before the extra bits; bits 32–47, distance without extra bits;
// bits 48–60, mask of those.
//
// Code lengths, 32 bits: bits 8–12 are the symbol.
const (
	takenMask      = 1<<6 - 1
	flagEndOfBlock = 1 << 6
	flagSubtable   = 1 << 28
	flagLength     = 1 << 29
	kindOther      = 2 << 30
	kindLiteral    = 3 << 30

	beforeShift = 8 // bits before extra bits
	firstShift  = 8 // first literal, second table, symbol
	secondShift = 16
	countShift  = 24
	countMask   = 15
	distShift   = 32
	maskShift   = 48

	minLength = 3
	maxLength = 258
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
		entries[sym] = kindLiteral | 1<<countShift | uint32(sym)<<firstShift
	}
	entries[symEndOfBlock] = kindOther | flagEndOfBlock
	base := uint32(0)
	for sym := symEndOfBlock + 1; sym < 285; sym++ {
		extra := uint32(max(0, (sym-261)/4))
		entries[sym] = kindOther | flagLength | extra<<countShift | base<<secondShift
		base += 1 << extra
	}
	entries[285] = kindOther | flagLength | (maxLength-minLength)<<secondShift
	entries[286], entries[287] = kindOther, kindOther
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
	entries[30], entries[31] = kindOther, kindOther
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
		table[0], table[1] = kindOther, kindOther
		if k.longest == 1 {
			table[0], table[1] = symbols[k.symbols[0]]+bit, kindOther|1
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
				table[prefix] = kindOther | flagSubtable | E(more)<<countShift | E(begin)<<firstShift | E(indexBits)
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
