package orc

import "fmt"

// rawReader gives the bytes of a stream without run lengths: strings, floating point numbers, decimals.
type rawReader struct{ stream }

func (r *rawReader) indexed() indexed { return indexed{stream: &r.stream} }

func (r *rawReader) seek(g int) error {
	if !r.exists {
		return nil
	}
	return r.stream.seek(g)
}

func (r *rawReader) at(g int) error {
	if !r.exists {
		return nil
	}
	if r.groupPlace(g) != r.place() {
		return fmt.Errorf("row group %d begins elsewhere than the row index says", g)
	}
	return nil
}
