package orc

import "fmt"

// marks follow where in a run length encoded stream the row groups begin: the row index names the start of a run and a number
// of values behind it. Runs are passed in order, and each place that the index names must be the start of one.
type marks struct {
	count   int64   // values of all runs that were begun
	passing int     // the first row group whose run was not begun yet
	values  []int64 // by row group below passing: count at the start of its run
}

func (m *marks) reset() { m.count, m.passing = 0, 0 }

// pass is called where a run begins.
func (m *marks) pass(s *stream) error {
	for m.passing < len(s.positions) {
		place := s.groupPlace(m.passing)
		if place > s.place() {
			return nil
		}
		if place < s.place() {
			return fmt.Errorf("row group %d: %w", m.passing, errMark)
		}
		m.values = append(m.values[:m.passing], m.count)
		m.passing++
	}
	return nil
}

// seek moves s to the run in which row group g begins, unless that run was begun already, and returns how many values are to be
// passed over then. left is the number of values of the present run that were not given yet; they are void if the run of g was
// not begun, which passed tells.
func (m *marks) seek(s *stream, g int, left int64) (skip int64, err error) {
	if m.passed(g) {
		if skip = m.values[g] + int64(s.positions[g].values) - (m.count - left); skip < 0 {
			return 0, fmt.Errorf("row group %d: the row index points backwards", g)
		}
		return skip, nil
	}
	if err := s.seek(g); err != nil {
		return 0, err
	}
	m.values = resize(m.values, g)
	m.passing = g
	return int64(s.positions[g].values), nil
}

func (m *marks) passed(g int) bool { return g < m.passing }

// at checks that row group g begins with the next value, where left values of the present run were not given yet.
func (m *marks) at(s *stream, g int, left int64) error {
	if m.passed(g) {
		if n := m.values[g] + int64(s.positions[g].values); n != m.count-left {
			return fmt.Errorf("row group %d begins %d values from where the row index says", g, m.count-left-n)
		}
		return nil
	}
	if left != 0 || s.positions[g].values != 0 || s.groupPlace(g) != s.place() {
		return fmt.Errorf("row group %d begins elsewhere than the row index says", g)
	}
	return nil
}
