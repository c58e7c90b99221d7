package inflate

import "math/bits"

// A code assigns codewords to symbols by the lengths of the codewords alone (RFC 1951 section 3.2.2). A table decodes it:
// the next bits of the input are the index of an entry that says all there is to know of the symbol they begin with, and
// how many bits to go on. The first bits of codewords that are longer than the index point to a second table.
//
// Entries of all tables:
//
//	bits 0–5    bits of input that the entry uses up: the codeword with the extra bits that follow it
//	bit  6      flagSpecial: no literal, length or distance, but one of
//	bit  7        flagEndOfBlock
//	bit  12       flagSubtable: bits 0–5 are those of this index, bits 8–11 those of the second table's, and the second
//	              table begins at the entry that bits 16–29 say
//	              neither: no symbol has such a codeword
//	bits 8–11   length of the codeword in bits, which is what stands before the extra bits
//
// Literals and lengths, 32 bits:
//
//	bits 30–31  how many literals: 1 or 2, or 0 for everything else
//	bits 14–21  first literal
//	bits 22–29  second literal
//	bits 14–18  mask of the extra bits of a length
//	bits 19–27  base of a length
//
// Distances, 64 bits:
//
//	bits 16–31  base
//	bits 32–44  mask of the extra bits
//
// Code lengths ("precode"), 32 bits:
//
//	bits 16–20  symbol
const (
	flagSpecial    = 1 << 6
	flagEndOfBlock = 1 << 7
	flagSubtable   = 1 << 12

	literalShift     = 14 // of the first literal
	literalsShift    = 30 // of their number
	oneLiteral       = 1 << literalsShift
	lengthMaskShift  = 14
	lengthBaseShift  = 19
	distBaseShift    = 16
	distMaskShift    = 32
	precodeShift     = 16
	subtableShift    = 16
	codewordShift    = 8 // of the length of the codeword, and of the index bits of a second table
	codewordBitsUnit = 1<<codewordShift | 1
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

// The entries of all symbols, to which their codewords' lengths are to be added.
var (
	litlenSymbols  = makeLitlenSymbols()
	distSymbols    = makeDistSymbols()
	precodeSymbols = makePrecodeSymbols()
)

// makeLitlenSymbols: RFC 1951 section 3.2.5.
func makeLitlenSymbols() (entries [numLitlen]uint32) {
	for sym := range symEndOfBlock {
		entries[sym] = oneLiteral | uint32(sym)<<literalShift
	}
	entries[symEndOfBlock] = flagSpecial | flagEndOfBlock
	base := uint32(3)
	for sym := symEndOfBlock + 1; sym < 285; sym++ {
		extra := uint32(max(0, (sym-261)/4))
		entries[sym] = base<<lengthBaseShift | (1<<extra-1)<<lengthMaskShift | extra
		base += 1 << extra
	}
	entries[285] = 258 << lengthBaseShift
	entries[286], entries[287] = flagSpecial, flagSpecial
	return entries
}

// makeDistSymbols: RFC 1951 section 3.2.5.
func makeDistSymbols() (entries [numDist]uint64) {
	base := uint64(1)
	for sym := range maxDist {
		extra := uint64(max(0, sym/2-1))
		entries[sym] = base<<distBaseShift | (1<<extra-1)<<distMaskShift | extra
		base += 1 << extra
	}
	entries[30], entries[31] = flagSpecial, flagSpecial
	return entries
}

func makePrecodeSymbols() (entries [numPrecode]uint32) {
	for sym := range entries {
		entries[sym] = uint32(sym) << precodeShift
	}
	return entries
}

// fill makes the table of the code in which the symbol i has a codeword of lengths[i] bits, none where that is 0, and
// says whether that is a code. It is none where the codewords are more than there can be, nor where they are fewer, but for
// two exceptions that RFC 1951 section 3.2.7 makes for distances and that decoders make for all codes: no codeword at all,
// and a single one of one bit, which is 0.
//
// table has room for all entries and index bits of its own.
func fill[E uint32 | uint64](table []E, indexBits int, lengths []uint8, symbols []E, sorted *[numLitlen]uint16) bool {
	var count [maxCodewordBits + 1]int
	for _, n := range lengths {
		count[n&maxCodewordBits]++
	}
	longest := maxCodewordBits
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	if longest == 0 {
		fillAll(table[:1<<indexBits], flagSpecial)
		return true
	}

	// Symbols in the order of their codewords, behind those without.
	var next [maxCodewordBits + 1]int
	used := 0 // of the 1<<n codewords of n bits
	for n := 1; n <= longest; n++ {
		used = used<<1 + count[n]
		next[n] = next[n-1] + count[n-1]
	}
	if used != 1<<longest && (longest > 1 || used > 1) {
		return false
	}
	for sym, n := range lengths {
		sorted[next[n&maxCodewordBits]] = uint16(sym)
		next[n&maxCodewordBits]++
	}
	in := sorted[count[0]:len(lengths)]
	if used != 1<<longest {
		table[0] = symbols[in[0]] + codewordBitsUnit
		table[1] = flagSpecial | 1
		double(table, 2, 1<<indexBits)
		return true
	}

	// Codewords lie in the input with their first bit lowest, so the table for n bits holds a codeword of n bits once, and
	// the table for n+1 bits is that for n bits twice, plus the codewords of n+1 bits. Entries of longer codewords are
	// copied before they are set.
	codeword, n := uint(0), 1
	for count[n] == 0 {
		n++
	}
	size := 1 << n
	for ; n <= indexBits; n++ {
		for range count[n] {
			table[codeword] = symbols[in[0]] + E(n)*codewordBitsUnit
			in = in[1:]
			if len(in) == 0 {
				double(table, size, 1<<indexBits)
				return true
			}
			codeword = nextCodeword(codeword, n)
		}
		if n < indexBits {
			copy(table[size:2*size], table[:size])
			size *= 2
		}
	}

	// Second tables, one after another behind the first one.
	end := size
	begin, prefix := 0, ^uint(0)
	for ; ; n++ {
		for left := count[n]; left > 0; left-- {
			if first := codeword & (1<<indexBits - 1); first != prefix {
				// As many bits as it takes until the rest of the codewords with this prefix fill the table.
				prefix, begin = first, end
				subBits := n - indexBits
				for room := left; room < 1<<subBits; {
					subBits++
					room = room<<1 + count[indexBits+subBits]
				}
				end = begin + 1<<subBits
				table[prefix] = E(begin)<<subtableShift | E(subBits)<<codewordShift | flagSpecial | flagSubtable | E(indexBits)
			}
			entry := symbols[in[0]] + E(n-indexBits)*codewordBitsUnit
			for i := begin + int(codeword>>indexBits); i < end; i += 1 << (n - indexBits) {
				table[i] = entry
			}
			in = in[1:]
			if len(in) == 0 {
				return true
			}
			codeword = nextCodeword(codeword, n)
		}
	}
}

// nextCodeword counts a codeword of n bits, in which the first bit is the lowest, one up. It must not be the last one. With
// 0 bits appended, which changes nothing here, it is the next codeword of any greater length.
func nextCodeword(codeword uint, n int) uint {
	lastZero := uint(1) << (bits.Len(codeword^(1<<n-1)) - 1)
	return codeword&(lastZero-1) | lastZero
}

// double copies the first size entries until they are full.
func double[E uint32 | uint64](table []E, size, full int) {
	for ; size < full; size *= 2 {
		copy(table[size:2*size], table[:size])
	}
}

func fillAll[E uint32 | uint64](table []E, entry E) {
	for i := range table {
		table[i] = entry
	}
}

// pair puts the second of two literals into the entry of the first where the index has room for both codewords.
func pair(table *[litlenEntries]uint32) {
	// Downwards: an entry looks at one further down, which still is one of a single symbol.
	for i := 1<<litlenBits - 1; i >= 0; i-- {
		first := table[i]
		if first < oneLiteral {
			continue
		}
		second := table[i>>(first&63)]
		if second >= oneLiteral && first&63+second&63 <= litlenBits {
			table[i] = first + oneLiteral + second&63 + (second>>literalShift&0xff)<<(literalShift+8)
		}
	}
}
