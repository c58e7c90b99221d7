package inflate

// Sizes of a Window's buffer: what matches can reach back for, and what is inflated at a time, which with the tables should
// stay in the processor's second-level cache.
const (
	historyBytes = 32 << 10
	pieceBytes   = 64 << 10
)

// Window inflates DEFLATE streams one after another through a buffer of fixed size: about 115 KiB with the tables, whatever
// a stream inflates to, and nothing allocated after [NewWindow]. It is not safe for concurrent use.
type Window struct {
	decoder Decoder
	buffer  []byte
	n       int // bytes of buffer in use
	end     End
}

// NewWindow makes a Window, ready for a stream.
func NewWindow() *Window {
	return &Window{buffer: make([]byte, historyBytes+pieceBytes)}
}

// Reset begins another stream.
func (w *Window) Reset() {
	w.decoder.reset()
	w.n = 0
}

// Next inflates on: src is what follows in the stream. It returns data that was inflated, valid until the next call, how many
// bytes of src are used up, and whether the stream is complete with that. The rest of src must come again, with more
// behind it where there was no data; last says that there is no more. The bytes are never more than a few hundred unless
// there was data.
//
// The error is ErrTruncated or a [*CorruptError]; data that was inflated before the fault is lost.
func (w *Window) Next(src []byte, last bool) (data []byte, usedBytes int, done bool, err error) {
	if len(w.buffer)-w.n < fastOutputBytes {
		copy(w.buffer, w.buffer[w.n-historyBytes:w.n])
		w.n = historyBytes
	}
	c := cursor{src: src, dst: w.buffer, n: w.n, early: true}
	why := w.decoder.decode(&c)
	switch why {
	case stopDone:
		w.end = w.decoder.end(&c)
	case stopInput:
		if last {
			return nil, 0, false, ErrTruncated
		}
	case stopOutput:
	default:
		return nil, 0, false, w.decoder.corrupt(&c, why)
	}
	data, w.n = w.buffer[w.n:c.n], c.n
	w.decoder.at += int64(c.pos)
	return data, c.pos, why == stopDone, nil
}

// End is where the stream that was completed last ends.
func (w *Window) End() End { return w.end }
