package inflate

import (
	"bytes"
	stdflate "compress/flate"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// samples are data of all kinds, smaller and larger than windows and pieces.
func samples() map[string][]byte {
	rng := newRand()
	lines, keys := new(bytes.Buffer), new(bytes.Buffer)
	for i := range 2_500 {
		fmt.Fprintf(lines, `{"time":"2024-05-01T12:%02d:%02d.%03dZ","status":%d,"path":"/v1/items/%d","client":"10.%d.%d.%d"}`+"\n",
			i/250, i/5%60, rng.IntN(1000), 200+rng.IntN(4)*100, rng.IntN(100_000), rng.IntN(4), rng.IntN(256), rng.IntN(256))
		fmt.Fprintf(keys, "14184/2024/05/%02d/log-%08x.json.gz", 1+i/400, rng.Uint32())
	}
	random := make([]byte, 150_000)
	few := make([]byte, 100_000) // literals with codewords of all lengths
	skewed := make([]byte, 120_000)
	short := make([]byte, 0, 200_000) // repetitions of short patterns
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	for i := range few {
		few[i] = byte(bitsLeading(rng.Uint64()) * 7)
	}
	for i := range skewed {
		skewed[i] = byte(min(255, int(rng.ExpFloat64()*20)))
	}
	for len(short) < 190_000 {
		pattern := random[rng.IntN(1000):][:1+rng.IntN(20)]
		short = append(short, bytes.Repeat(pattern, 1+rng.IntN(40))...)
	}
	return map[string][]byte{
		"nothing": nil, "a byte": []byte("a"), "a word": []byte("inflate"), "a pattern": bytes.Repeat([]byte("abc"), 5),
		"log lines": lines.Bytes(), "keys": keys.Bytes(), "random bytes": random, "few bytes": few, "skewed bytes": skewed,
		"short patterns": short, "zeros": make([]byte, 400_000),
		"far apart": append(append(bytes.Clone(random[:1000]), make([]byte, 31_768)...), random[:1000]...), // at 32 KiB
	}
}

func bitsLeading(v uint64) (n int) {
	for ; v>>63 == 0 && n < 63; v <<= 1 {
		n++
	}
	return n
}

func TestAllCompressors(t *testing.T) {
	all := samples()
	d := newDecoders()
	for _, c := range compressors() {
		for name, data := range all {
			stream := c.compress(t, data)
			got := d.check(t, stream)
			if got.err != nil || !bytes.Equal(got.data, data) || got.end.SizeBytes != int64(len(stream)) {
				t.Errorf("%s, %s: %v, want %d bytes", c.name, name, got, len(data))
			}
			// What follows the stream is not its own.
			if behind := d.inflate(t, append(bytes.Clone(stream), "what follows it, longer than what is read ahead"...)); !behind.same(got) {
				t.Errorf("%s, %s, with bytes behind it: %v, want %v", c.name, name, behind, got)
			}
		}
	}
}

// fixedBlock is a final block with the fixed codes, without its end.
func fixedBlock() *bitWriter {
	w := new(bitWriter)
	w.put(1, 1)
	w.put(1, 2)
	return w
}

func TestNamedStreams(t *testing.T) {
	stored := func(length, complement int, data string) []byte {
		return append([]byte{1, byte(length), byte(length >> 8), byte(complement), byte(complement >> 8)}, data...)
	}
	fixed := func(write func(w *bitWriter)) []byte {
		w := fixedBlock()
		write(w)
		w.codeword(0, 7)
		return w.bytes()
	}
	dynamic := func(litlens, dists []int, write func(w *bitWriter)) []byte {
		w := new(bitWriter)
		w.dynamic(litlens, dists)
		if write != nil {
			write(w)
		}
		return w.bytes()
	}
	// precode is a dynamic block with its own code for code lengths.
	precode := func(litlens, dists int, code map[int]int, write func(w *bitWriter)) []byte {
		w := new(bitWriter)
		w.put(1, 1)
		w.put(2, 2)
		w.put(litlens-257, 5)
		w.put(dists-1, 5)
		w.put(numPrecode-4, 4)
		for _, sym := range precodeOrder {
			w.put(code[int(sym)], 3)
		}
		write(w)
		return w.bytes()
	}
	aAndEnd := map[int]int{'a': 1, 256: 1}
	// 'a' is 0, the end 10, length 3 is 11.
	withLength := lengthsOf(258, map[int]int{'a': 1, 256: 2, 257: 2})
	var all15 []int // complete, with codewords of 15 bits: 1, 2, … 14, 15, 15
	for n := 1; n <= 15; n++ {
		all15 = append(all15, n)
	}
	all15 = append(all15, 15)

	const corrupt, truncated = "corrupt", "truncated"
	for _, tt := range []struct {
		name   string
		stream []byte
		data   string // or
		fault  string // truncated, or a CorruptError's detail
	}{
		{name: "no stream", fault: truncated},
		{name: "two bits", stream: []byte{}, fault: truncated},
		{name: "reserved block type", stream: []byte{7, 0, 0, 0, 0}, fault: faults[stopBlockType]},

		{name: "stored", stream: stored(5, 0xfffa, "hello"), data: "hello"},
		{name: "stored, empty", stream: stored(0, 0xffff, "")},
		{name: "stored, not final, then fixed", stream: append([]byte{0, 1, 0, 0xfe, 0xff, 'x'}, 0x4b, 0x04, 0x00), data: "xa"},
		{name: "stored, wrong complement", stream: stored(5, 0xfffb, "hello"), fault: faults[stopStoredLength]},
		{name: "stored, length cut", stream: []byte{1, 5, 0, 0xfa}, fault: truncated},
		{name: "stored, data cut", stream: stored(5, 0xfffa, "hell"), fault: truncated},
		{name: "stored, data missing", stream: stored(5, 0xfffa, ""), fault: truncated},

		{name: "fixed, empty", stream: []byte{3, 0}},
		{name: "fixed", stream: []byte{0x4b, 0x04, 0x00}, data: "a"},
		{name: "fixed, nine bits", stream: fixed(func(w *bitWriter) { w.codeword(0x190+255-144, 9) }), data: "\xff"},
		{name: "fixed, longest match two ways", stream: fixed(func(w *bitWriter) {
			w.codeword(0x30+'a', 8)
			w.codeword(0xc0+285-280, 8) // 258
			w.codeword(0, 5)
			w.codeword(0xc0+284-280, 8) // 227 and 31
			w.put(31, 5)
			w.codeword(0, 5)
		}), data: strings.Repeat("a", 1+2*258)},
		{name: "fixed, length 286", stream: fixed(func(w *bitWriter) {
			w.codeword(0x30+'a', 8)
			w.codeword(0xc0+286-280, 8)
			w.codeword(0, 5)
		}), fault: faults[stopNoCodeword]},
		{name: "fixed, length 287", stream: fixed(func(w *bitWriter) { w.codeword(0xc0+287-280, 8) }), fault: faults[stopNoCodeword]},
		{name: "fixed, distance 30", stream: fixed(func(w *bitWriter) {
			w.codeword(0x30+'a', 8)
			w.codeword(1, 7)
			w.codeword(30, 5)
		}), fault: faults[stopNoCodeword]},
		{name: "fixed, no literal before a match", stream: fixed(func(w *bitWriter) {
			w.codeword(1, 7)
			w.codeword(0, 5)
		}), fault: faults[stopTooFar]},
		{name: "fixed, distance too far by one", stream: fixed(func(w *bitWriter) {
			w.codeword(0x30+'a', 8)
			w.codeword(1, 7)
			w.codeword(1, 5)
		}), fault: faults[stopTooFar]},
		{name: "fixed, end cut", stream: []byte{0x4b, 0x04}, fault: truncated},
		{name: "not final", stream: []byte{0x4a, 0x04, 0x00}, fault: truncated},

		{name: "dynamic", stream: dynamic(lengthsOf(257, aAndEnd), []int{0}, func(w *bitWriter) {
			w.codeword(0, 1)
			w.codeword(0, 1)
			w.codeword(1, 1)
		}), data: "aa"},
		{name: "dynamic, only an end", stream: dynamic(lengthsOf(257, map[int]int{256: 1}), []int{0}, func(w *bitWriter) { w.codeword(0, 1) })},
		{name: "dynamic, only an end, the other bit", stream: dynamic(lengthsOf(257, map[int]int{256: 1}), []int{0}, func(w *bitWriter) { w.codeword(1, 1) }), fault: faults[stopNoCodeword]},
		{name: "dynamic, only an end, of two bits", stream: dynamic(lengthsOf(257, map[int]int{256: 2}), []int{0}, nil), fault: faults[stopCodeLengths]},
		{name: "dynamic, no code at all", stream: dynamic(lengthsOf(257, nil), []int{0}, nil), fault: faults[stopNoEnd]},
		{name: "dynamic, no end", stream: dynamic(lengthsOf(257, map[int]int{'a': 1, 'b': 1}), []int{0}, func(w *bitWriter) { w.put(0, 30) }), fault: faults[stopNoEnd]},
		{name: "dynamic, oversubscribed literals", stream: dynamic(lengthsOf(257, map[int]int{'a': 1, 'b': 1, 256: 1}), []int{0}, nil), fault: faults[stopCodeLengths]},
		{name: "dynamic, oversubscribed at the last length", stream: dynamic(lengthsOf(257, map[int]int{'a': 1, 'b': 2, 'c': 15, 'd': 2, 256: 15}), []int{0}, nil), fault: faults[stopCodeLengths]},
		{name: "dynamic, incomplete literals", stream: dynamic(lengthsOf(257, map[int]int{'a': 2, 'b': 2, 256: 2}), []int{0}, nil), fault: faults[stopCodeLengths]},
		{name: "dynamic, oversubscribed distances", stream: dynamic(lengthsOf(257, aAndEnd), []int{1, 1, 1}, nil), fault: faults[stopCodeLengths]},
		{name: "dynamic, incomplete distances", stream: dynamic(lengthsOf(257, aAndEnd), []int{2, 2}, nil), fault: faults[stopCodeLengths]},
		{name: "dynamic, one distance of two bits", stream: dynamic(lengthsOf(257, aAndEnd), []int{2}, nil), fault: faults[stopCodeLengths]},
		{name: "dynamic, one distance of one bit", stream: dynamic(withLength, []int{1}, func(w *bitWriter) {
			w.codeword(0, 1)
			w.codeword(3, 2)
			w.codeword(0, 1)
			w.codeword(2, 2)
		}), data: "aaaa"},
		{name: "dynamic, one distance of one bit, the other bit", stream: dynamic(withLength, []int{1}, func(w *bitWriter) {
			w.codeword(0, 1)
			w.codeword(3, 2)
			w.codeword(1, 1)
			w.codeword(2, 2)
		}), fault: faults[stopNoCodeword]},
		{name: "dynamic, one distance that is not the first", stream: dynamic(withLength, []int{0, 1}, func(w *bitWriter) {
			w.codeword(0, 2)
			w.codeword(3, 2)
			w.codeword(0, 1)
			w.codeword(2, 2)
		}), data: "aaaaa"},
		{name: "dynamic, no distance, none used", stream: dynamic(withLength, []int{0}, func(w *bitWriter) {
			w.codeword(0, 1)
			w.codeword(2, 2)
		}), data: "a"},
		{name: "dynamic, no distance, one used", stream: dynamic(withLength, []int{0}, func(w *bitWriter) {
			w.codeword(0, 1)
			w.codeword(3, 2)
			w.codeword(2, 2)
		}), fault: faults[stopNoCodeword]},
		{name: "dynamic, codewords of 15 bits", stream: dynamic(append(all15, lengthsOf(241, nil)...), []int{0}, nil), fault: faults[stopNoEnd]},
		{name: "dynamic, an end of 15 bits", stream: dynamic(append(lengthsOf(241, nil), all15...), []int{0}, func(w *bitWriter) {
			w.codeword(0, 1)
			w.codeword(0x7ffe, 15)
			w.codeword(2, 2)
			w.codeword(0x7fff, 15)
		}), data: "\xf1\xff\xf2"},
		{name: "dynamic, an end of 15 bits, cut", stream: dynamic(append(lengthsOf(241, nil), all15...), []int{0}, func(w *bitWriter) { w.codeword(0x7f, 7) }), fault: truncated},
		{name: "dynamic, distances of 15 bits", stream: dynamic(withLength, all15, func(w *bitWriter) {
			w.codeword(0, 1)
			w.codeword(3, 2)
			w.codeword(0, 1)
			w.codeword(3, 2)
			w.codeword(0x7ffe, 15) // distance 129 and more
			w.put(63, 6)
		}), fault: faults[stopTooFar]},

		{name: "dynamic, 287 literals and lengths", stream: dynamic(lengthsOf(287, aAndEnd), []int{0}, nil), fault: faults[stopSymbols]},
		{name: "dynamic, 288 literals and lengths", stream: dynamic(lengthsOf(288, aAndEnd), []int{0}, nil), fault: faults[stopSymbols]},
		{name: "dynamic, 286 literals and lengths", stream: dynamic(lengthsOf(286, aAndEnd), []int{0}, func(w *bitWriter) { w.codeword(1, 1) })},
		{name: "dynamic, 31 distances", stream: dynamic(lengthsOf(257, aAndEnd), lengthsOf(31, nil), nil), fault: faults[stopSymbols]},
		{name: "dynamic, 30 distances", stream: dynamic(lengthsOf(257, aAndEnd), lengthsOf(30, map[int]int{29: 1}), func(w *bitWriter) { w.codeword(1, 1) })},
		{name: "dynamic, counts cut", stream: []byte{5, 0xff}, fault: truncated},

		{name: "precode oversubscribed", stream: precode(257, 1, map[int]int{0: 1, 1: 1, 18: 1}, func(w *bitWriter) {}), fault: faults[stopCodeLengths]},
		{name: "precode incomplete", stream: precode(257, 1, map[int]int{0: 2, 1: 2, 18: 2}, func(w *bitWriter) {}), fault: faults[stopCodeLengths]},
		{name: "precode empty", stream: precode(257, 1, nil, func(w *bitWriter) { w.put(0, 8) }), fault: faults[stopNoCodeword]},
		{name: "precode of one, the other bit", stream: precode(257, 1, map[int]int{0: 1}, func(w *bitWriter) { w.put(1, 1) }), fault: faults[stopNoCodeword]},
		{name: "repeat of nothing", stream: precode(257, 1, map[int]int{16: 1, 1: 1}, func(w *bitWriter) { w.codeword(1, 1) }), fault: faults[stopRepeat]},
		{name: "zeros beyond the last", stream: precode(257, 1, map[int]int{18: 1, 1: 1}, func(w *bitWriter) {
			w.codeword(1, 1)
			w.put(127, 7)
			w.codeword(1, 1)
			w.put(127, 7)
		}), fault: faults[stopRepeat]},
		{name: "zeros up to the last, no end", stream: precode(257, 1, map[int]int{18: 1, 1: 1}, func(w *bitWriter) {
			w.codeword(1, 1)
			w.put(127, 7)
			w.codeword(1, 1)
			w.put(258-138-11, 7)
		}), fault: faults[stopNoEnd]},
		{name: "repeat from literals into distances", stream: precode(257, 3, map[int]int{18: 2, 17: 2, 16: 2, 1: 2}, func(w *bitWriter) {
			// 0-9 none by 17 and so on; the end and the distances have one bit, by repetition: oversubscribed distances
			w.codeword(3, 2)
			w.put(127, 7)
			w.codeword(3, 2)
			w.put(256-138-1-11, 7)
			w.codeword(0, 2)
			w.codeword(0, 2)
			w.codeword(1, 2)
			w.put(0, 2)
		}), fault: faults[stopCodeLengths]},
		{name: "repeat cut", stream: precode(257, 1, map[int]int{18: 1, 1: 1}, func(w *bitWriter) { w.codeword(1, 1) }), fault: truncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecoders()
			got := d.check(t, tt.stream)
			switch {
			case tt.fault == "":
				if got.err != nil || string(got.data) != tt.data {
					t.Errorf("%q, %v, want %q", got.data, got.err, tt.data)
				}
			case tt.fault == truncated:
				if !errors.Is(got.err, ErrTruncated) {
					t.Errorf("%v, want %v", got.err, ErrTruncated)
				}
			default:
				if corrupt := new(CorruptError); !errors.As(got.err, &corrupt) || corrupt.Detail != tt.fault {
					t.Errorf("%v, want %s", got.err, tt.fault)
				}
			}
		})
	}
}

