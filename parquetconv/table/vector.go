package table

// vector is a run of values of a column. Its slices may be views of another
// one's memory; nobody writes to them once they are filled.
type vector struct {
	n     int
	valid []byte // a byte a value, 0 where it is null; nil where none is

	fixed []byte // fixed values, or codes of text
	// coded is how many bytes a code of text has: 1, 2 or 4; 0 for text as it is.
	// Codes below base are of the writer's dictionary of the column, others
	// number the texts in offsets and data.
	coded int
	base  uint32

	offsets  []int32 // of text in data, of a list's elements in its child; n+1 of them, without codes
	data     []byte
	children []vector
}

// noBase is the base of codes that are all of the dictionary.
const noBase = 1<<32 - 1

// fixedWidth is how many bytes a value takes in v.fixed.
func (v *vector) fixedWidth(l *layout) int {
	if v.coded > 0 {
		return v.coded
	}
	return l.width
}

// sizeBytes is what the values take in memory, without a dictionary.
func (v *vector) sizeBytes(l *layout) int64 { return v.rangeBytes(l, 0, v.n) }

func (v *vector) rangeBytes(l *layout, start, end int) int64 {
	n := int64(end - start)
	size := n * int64(v.fixedWidth(l))
	if v.valid != nil {
		size += n
	}
	switch {
	case v.coded > 0:
	case l.kind == text:
		size += 4*n + int64(v.offsets[end]-v.offsets[start])
	case l.kind == list:
		size += 4*n + v.children[0].rangeBytes(&l.children[0], int(v.offsets[start]), int(v.offsets[end]))
	case l.kind == record:
		for i := range v.children {
			size += v.children[i].rangeBytes(&l.children[i], start, end)
		}
	}
	return size
}

// slice is a view of the values from start up to end.
func (v *vector) slice(l *layout, start, end int) vector {
	out := vector{n: end - start, coded: v.coded, base: v.base, data: v.data}
	if v.valid != nil {
		out.valid = v.valid[start:end]
	}
	if w := v.fixedWidth(l); w > 0 {
		out.fixed, out.offsets = v.fixed[start*w:end*w], v.offsets
		return out
	}
	if l.kind == record {
		out.children = make([]vector, len(v.children))
		for i := range v.children {
			out.children[i] = v.children[i].slice(&l.children[i], start, end)
		}
		return out
	}
	out.offsets = v.offsets[start : end+1]
	out.children = v.children
	return out
}

// gather copies the values at the indexes, in their order.
func (v *vector) gather(l *layout, a *arena, order []int32) vector {
	out := vector{n: len(order), coded: v.coded, base: v.base}
	if v.valid != nil {
		out.valid = a.bytes(len(order))
		pick(out.valid, v.valid, order)
	}
	if w := v.fixedWidth(l); w > 0 {
		out.fixed = a.bytes(len(order) * w)
		pickFixed(out.fixed, v.fixed, w, order)
		out.offsets, out.data = v.offsets, v.data
		return out
	}
	if l.kind == record {
		out.children = make([]vector, len(v.children))
		for i := range v.children {
			out.children[i] = v.children[i].gather(&l.children[i], a, order)
		}
		return out
	}
	out.offsets = allocate[int32](a, len(order)+1)
	total := int32(0)
	for i, at := range order {
		out.offsets[i] = total
		total += v.offsets[at+1] - v.offsets[at]
	}
	out.offsets[len(order)] = total
	if l.kind == text {
		out.data = a.bytes(int(total))
		to := 0
		for _, at := range order {
			to += copy(out.data[to:], v.data[v.offsets[at]:v.offsets[at+1]])
		}
		return out
	}
	elements := allocate[int32](a, int(total))
	i := 0
	for _, at := range order {
		for e := v.offsets[at]; e < v.offsets[at+1]; e++ {
			elements[i] = e
			i++
		}
	}
	out.children = []vector{v.children[0].gather(&l.children[0], a, elements)}
	return out
}

// pickFixed is pick for values of a width.
func pickFixed(to, from []byte, width int, order []int32) {
	switch width {
	case 1:
		pick(to, from, order)
	case 2:
		pick(as[uint16](to), as[uint16](from), order)
	case 4:
		pick(as[uint32](to), as[uint32](from), order)
	case 8:
		pick(as[uint64](to), as[uint64](from), order)
	default:
		pick(as[[2]uint64](to), as[[2]uint64](from), order)
	}
}

func pick[T any](to, from []T, order []int32) {
	to = to[:len(order)]
	for i, at := range order {
		to[i] = from[at]
	}
}

