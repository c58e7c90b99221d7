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
		if entry&flagSpecial != 0 && entry&flagSubtable != 0 {
			if left < litlenBits {
				return stopInput
			}
			bits, left = bits>>litlenBits, left-litlenBits
			entry = d.litlen[uint64(entry>>subtableShift)+bits&(1<<(entry>>codewordShift&15)-1)]
		}
		codeword, used := uint64(entry>>codewordShift&15), uint64(entry&63)
		if entry >= oneLiteral {
			if codeword > left {
				return stopInput
			}
			if c.n == len(c.dst) {
				return stopOutput
			}
			// The first of two literals: the second may be more than there is.
			c.dst[c.n] = byte(entry >> literalShift)
			c.n++
			d.bits, d.left = bits>>codeword, left-codeword
			continue
		}
		if used > left {
			return stopInput
		}
		if entry&flagSpecial != 0 {
			d.bits, d.left = bits>>used, left-used
			if entry&flagEndOfBlock == 0 {
				return stopCorrupt
			}
			return d.endBlock()
		}
		length := int(entry>>lengthBaseShift) + int(uint32(bits>>codeword)&(entry>>lengthMaskShift&31))
		bits, left = bits>>used, left-used

		far := d.dist[bits&(1<<distBits-1)]
		if far&flagSpecial != 0 && far&flagSubtable != 0 {
			if left < distBits {
				return stopInput
			}
			bits, left = bits>>distBits, left-distBits
			far = d.dist[far>>subtableShift+bits&(1<<(far>>codewordShift&15)-1)]
		}
		codeword, used = far>>codewordShift&15, far&63
		if used > left {
			return stopInput
		}
		if far&flagSpecial != 0 {
			d.bits, d.left = bits>>used, left-used
			return stopCorrupt
		}
		dist := int(uint16(far>>distBaseShift)) + int(bits>>codeword&(far>>distMaskShift))
		if dist > c.n-c.start {
			d.bits, d.left = bits>>used, left-used
			return stopCorrupt
		}
		if c.n == len(c.dst) {
			return stopOutput
		}
		d.bits, d.left = bits>>used, left-used
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
