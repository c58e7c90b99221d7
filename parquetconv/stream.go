package parquetconv

import (
	"context"

	"github.com/s3compact/s3compact/parquetconv/rows"
)

// stream is what one task reads: units that may be read at the same time, in
// their order.
type stream struct {
	originals []original // by number, without gaps
	units     chan *unit
}

// unit is what one scan reads, as it comes.
type unit struct{ items chan item }

// item is a piece of what was read: a block of rows, and the originals that end
// with it.
type item struct {
	block *rows.Block
	ends  []end
}

// end is that of an original: it is loaded, or refused.
type end struct {
	original *original
	from     *original // where it was read
	refused  *Refusal
}

// unitsAhead is how many units of a stream may be at work behind the one that is collected.
const unitsAhead = 2

func newStream(t *task) *stream {
	return &stream{originals: t.originals, units: make(chan *unit, unitsAhead)}
}

// original is the one with a number.
func (s *stream) original(number int) *original { return &s.originals[number-s.originals[0].number] }

// next begins a unit, which goes on while no more than room items wait.
func (s *stream) next(ctx context.Context, room int) (*unit, error) {
	u := &unit{items: make(chan item, room)}
	select {
	case s.units <- u:
		return u, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// receive is the next of what a channel brings; ok is false at its end.
func receive[T any](ctx context.Context, from <-chan T) (v T, ok bool, err error) {
	select {
	case v, ok = <-from:
		return v, ok, nil
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
}

// each hands on the items of a stream.
func (s *stream) each(ctx context.Context, take func(item) error) error {
	for {
		u, ok, err := receive(ctx, s.units)
		if err != nil || !ok {
			return err
		}
		for {
			i, ok, err := receive(ctx, u.items)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := take(i); err != nil {
				return err
			}
		}
	}
}