// Far from the ends another loop decodes. The same faults, in the midst of much data, are found there.
func TestFaultsAmidData(t *testing.T) {
	const before = 1000
	letters := func(w *bitWriter) {
		for i := range before {
			w.codeword(0x30+'a'+i%20, 8)
		}
	}
	for _, tt := range []struct {
		name  string
		write func(w *bitWriter)
		fault string
	}{
		{"none", func(*bitWriter) {}, ""},
		{"length 286", func(w *bitWriter) { w.codeword(0xc0+286-280, 8) }, faults[stopNoCodeword]},
		{"length 287", func(w *bitWriter) { w.codeword(0xc0+287-280, 8) }, faults[stopNoCodeword]},
		{"distance 30", func(w *bitWriter) {
			w.codeword(1, 7)
			w.codeword(30, 5)
		}, faults[stopNoCodeword]},
		{"distance 31", func(w *bitWriter) {
			w.codeword(1, 7)
			w.codeword(31, 5)
		}, faults[stopNoCodeword]},
		{"as far as there is data", func(w *bitWriter) {
			w.codeword(1, 7)
			w.codeword(19, 5) // 769 to 1024
			w.put(before-769, 8)
		}, ""},
		{"one too far", func(w *bitWriter) {
			w.codeword(1, 7)
			w.codeword(19, 5)
			w.put(before+1-769, 8)
		}, faults[stopTooFar]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fixedBlock()
			letters(w)
			tt.write(w)
			letters(w)
			w.codeword(0, 7)
			got := newDecoders().check(t, w.bytes())
			if tt.fault == "" {
				if got.err != nil {
					t.Error(got.err)
				}
				return
			}
			if corrupt := new(CorruptError); !errors.As(got.err, &corrupt) || corrupt.Detail != tt.fault || corrupt.Offset < before || corrupt.Offset > before+5 {
				t.Errorf("%v, want %s about byte %d", got.err, tt.fault, before+2)
			}
		})
	}
}

