package inflate

import (
	"bytes"
	stdflate "compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/flate"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(5, 6)) }

// compressor makes a DEFLATE stream.
type compressor struct {
	name  string
	write func(w io.Writer, data []byte) error
}

// compressors are all there are at hand, at all their levels.
func compressors() []compressor {
	var all []compressor
	for level := stdflate.HuffmanOnly; level <= stdflate.BestCompression; level++ {
		all = append(all, compressor{fmt.Sprintf("compress/flate %d", level), func(w io.Writer, data []byte) error {
			f, err := stdflate.NewWriter(w, level)
			if err != nil {
				return err
			}
			return writeInParts(f, f.Flush, f.Close, data)
		}})
	}
	for level := flate.ConstantCompression; level <= flate.BestCompression; level++ {
		all = append(all, compressor{fmt.Sprintf("klauspost %d", level), func(w io.Writer, data []byte) error {
			f, err := flate.NewWriter(w, level)
			if err != nil {
				return err
			}
			return writeInParts(f, f.Flush, f.Close, data)
		}})
	}
	return append(all, compressor{"klauspost stateless", func(w io.Writer, data []byte) error {
		return flate.StatelessDeflate(w, data, true, nil)
	}})
}

// writeInParts flushes once in the midst, so that there is an empty stored block.
func writeInParts(w io.Writer, flush, end func() error, data []byte) error {
	half := len(data) / 2
	if _, err := w.Write(data[:half]); err != nil {
		return err
	}
	if half > 1000 {
		if err := flush(); err != nil {
			return err
		}
	}
	if _, err := w.Write(data[half:]); err != nil {
		return err
	}
	return end()
}

func (c compressor) compress(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.write(&b, data); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return b.Bytes()
}

// outcome is all that decoding can answer.
type outcome struct {
	data []byte
	end  End
	err  error
}

func (o outcome) same(p outcome) bool {
	return bytes.Equal(o.data, p.data) && o.end == p.end && fmt.Sprint(o.err) == fmt.Sprint(p.err)
}

func (o outcome) String() string {
	return fmt.Sprintf("%d bytes, %+v, %v", len(o.data), o.end, o.err)
}

// decoders are kept, so that what one stream leaves behind meets the next.
type decoders struct {
	decoder Decoder
	window  *Window
}

func newDecoders() *decoders { return &decoders{window: NewWindow()} }

// inflate decodes the stream at the beginning of src in all ways that there are, and fails unless all agree.
func (d *decoders) inflate(t testing.TB, src []byte) outcome {
	t.Helper()
	grown := d.append(nil, src, 1<<30)
	ways := map[string]outcome{
		"window":              d.next(src, len(src)),
		"window, 1000 bytes":  d.next(src, 1000),
		"behind other bytes":  d.append([]byte("behind"), src, 1<<30),
		"room for more":       d.append(make([]byte, 0, len(grown.data)+1000), src, 1<<30),
		"room for exactly it": d.append(make([]byte, 0, len(grown.data)), src, max(len(grown.data), 1)),
	}
	if len(src) < 5_000 {
		ways["window, 1 byte"] = d.next(src, 1)
	}
	for name, o := range ways {
		if name == "room for exactly it" && errors.Is(o.err, ErrTooLong) && grown.err != nil {
			continue // what fits not shows first
		}
		if !o.same(grown) {
			t.Fatalf("%s: %v, but %v", name, o, grown)
		}
	}
	return grown
}

func (d *decoders) append(dst, src []byte, limitBytes int) outcome {
	before := len(dst)
	out, end, err := d.decoder.Append(dst, src, limitBytes)
	if err != nil && len(out) != before || before > 0 && string(out[:before]) != "behind" {
		return outcome{err: errors.New("what was there is lost")}
	}
	return outcome{bytes.Clone(out[before:]), end, err}
}

// next decodes through the window. The source comes in pieces, each a little longer where no data came of it.
func (d *decoders) next(src []byte, pieceBytes int) outcome {
	d.window.Reset()
	var all []byte
	for n := min(pieceBytes, len(src)); ; n = min(n+pieceBytes, len(src)) {
		data, used, done, err := d.window.Next(src[:n:n], n == len(src))
		if err != nil {
			return outcome{err: err}
		}
		all = append(all, data...)
		if src, n = src[used:], n-used; done {
			return outcome{data: all, end: d.window.End()}
		}
	}
}

// reference is what another decoder makes of the stream at the beginning of src: the data, and how much of src it uses up.
func reference(r io.Reader, src *bytes.Reader) (data []byte, sizeBytes int64, err error) {
	data, err = io.ReadAll(r)
	return data, src.Size() - int64(src.Len()), err
}

