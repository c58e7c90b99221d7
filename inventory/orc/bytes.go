package orc

import "slices"

// byteReader decodes a stream of run length encoded bytes (specification, "Byte Run Length Encoding"). Runs may cross the
// borders of batches and row groups.
type byteReader struct {
	stream
	marks
	left    int  // bytes of the run still to be given
	literal bool // they lie in the stream; otherwise each is value
	value   byte
}

func (r *byteReader) reset() {
	r.marks.reset()
	r.left = 0
}

func (r *byteReader) indexed() indexed { return indexed{stream: &r.stream, values: true} }

// start reads the control byte of the next run, and its value if it has one.
func (r *byteReader) start() error {
	if err := r.need(1); err != nil {
		return err
	}
	if err := r.pass(&r.stream); err != nil {
		return err
	}
	if err := r.need(2); err != nil {
		return err
	}
	b := r.unread()
	if len(b) < 2 {
		return errShort
	}
	if control := int(int8(b[0])); control >= 0 {
		r.left, r.literal, r.value = control+3, false, b[1]
		r.next += 2
	} else {
		r.left, r.literal = -control, true
		r.next++
	}
	r.count += int64(r.left)
	return nil
}

// read fills dst. It reports whether all of it is equal.
func (r *byteReader) read(dst []byte) (constant bool, err error) {
	all := dst
	constant = true
	for len(dst) > 0 {
		if r.left == 0 {
			if err := r.start(); err != nil {
				return false, err
			}
		}
		n := min(r.left, len(dst))
		if !r.literal {
			for i := range dst[:n] {
				dst[i] = r.value
			}
			constant = constant && all[0] == r.value
		} else {
			if err := r.need(1); err != nil {
				return false, err
			}
			b := r.unread()
			if len(b) == 0 {
				return false, errShort
			}
			n = copy(dst[:n], b)
			r.next += n
			constant = constant && !slices.ContainsFunc(dst[:n], func(b byte) bool { return b != all[0] })
		}
		r.left -= n
		dst = dst[n:]
	}
	return constant, nil
}

func (r *byteReader) skip(n int64) error {
	var scrap [512]byte
	for n > 0 {
		part := min(n, int64(len(scrap)))
		if _, err := r.read(scrap[:part]); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

func (r *byteReader) seek(g int) error {
	if !r.exists {
		return nil
	}
	n, err := r.marks.seek(&r.stream, g, int64(r.left))
	if err != nil {
		return err
	}
	if !r.marks.passed(g) {
		r.left = 0
	}
	return r.skip(n)
}

func (r *byteReader) at(g int) error {
	if !r.exists {
		return nil
	}
	return r.marks.at(&r.stream, g, int64(r.left))
}

func (r *byteReader) end() error {
	if r.left > 0 {
		return errLong
	}
	return r.stream.end()
}