// A stream cut after any number of bytes is truncated, and whichever bit of it is flipped, all decoders agree.
func TestCutAndFlippedAnywhere(t *testing.T) {
	d := newDecoders()
	rng := newRand()
	data := samples()["log lines"][:250]
	for range 30 {
		data = append(data, byte(rng.Uint32()))
	}
	seen := make(map[string]bool)
	for _, c := range compressors() {
		stream := c.compress(t, data)
		if seen[string(stream)] {
			continue
		}
		seen[string(stream)] = true
		for n := range stream {
			if got := d.check(t, stream[:n]); !errors.Is(got.err, ErrTruncated) {
				t.Fatalf("%s, cut to %d of %d bytes: %v", c.name, n, len(stream), got)
			}
		}
		for i := range len(stream) * 8 {
			stream[i/8] ^= 1 << (i % 8)
			d.check(t, stream)
			stream[i/8] ^= 1 << (i % 8)
		}
	}
}

// A second dynamic block without distances must not use those of the first, as it does in klauspost/compress 1.20.4. The
// standard library and zlib refuse it.
func TestSecondBlockWithoutDistances(t *testing.T) {
	w := new(bitWriter)
	w.dynamic(lengthsOf(258, map[int]int{'a': 1, 256: 2, 257: 2}), []int{1})
	w.b[0] &^= 1 // not the last one
	w.codeword(0, 1)
	w.codeword(2, 2)
	w.dynamic(lengthsOf(258, map[int]int{'a': 1, 256: 2, 257: 2}), []int{0})
	w.codeword(3, 2)
	w.codeword(0, 1)
	w.codeword(2, 2)
	stream := w.bytes()
	got := newDecoders().inflate(t, stream)
	if corrupt := new(CorruptError); !errors.As(got.err, &corrupt) || corrupt.Detail != faults[stopNoCodeword] {
		t.Errorf("%v, want %s", got, faults[stopNoCodeword])
	}
	if _, err := io.ReadAll(stdflate.NewReader(bytes.NewReader(stream))); err == nil {
		t.Error("compress/flate accepts it")
	}
}

