package inflate

// careful decodes symbol after symbol and looks before each whether there is input and room. It serves the ends of both; a
// symbol that the source ends inside, or for which there is no room, is left unread.
func (d *Decoder) careful(c *cursor) stop {
	d.left &= 63
	for {
		if d.copyLeft > 0 && !d.copyMatch(c) {
			return stopOutput
		}
		d.refill(c)
		bits, left := d.bits, d.left
		entry := d.litlen[bits&(1<<litlenBits-1)]
		if entry >= kindOther && entry&flagSubtable != 0 {
			if left < litlenBits {
				return stopInput
			}
			bits, left = bits>>litlenBits, left-litlenBits
			entry = d.litlen[uint64(uint16(entry>>firstShift))+bits&(1<<(entry>>countShift&countMask)-1)]
		}
		taken, count := uint64(entry&takenMask), uint64(entry>>countShift&countMask)
		length := int(uint8(entry>>secondShift)) + minLength
		switch {
		case entry >= kindLiteral, entry < kindOther && count > minLength:
			// The first literal alone: what follows may not be there.
			literal := byte(entry >> firstShift)
			codeword := uint64(d.lengths[literal])
			if codeword > d.left {
				return stopInput
			}
			if c.n == len(c.dst) {
				return stopOutput
			}
			c.dst[c.n] = literal
			c.n++
			d.use(codeword)
			continue
		case taken > left:
			return stopInput
		case entry < kindOther:
		case entry&flagLength != 0:
			length += int(bits >> taken & (1<<count - 1))
			if taken += count; taken > left {
				return stopInput
			}
		default:
			d.bits, d.left = bits>>taken, left-taken
			if entry&flagEndOfBlock == 0 {
				return stopNoCodeword
			}
			return d.endBlock()
		}
		bits, left = bits>>taken, left-taken

		far := d.dist[bits&(1<<distBits-1)]
		if far&kindOther != 0 && far&flagSubtable != 0 {
			if left < distBits {
				return stopInput
			}
			bits, left = bits>>distBits, left-distBits
			far = d.dist[uint64(uint16(far>>firstShift))+bits&(1<<(far>>countShift&countMask)-1)]
		}
		if taken = far & takenMask; taken > left {
			return stopInput
		}
		dist := int(uint16(far>>distShift)) + int(bits>>(far>>beforeShift&15)&(far>>maskShift))
		bits, left = bits>>taken, left-taken
		if c.n == len(c.dst) && far&kindOther == 0 && dist <= c.n-c.start {
			return stopOutput
		}
		d.bits, d.left = bits, left
		if far&kindOther != 0 {
			return stopNoCodeword
		}
		if dist > c.n-c.start {
			return stopTooFar
		}
		d.copyLeft, d.copyDist = length, dist
	}
}

// copyMatch copies as much as there is room for of the match at hand, and says whether that was all.
func (d *Decoder) copyMatch(c *cursor) bool {
	n := min(d.copyLeft, len(c.dst)-c.n)
	d.copyLeft -= n
	for end := c.n + n; c.n < end; {
		// What is already copied is copied on, so that each step may be larger.
		c.n += copy(c.dst[c.n:end], c.dst[c.n-d.copyDist:c.n])
	}
	return d.copyLeft == 0
}