// check decodes a stream and fails unless the answer is the standard library's and klauspost/compress's.
func (d *decoders) check(t testing.TB, src []byte) outcome {
	t.Helper()
	got := d.inflate(t, src)
	r := bytes.NewReader(src)
	want, sizeBytes, err := reference(stdflate.NewReader(r), r)
	checkAgainst(t, "compress/flate", src, got, want, sizeBytes, err)
	r.Reset(src)
	if corrupt := new(CorruptError); errors.As(got.err, &corrupt) && corrupt.Detail == faults[stopNoCodeword] {
		return got // klauspost/compress may find a symbol: see TestSecondBlockWithoutDistances
	}
	want, sizeBytes, err = reference(flate.NewReader(r), r)
	checkAgainst(t, "klauspost/compress", src, got, want, sizeBytes, err)
	return got
}

func checkAgainst(t testing.TB, name string, src []byte, got outcome, want []byte, sizeBytes int64, err error) {
	t.Helper()
	var corrupt *CorruptError
	switch {
	case err == nil && got.err == nil:
		if !bytes.Equal(got.data, want) || got.end.SizeBytes != sizeBytes {
			t.Fatalf("%v; %s has %d bytes from %d", got, name, len(want), sizeBytes)
		}
		checkEnd(t, src, got)
	case err == nil || got.err == nil:
		t.Fatalf("%v; %s: %v", got, name, err)
	case errors.Is(got.err, ErrTruncated):
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%v; %s: %v", got.err, name, err)
		}
	case errors.As(got.err, &corrupt):
		if corrupt.Offset < 1 || corrupt.Offset > int64(len(src)) || corrupt.Detail == "" {
			t.Fatalf("%v, of %d bytes", got.err, len(src))
		}
		// Others read on in a block without an end, and read as many bits ahead as the end of a block takes.
		if errors.Is(err, io.ErrUnexpectedEOF) && corrupt.Detail != faults[stopNoEnd] && corrupt.Offset < int64(len(src))-3 {
			t.Fatalf("%v; %s: %v", got.err, name, err)
		}
	default:
		t.Fatalf("%v is neither truncated nor corrupt", got.err)
	}
}

// checkEnd does what the end of a stream is for: it takes the last block's final bit away and appends another block.
func checkEnd(t testing.TB, src []byte, got outcome) {
	t.Helper()
	longer := bytes.Clone(src[:got.end.SizeBytes])
	at, bit := got.end.FinalBit/8, byte(1)<<(got.end.FinalBit%8)
	if longer[at]&bit == 0 {
		t.Fatalf("bit %d is no final bit", got.end.FinalBit)
	}
	longer[at] &^= bit
	free := 8 - got.end.LastBits
	if got.end.LastBits < 1 || free < 0 {
		t.Fatalf("%d bits of the last byte", got.end.LastBits)
	}
	// A final stored block with one byte: 3 bits of header, which are 1, 0, 0, then nothing up to a whole byte.
	header := 1 << got.end.LastBits
	longer[len(longer)-1] = longer[len(longer)-1]&byte(header-1) | byte(header)
	if free < 3 {
		longer = append(longer, byte(header>>8))
	}
	longer = append(longer, 1, 0, 0xfe, 0xff, '!')
	data, err := io.ReadAll(stdflate.NewReader(bytes.NewReader(longer)))
	if err != nil || len(data) != len(got.data)+1 || !bytes.HasPrefix(data, got.data) || data[len(data)-1] != '!' {
		t.Fatalf("%+v: with another block there are %d bytes, %v, want %d", got.end, len(data), err, len(got.data)+1)
	}
}

// bitWriter puts together streams that no compressor makes.
type bitWriter struct {
	b    []byte
	bits uint
	n    int
}

// put appends the n lowest bits of v, the lowest first.
func (w *bitWriter) put(v, n int) {
	w.bits |= uint(v) << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.bits))
		w.bits >>= 8
	}
}

// bytes is all that was put, the last byte filled up with zeros.
func (w *bitWriter) bytes() []byte {
	if w.n == 0 {
		return w.b
	}
	return append(bytes.Clone(w.b), byte(w.bits))
}

// dynamic appends the header of a final dynamic block whose codeword lengths are given, all of them written out.
func (w *bitWriter) dynamic(litlens, dists []int) {
	w.put(1, 1)
	w.put(2, 2)
	w.put(len(litlens)-257, 5)
	w.put(len(dists)-1, 5)
	w.lengths(slices.Concat(litlens, dists))
}

// lengths appends the code for code lengths, in which 0 to 15 have 4 bits each, and the lengths.
func (w *bitWriter) lengths(lengths []int) {
	w.put(numPrecode-4, 4)
	for _, sym := range precodeOrder {
		if sym < 16 {
			w.put(4, 3)
		} else {
			w.put(0, 3)
		}
	}
	for _, n := range lengths {
		w.codeword(n, 4)
	}
}

// codeword appends a codeword of n bits, its first bit first.
func (w *bitWriter) codeword(v, n int) {
	for n--; n >= 0; n-- {
		w.put(v>>n&1, 1)
	}
}

// lengthsOf are the codeword lengths of n symbols, of which those named have one.
func lengthsOf(n int, named map[int]int) []int {
	lengths := make([]int, n)
	for sym, bits := range named {
		lengths[sym] = bits
	}
	return lengths
}