func TestAppendLimit(t *testing.T) {
	var d Decoder
	for _, size := range []int{0, 1, 2, 257, 258, 259, 300, 1000, 70_000} {
		for name, data := range map[string][]byte{"zeros": make([]byte, size), "text": samples()["log lines"][:size]} {
			for _, c := range compressors() {
				stream := c.compress(t, data)
				for _, room := range []int{0, size / 2, size, size + 1, size + 10_000} {
					dst := append(make([]byte, 0, 3+room), "abc"...)
					out, end, err := d.Append(dst, stream, size)
					if err != nil || string(out) != "abc"+string(data) || end.SizeBytes != int64(len(stream)) {
						t.Fatalf("%s, %d bytes of %s, that many allowed: %d bytes, %v", c.name, size, name, len(out), err)
					}
					if size == 0 {
						continue
					}
					for _, limit := range []int{size - 1, 0, -1, math.MinInt} {
						out, _, err = d.Append(dst, stream, limit)
						if !errors.Is(err, ErrTooLong) || string(out) != "abc" {
							t.Fatalf("%s, %d bytes of %s, %d allowed: %q, %v", c.name, size, name, limit, out, err)
						}
					}
				}
			}
		}
	}
}

// A claim of little input to be much data allocates no more than what is really there, within a small factor.
func TestAppendGrowsWithTheData(t *testing.T) {
	data := make([]byte, 10_000_000)
	out, _, err := new(Decoder).Append(nil, compressors()[0].compress(t, data), math.MaxInt)
	if err != nil || len(out) != len(data) || cap(out) > 3*len(data) {
		t.Errorf("%d bytes in %d, %v", len(out), cap(out), err)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	data := samples()["log lines"]
	stream := compressors()[8].compress(t, data)
	var d Decoder
	w := NewWindow()
	dst := make([]byte, 0, len(data))
	if n := testing.AllocsPerRun(10, func() {
		if _, _, err := d.Append(dst, stream, len(data)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Append: %v allocations", n)
	}
	if n := testing.AllocsPerRun(10, func() {
		w.Reset()
		for src, done := stream, false; !done; {
			var used int
			var err error
			if _, used, done, err = w.Next(src, true); err != nil {
				t.Fatal(err)
			}
			src = src[used:]
		}
	}); n != 0 {
		t.Errorf("Window: %v allocations", n)
	}
}

// A window holds streams of any length: here one that repeats itself as far back as can be.
func TestWindowOfLongStream(t *testing.T) {
	rng := newRand()
	unit := make([]byte, historyBytes)
	for i := range unit {
		unit[i] = byte(rng.Uint32())
	}
	const units = 40
	w := fixedBlock()
	for _, b := range unit {
		if b < 144 {
			w.codeword(0x30+int(b), 8)
		} else {
			w.codeword(0x190+int(b)-144, 9)
		}
	}
	for range (units - 1) * historyBytes / 256 {
		w.codeword(0xc0+284-280, 8)
		w.put(256-227, 5)
		w.codeword(29, 5)
		w.put(historyBytes-24577, 13)
	}
	w.codeword(0, 7)
	got := newDecoders().check(t, w.bytes())
	if got.err != nil || len(got.data) != units*historyBytes {
		t.Fatal(got)
	}
	for i := range got.data {
		if got.data[i] != unit[i%historyBytes] {
			t.Fatalf("byte %d is another", i)
		}
	}
}
