package table

// Pages are cut by their rows and bytes, whatever the encoding makes of them:
// a reader that skips by the page index skips the same rows in all columns, and
// arrow-go would put a whole dictionary column into one page.
const (
	pageRows  = 32 << 10
	pageBytes = 1 << 20
)

// cut is where a page begins.
type cut struct{ level, value int }

// levels are the repetition and definition levels of a leaf column; nil where
// the column has none.
type levels struct {
	n        int
	rep, def []int16
	maxDef   int16
	noneNull bool // all values are there
}

// cuts says where pages begin, and where the last one ends. The bytes are those
// of the values in offsets, if they are text.
func (l *levels) cuts(offsets []int32) []cut {
	out := []cut{{}}
	if l.rep == nil && l.noneNull && offsets == nil {
		for at := pageRows; at < l.n; at += pageRows {
			out = append(out, cut{at, at})
		}
		return append(out, cut{l.n, l.n})
	}
	rows, value, begun := 0, 0, int32(0)
	if offsets != nil {
		begun = offsets[0]
	}
	for i := range l.n {
		if l.rep == nil || l.rep[i] == 0 {
			if rows == pageRows || offsets != nil && rows > 0 && offsets[value]-begun > pageBytes {
				out = append(out, cut{i, value})
				rows = 0
				if offsets != nil {
					begun = offsets[value]
				}
			}
			rows++
		}
		if l.def == nil || l.def[i] == l.maxDef {
			value++
		}
	}
	return append(out, cut{l.n, value})
}

// part is the levels from one cut to another, as arrow-go takes them.
func (l *levels) part(from, to cut) (def, rep []int16) {
	if l.def != nil {
		def = l.def[from.level:to.level]
	}
	if l.rep != nil {
		rep = l.rep[from.level:to.level]
	}
	return def, rep
}
