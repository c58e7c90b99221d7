package inventory

// Progress is told how far a long reading is. An implementation is safe for
// concurrent use; a nil Progress is told nothing.
type Progress interface {
	// Total says how much there is, once it is known; 0 is unknown.
	Total(objects, bytes int64)
	// Add says that so much more was read: rows, and bytes of the report.
	Add(objects, bytes int64)
}

type noProgress struct{}

func (noProgress) Total(int64, int64) {}
func (noProgress) Add(int64, int64)   {}

func orNone(p Progress) Progress {
	if p == nil {
		return noProgress{}
	}
	return p
}

// countedProgress counts for the groups how much of the report was read.
type countedProgress struct {
	Progress
	groups *groups
}

func (p *countedProgress) Add(objects, bytes int64) {
	p.groups.readBytes.Add(bytes)
	p.Progress.Add(objects, bytes)
}
