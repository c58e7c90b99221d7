package inflate

// The order in which a dynamic block gives the lengths of the codewords for code lengths (RFC 1951 section 3.2.7).
var precodeOrder = [numPrecode]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// header reads the header of a block, with the codes of a dynamic one. Where the source ends inside it, nothing is read.
func (d *Decoder) header(c *cursor) stop {
	d.left &= 63
	bits, left, pos := d.bits, d.left, c.pos
	d.finalBit = d.usedBits(c)
	why := d.readHeader(c)
	if why == stopInput {
		d.bits, d.left, c.pos = bits, left, pos
	}
	return why
}

func (d *Decoder) readHeader(c *cursor) stop {
	d.refill(c)
	if d.left < 1+2 {
		return stopInput
	}
	d.final = d.bits&1 == 1
	kind := d.bits >> 1 & 3
	d.use(3)
	switch kind {
	case 0:
		return d.readStored(c)
	case 1:
		d.useFixed()
		d.phase = phaseHuffman
		return stopBlock
	case 2:
		why := d.readDynamic(c)
		if why == stopBlock {
			d.phase = phaseHuffman
		}
		return why
	}
	return stopBlockType
}

// readStored reads the length of a stored block.
func (d *Decoder) readStored(c *cursor) stop {
	d.use(d.left & 7)
	d.refill(c)
	if d.left < 32 {
		return stopInput
	}
	length, complement := uint16(d.bits), uint16(d.bits>>16)
	d.use(32)
	if length != ^complement {
		return stopStoredLength
	}
	d.stored, d.phase = int(length), phaseStored
	return stopBlock
}

// copyStored copies what is at hand of a stored block.
func (d *Decoder) copyStored(c *cursor) stop {
	// Whole bytes that were read ahead are read again.
	c.pos -= int(d.left&63) >> 3
	d.bits, d.left = 0, 0
	n := min(d.stored, len(c.src)-c.pos, len(c.dst)-c.n)
	copy(c.dst[c.n:c.n+n], c.src[c.pos:])
	c.n, c.pos, d.stored = c.n+n, c.pos+n, d.stored-n
	switch {
	case d.stored == 0:
		return d.endBlock()
	case c.pos == len(c.src):
		return stopInput
	}
	return stopOutput
}

// useFixed makes the tables of the fixed codes (RFC 1951 section 3.2.6), if they are not there.
func (d *Decoder) useFixed() {
	if d.fixed {
		return
	}
	d.fixed = true
	lengths := &d.lengths
	for sym := range numLitlen {
		switch {
		case sym < 144, sym >= 280:
			lengths[sym] = 8
		case sym < 256:
			lengths[sym] = 9
		default:
			lengths[sym] = 7
		}
	}
	for sym := range lengths[numLitlen:] {
		lengths[numLitlen+sym] = 5
	}
	d.build(numLitlen, numDist)
}

// build makes the tables of the codes that the first elements of d.lengths say, and says whether they are codes.
func (d *Decoder) build(litlens, dists int) bool {
	if !d.code.sort(d.lengths[litlens:litlens+dists], &d.symbols) {
		return false
	}
	fill(d.dist[:], distBits, &d.code, distSymbols[:], 1<<beforeShift|1)
	if !d.code.sort(d.lengths[:litlens], &d.symbols) {
		return false
	}
	d.builder.fill(&d.litlen, &d.code)
	return true
}

// readDynamic reads the codes of a dynamic block (RFC 1951 section 3.2.7) and makes their tables.
func (d *Decoder) readDynamic(c *cursor) stop {
	d.refill(c)
	if d.left < 5+5+4 {
		return stopInput
	}
	litlens, dists, precodes := int(d.bits&31)+257, int(d.bits>>5&31)+1, int(d.bits>>10&15)+4
	d.use(5 + 5 + 4)
	if litlens > maxLitlen || dists > maxDist {
		return stopSymbols
	}

	var lengths [numPrecode]uint8
	for _, sym := range precodeOrder[:precodes] {
		if d.left < 3 {
			if d.refill(c); d.left < 3 {
				return stopInput
			}
		}
		lengths[sym] = uint8(d.bits & 7)
		d.use(3)
	}
	if !d.code.sort(lengths[:], &d.symbols) {
		return stopCodeLengths
	}
	fill(d.precode[:], precodeBits, &d.code, precodeSymbols[:], 1)
	d.fixed = false
	if why := d.readLengths(c, litlens+dists); why != stopBlock {
		return why
	}

	if d.lengths[symEndOfBlock] == 0 {
		return stopNoEnd
	}
	if !d.build(litlens, dists) {
		return stopCodeLengths
	}
	return stopBlock
}

// readLengths reads n codeword lengths.
func (d *Decoder) readLengths(c *cursor, n int) stop {
	lengths := d.lengths[:n]
	bits, left := d.bits, d.left
	why := stopBlock
	for i := 0; i < n; {
		if left < precodeBits+7 {
			d.bits, d.left = bits, left
			d.refill(c)
			bits, left = d.bits, d.left
		}
		entry := d.precode[bits&(1<<precodeBits-1)]
		taken := uint64(entry & takenMask)
		sym := uint8(entry >> firstShift)
		if entry < kindOther && sym < 16 && taken <= left {
			lengths[i] = sym
			i++
			bits >>= taken & 63
			left -= taken
			continue
		}
		// A repetition. The value, how often at least, and how many bits say how often more.
		var value uint8
		var times, extra uint64
		switch sym {
		case 16:
			if i > 0 {
				value = lengths[i-1]
			}
			times, extra = 3, 2
		case 17:
			times, extra = 3, 3
		case 18:
			times, extra = 11, 7
		}
		switch {
		case taken > left:
			why = stopInput
		case entry >= kindOther:
			why = stopNoCodeword
		case sym == 16 && i == 0:
			why = stopRepeat
		case taken+extra > left:
			why = stopInput
		}
		if why != stopBlock {
			bits, left = bits>>taken, left-taken
			break
		}
		times += bits >> taken & (1<<extra - 1)
		bits >>= (taken + extra) & 63
		left -= taken + extra
		if times > uint64(n-i) {
			why = stopRepeat
			break
		}
		for range times {
			lengths[i] = value
			i++
		}
	}
	d.bits, d.left = bits, left
	return why
}