// concat puts vectors of a column one behind the other. dictionaryLen is how
// many entries the column's dictionary has.
func concat(l *layout, a *arena, dictionaryLen int, vs []vector) vector {
	if len(vs) == 1 {
		return vs[0]
	}
	out := vector{}
	nulls := false
	for i := range vs {
		out.n += vs[i].n
		nulls = nulls || vs[i].valid != nil
	}
	if nulls {
		out.valid = concatValid(a, out.n, vs)
	}
	switch l.kind {
	case fixed:
		out.fixed = a.bytes(out.n * l.width)
		at := 0
		for i := range vs {
			at += copy(out.fixed[at:], vs[i].fixed)
		}
	case record:
		out.children = make([]vector, len(l.children))
		parts := make([]vector, len(vs))
		for c := range l.children {
			for i := range vs {
				parts[i] = vs[i].children[c]
			}
			out.children[c] = concat(&l.children[c], a, 0, parts)
		}
	case list:
		out.offsets = concatOffsets(a, vs)
		parts := make([]vector, len(vs))
		for i := range vs {
			parts[i] = vs[i].children[0].slice(&l.children[0], int(vs[i].offsets[0]), int(vs[i].offsets[vs[i].n]))
		}
		out.children = []vector{concat(&l.children[0], a, 0, parts)}
	default:
		concatText(&out, a, dictionaryLen, vs)
	}
	return out
}

// concatText makes codes as wide as the widest ones. Where there are codes and
// text as it is, the text gets codes behind those of the dictionary.
func concatText(out *vector, a *arena, dictionaryLen int, vs []vector) {
	coded, own := 0, false
	for i := range vs {
		coded = max(coded, vs[i].coded)
		own = own || len(vs[i].offsets) > 0
	}
	if own {
		out.offsets = concatOffsets(a, vs)
		out.data = a.bytes(int(out.offsets[len(out.offsets)-1]))
		at := 0
		for i := range vs {
			if o := vs[i].offsets; len(o) > 0 {
				at += copy(out.data[at:], vs[i].data[o[0]:o[len(o)-1]])
			}
		}
	}
	if coded == 0 {
		return
	}
	out.coded, out.base = coded, noBase
	if own {
		out.coded, out.base = 4, uint32(dictionaryLen)
	}
	out.fixed = a.bytes(out.n * out.coded)
	next := out.base
	at := 0
	for i := range vs {
		to := out.fixed[at : at+vs[i].n*out.coded]
		at += len(to)
		switch {
		case vs[i].coded == 0:
			codes := as[uint32](to)
			for j := range codes {
				codes[j] = next + uint32(j)
			}
		case len(vs[i].offsets) > 0:
			from, codes := as[uint32](vs[i].fixed), as[uint32](to)
			for j, c := range from {
				if c >= vs[i].base {
					c += next - vs[i].base
				}
				codes[j] = c
			}
		default:
			widen(to, out.coded, vs[i].fixed, vs[i].coded)
		}
		next += uint32(max(0, len(vs[i].offsets)-1))
	}
}

func concatValid(a *arena, n int, vs []vector) []byte {
	out := a.bytes(n)
	at := 0
	for i := range vs {
		if vs[i].valid != nil {
			copy(out[at:], vs[i].valid)
		} else {
			part := out[at : at+vs[i].n]
			for j := range part {
				part[j] = 1
			}
		}
		at += vs[i].n
	}
	return out
}

// concatOffsets puts offsets one behind the other; those that a vector of codes
// lacks are none.
func concatOffsets(a *arena, vs []vector) []int32 {
	n := 1
	for i := range vs {
		n += max(0, len(vs[i].offsets)-1)
	}
	out := allocate[int32](a, n)
	at, base := 0, int32(0)
	for i := range vs {
		from := vs[i].offsets
		if len(from) == 0 {
			continue
		}
		shift := base - from[0]
		for _, o := range from[:len(from)-1] {
			out[at] = o + shift
			at++
		}
		base = from[len(from)-1] + shift
	}
	out[at] = base
	return out
}

// widen copies codes into wider ones.
func widen(to []byte, toWidth int, from []byte, fromWidth int) {
	switch {
	case toWidth == fromWidth:
		copy(to, from)
	case toWidth == 2:
		convert(as[uint16](to), from)
	case fromWidth == 1:
		convert(as[uint32](to), from)
	default:
		convert(as[uint32](to), as[uint16](from))
	}
}

func convert[T, F uint8 | uint16 | uint32](to []T, from []F) {
	to = to[:len(from)]
	for i, c := range from {
		to[i] = T(c)
	}
}

// codes are the vector's codes, 4 bytes each.
func (v *vector) codes(a *arena) []uint32 {
	if v.coded == 4 {
		return as[uint32](v.fixed)
	}
	out := allocate[uint32](a, v.n)
	widen(asBytes(out), 4, v.fixed, v.coded)
	return out
}
