package table

// leaf is a column of the file, with the values that are there, in order.
type leaf struct {
	layout *layout
	values vector // without nulls
	levels levels
}

// flatLeaf makes a column that is not nested a leaf.
func flatLeaf(l *layout, s *scratch, v *vector) leaf {
	out := leaf{layout: l, values: *v, levels: levels{n: v.n, noneNull: v.valid == nil}}
	if !l.nullable {
		return out
	}
	out.levels.maxDef = 1
	if v.valid == nil {
		out.levels.def = s.ones(v.n)
		return out
	}
	out.levels.def = allocate[int16](&s.arena, v.n)
	there := allocate[int32](&s.arena, v.n)
	n := 0
	for i, valid := range v.valid {
		out.levels.def[i] = int16(valid)
		there[n] = int32(i)
		n += int(valid)
	}
	out.values = v.gather(l, &s.arena, there[:n])
	out.values.valid = nil
	return out
}

// place is a position in the path to a leaf: of a value, or of the null or the
// empty list that it ended at.
type place struct {
	at       int32 // index in the vector at hand; ended if negative
	rep, def int16
}

const ended = -1

// shred takes a nested column apart into its leaves, as the Dremel paper does:
// a definition level counts the optional and repeated fields of the path that
// are there, a repetition level says at which repeated one a list goes on.
func shred(l *layout, v *vector) []leaf {
	places := make([]place, v.n)
	for i := range places {
		places[i].at = int32(i)
	}
	var out []leaf
	shredInto(&out, l, v, places, 0, 0)
	return out
}

func shredInto(out *[]leaf, l *layout, v *vector, places []place, maxDef, maxRep int16) {
	if l.nullable {
		maxDef++
		there := make([]place, len(places))
		for i, p := range places {
			if p.at != ended {
				if v.valid != nil && v.valid[p.at] == 0 {
					p.at = ended
				} else {
					p.def++
				}
			}
			there[i] = p
		}
		places = there
	}
	switch l.kind {
	case record:
		for i := range l.children {
			shredInto(out, &l.children[i], &v.children[i], places, maxDef, maxRep)
		}
	case list:
		shredInto(out, &l.children[0], &v.children[0], elements(v, places, maxRep+1), maxDef+1, maxRep+1)
	default:
		*out = append(*out, newLeaf(l, v, places, maxDef, maxRep))
	}
}

// elements goes from lists to their elements.
func elements(v *vector, places []place, rep int16) []place {
	var out []place
	for _, p := range places {
		if p.at == ended {
			out = append(out, p)
			continue
		}
		start, end := v.offsets[p.at], v.offsets[p.at+1]
		if start == end {
			p.at = ended
			out = append(out, p)
			continue
		}
		for e := start; e < end; e++ {
			element := place{at: e, rep: rep, def: p.def + 1}
			if e == start {
				element.rep = p.rep
			}
			out = append(out, element)
		}
	}
	return out
}

func newLeaf(l *layout, v *vector, places []place, maxDef, maxRep int16) leaf {
	out := leaf{layout: l, levels: levels{n: len(places), maxDef: maxDef}}
	if maxDef > 0 {
		out.levels.def = make([]int16, len(places))
	}
	if maxRep > 0 {
		out.levels.rep = make([]int16, len(places))
	}
	there := make([]int32, 0, len(places))
	for i, p := range places {
		if maxDef > 0 {
			out.levels.def[i] = p.def
		}
		if maxRep > 0 {
			out.levels.rep[i] = p.rep
		}
		if p.at != ended {
			there = append(there, p.at)
		}
	}
	out.levels.noneNull = len(there) == len(places)
	out.values = v.gather(l, nil, there)
	out.values.valid = nil
	return out
}
