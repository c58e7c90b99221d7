package singlegzip

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/validate"
)

// threeMembers is an original of three gzip members: aligned by 4, 5 and no bytes, with padding set.
func threeMembers() []byte {
	return joinBytes(
		member(plainHeader, bits("1"+fixed+fixedA+fixedEnd+"101010"), "a"),
		member(plainHeader, bits("1"+fixed+strings.Repeat(fixed144, 5)+fixedEnd+"1"), strings.Repeat("\x90", 5)),
		member(plainHeader, []byte{1, 2, 0, 0xfd, 0xff, 'b', 'c'}, "bc"),
	)
}

// flips calls f with b changed in each bit in turn.
func flips(b []byte, f func(bit int, changed []byte)) {
	for i := range b {
		for bit := range 8 {
			changed := bytes.Clone(b)
			changed[i] ^= 1 << bit
			f(8*i+bit, changed)
		}
	}
}

// Whichever bit of its range is flipped, wherever it is cut and whatever follows: no original comes back, and nobody is told
// that one did.
func TestRestoreDamaged(t *testing.T) {
	out := joined(t, threeMembers())
	o := out.originals[0]
	from := out.bytes[out.offsets[0]:][:o.Pieces.JoinedBytes()]
	r := NewRestorer()
	try := func(joined []byte) error {
		r.Reset(bytes.NewReader(joined), o.SizeBytes, o.CRC64, o.Pieces)
		_, err := io.ReadAll(r)
		return err
	}
	if err := try(from); err != nil {
		t.Fatal(err)
	}
	flips(from, func(bit int, changed []byte) {
		if err := try(changed); !errors.Is(err, ErrMismatch) {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	})
	for n := range from {
		if err := try(from[:n]); !errors.Is(err, ErrMismatch) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if err := try(append(bytes.Clone(from), 0)); !errors.Is(err, ErrMismatch) {
		t.Errorf("a byte more: %v", err)
	}
}

// A record that is not that of the original: any change of any field.
func TestRestoreWrongRecord(t *testing.T) {
	out := joined(t, threeMembers())
	o := out.originals[0]
	from := out.bytes[out.offsets[0]:][:o.Pieces.JoinedBytes()]
	r := NewRestorer()
	try := func(pieces Pieces, sizeBytes int64, crc64 uint64) error {
		r.Reset(bytes.NewReader(from), sizeBytes, crc64, pieces)
		_, err := io.ReadAll(r)
		return err
	}
	wrong := func(what string, change func(p *Piece)) {
		for i := range o.Pieces {
			pieces := slices.Clone(o.Pieces)
			pieces[i].Header = bytes.Clone(pieces[i].Header)
			change(&pieces[i])
			if err := try(pieces, o.SizeBytes, o.CRC64); !errors.Is(err, ErrMismatch) {
				t.Errorf("%s, piece %d: %v", what, i, err)
			}
		}
	}
	flips(make([]byte, 8), func(bit int, _ []byte) {
		wrong("final bit", func(p *Piece) { p.FinalBit ^= 1 << bit })
		wrong("bits", func(p *Piece) { p.Bits ^= 1 << bit })
		wrong("padding", func(p *Piece) { p.Padding ^= 1 << (bit % 8) })
		wrong("CRC-32", func(p *Piece) { p.CRC32 ^= 1 << (bit % 32) })
		wrong("ISIZE", func(p *Piece) { p.ISIZE ^= 1 << (bit % 32) })
	})
	flips(plainHeader, func(bit int, changed []byte) { wrong("header", func(p *Piece) { p.Header = changed }) })
	wrong("header longer", func(p *Piece) { p.Header = append(p.Header, 0) })
	wrong("header shorter", func(p *Piece) { p.Header = p.Header[:len(p.Header)-1] })
	wrong("no header", func(p *Piece) { p.Header = nil })
	wrong("nothing", func(p *Piece) { *p = Piece{} })
	wrong("least numbers", func(p *Piece) { p.FinalBit, p.Bits = math.MinInt64, math.MinInt64 })
	wrong("greatest numbers", func(p *Piece) { p.FinalBit, p.Bits = math.MaxInt64, math.MaxInt64 })
	for what, pieces := range map[string]Pieces{
		"none": nil, "one less": o.Pieces[:2], "one more": append(slices.Clone(o.Pieces), o.Pieces[0]),
		"two exchanged": {o.Pieces[1], o.Pieces[0], o.Pieces[2]},
		"two large":     {{Header: plainHeader, Bits: maxBits}, {Header: plainHeader, Bits: maxBits}},
	} {
		if err := try(pieces, o.SizeBytes, o.CRC64); !errors.Is(err, ErrMismatch) {
			t.Errorf("pieces: %s: %v", what, err)
		}
	}
	if err := try(o.Pieces, o.SizeBytes, o.CRC64^1); !errors.Is(err, ErrMismatch) {
		t.Errorf("another CRC-64: %v", err)
	}
	if err := try(o.Pieces, o.SizeBytes+1, o.CRC64); !errors.Is(err, ErrMismatch) {
		t.Errorf("another size: %v", err)
	}
}

// An original that is not what was proven is not joined.
func TestJoinChanged(t *testing.T) {
	original := threeMembers()
	p, j := validate.NewProver(), NewJoiner()
	proof, pieces, err := Prove(p, original)
	if err != nil {
		t.Fatal(err)
	}
	try := func(stored []byte) error {
		j.Reset(bytes.NewReader(stored), proof, pieces)
		_, err := io.ReadAll(j)
		return err
	}
	flips(original, func(bit int, changed []byte) {
		if err := try(changed); !errors.Is(err, ErrMismatch) {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	})
	for n := range original {
		if err := try(original[:n]); !errors.Is(err, ErrMismatch) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if err := try(append(bytes.Clone(original), original...)); !errors.Is(err, ErrMismatch) {
		t.Errorf("twice the bytes: %v", err)
	}
	if err := try(original); err != nil {
		t.Errorf("after all these: %v", err)
	}
	j.Reset(bytes.NewReader(original), proof, nil)
	if _, err := io.ReadAll(j); !errors.Is(err, ErrMismatch) {
		t.Errorf("without pieces: %v", err)
	}
}

// Once failed, a reader stays failed: whoever reads on must not come to an io.EOF.
func TestFailedStaysFailed(t *testing.T) {
	original := threeMembers()
	proof, pieces, err := Prove(validate.NewProver(), original)
	if err != nil {
		t.Fatal(err)
	}
	j, r := NewJoiner(), NewRestorer()
	flips(original, func(bit int, changed []byte) {
		j.Reset(slowReader(changed), proof, pieces)
		_, first := io.ReadAll(j)
		_, second := io.ReadAll(j)
		if !errors.Is(first, ErrMismatch) || second != first {
			t.Errorf("bit %d: %v, then %v", bit, first, second)
		}
	})
	out := joined(t, original)
	flips(out.bytes[out.offsets[0]:][:pieces.JoinedBytes()], func(bit int, changed []byte) {
		r.Reset(slowReader(changed), proof.SizeBytes, proof.CRC64, pieces)
		_, first := io.ReadAll(r)
		_, second := io.ReadAll(r)
		if !errors.Is(first, ErrMismatch) || second != first {
			t.Errorf("bit %d restored: %v, then %v", bit, first, second)
		}
	})
}

// A reader that breaks says nothing of the bytes, even where its error is the one that a short body reports.
func TestBrokenReader(t *testing.T) {
	original := threeMembers()
	out := joined(t, original)
	o := out.originals[0]
	from := out.bytes[out.offsets[0]:][:o.Pieces.JoinedBytes()]
	p := validate.NewProver()
	proof, pieces, err := Prove(p, original)
	if err != nil {
		t.Fatal(err)
	}
	j, r := NewJoiner(), NewRestorer()
	for _, want := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
		check := func(what string, n int, err error) {
			t.Helper()
			if !errors.Is(err, want) || errors.Is(err, ErrMismatch) {
				t.Errorf("%s broken after %d bytes by %q: %v", what, n, want, err)
			}
		}
		broken := func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b), iotest.ErrReader(want)) }
		for n := range original {
			j.Reset(broken(original[:n]), proof, pieces)
			_, err := io.ReadAll(j)
			check("original", n, err)
			_, _, err = ProveStream(p, broken(original[:n]))
			check("proof", n, err)
		}
		for n := range from {
			r.Reset(broken(from[:n]), o.SizeBytes, o.CRC64, o.Pieces)
			_, err := io.ReadAll(r)
			check("range", n, err)
		}
		for n := range out.bytes {
			check("output", n, out.verify(broken(out.bytes[:n])))
		}
	}
	j.Reset(iotest.ErrReader(nil), proof, pieces)
	if _, err := j.Read(make([]byte, 1)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that delivers nothing: %v", err)
	}
}

// What is no sound gzip is judged as validate does.
func TestProveRefuses(t *testing.T) {
	original := threeMembers()
	p := validate.NewProver()
	flips(original, func(bit int, changed []byte) {
		want, wantErr := p.Gzip(changed)
		want.First = bytes.Clone(want.First)
		got, pieces, err := Prove(p, changed)
		if diff := cmp.Diff(wantErr, err); diff != "" || (err == nil) != (len(pieces) == 3) || !cmp.Equal(got, want) {
			t.Errorf("bit %d flipped: %+v, %d pieces, %v, want %+v, %v", bit, got, len(pieces), err, want, wantErr)
		}
	})
	if p.EachMember != nil {
		t.Error("the prover still calls what Prove set")
	}
}

// Verify finds each flipped bit and each cut of an output, and an original that is missing, too many or another.
func TestVerifyFinds(t *testing.T) {
	other := gzipped(t, "{\"a\":1}", 6, header("n"))
	out := joined(t, other, threeMembers(), gzipped(t, "", 6, header("")), gzipped(t, "{}\n", 0, header("")))
	known := func(err error) bool {
		var flaw *validate.GzipError
		return errors.Is(err, ErrMismatch) || errors.As(err, &flaw)
	}
	flips(out.bytes, func(bit int, changed []byte) {
		if err := out.verify(bytes.NewReader(changed)); !known(err) {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	})
	for n := range out.bytes {
		if err := out.verify(bytes.NewReader(out.bytes[:n])); !known(err) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for what, stored := range map[string][]byte{
		"a byte more": append(bytes.Clone(out.bytes), 0), "a gzip member more": append(bytes.Clone(out.bytes), other...),
	} {
		if err := out.verify(bytes.NewReader(stored)); !known(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, change := range map[string]func(o *output){
		"one less":          func(o *output) { o.originals = o.originals[:3] },
		"the first missing": func(o *output) { o.originals = o.originals[1:] },
		"one more":          func(o *output) { o.originals = append(o.originals, o.originals[0]) },
		"two exchanged":     func(o *output) { o.originals[0], o.originals[1] = o.originals[1], o.originals[0] },
		"no newline":        func(o *output) { o.originals[0].Newline = false },
		"a newline":         func(o *output) { o.originals[2].Newline = true },
		"another CRC-64":    func(o *output) { o.originals[0].CRC64++ },
		"another size":      func(o *output) { o.originals[0].SizeBytes++ },
		"no pieces":         func(o *output) { o.originals[3].Pieces = nil },
		"output's size":     func(o *output) { o.proof.SizeBytes++ },
		"output's CRC-64":   func(o *output) { o.proof.CRC64++ },
		"output's CRC-32":   func(o *output) { o.proof.CRC32++ },
		"output's length":   func(o *output) { o.proof.UncompressedBytes++ },
	} {
		changed := out
		changed.originals = slices.Clone(out.originals)
		change(&changed)
		if err := changed.verify(bytes.NewReader(out.bytes)); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := out.verify(bytes.NewReader(out.bytes)); err != nil {
		t.Errorf("after all these: %v", err)
	}
}

// Nothing may come behind the end, not even the end once more.
func TestVerifyEnds(t *testing.T) {
	var end validate.Joined
	empty := joinBytes(Begin(&end), Finish(&end))
	v := newVerifier(end, func() (Original, bool) { return Original{}, false })
	if _, err := v.Write(empty); err != nil || v.finish() != nil {
		t.Fatal(err, v.finish())
	}
	if _, err := v.Write(empty[BeginBytes:]); !errors.Is(err, ErrMismatch) {
		t.Errorf("the end twice: %v", err)
	}
}

// A record that takes two gzip members for one piece gives the original back, and yet its output is not one gzip member:
// where the first holds nothing, all lengths and checksums are right.
func TestVerifyFindsSecondMember(t *testing.T) {
	stored := joinBytes(member(plainHeader, bits("1"+fixed+fixedEnd), ""), member(plainHeader, []byte{1, 2, 0, 0xfd, 0xff, 'a', '\n'}, "a\n"))
	p := validate.NewProver()
	proof, pieces, err := Prove(p, stored)
	if err != nil {
		t.Fatal(err)
	}
	first, second := pieces[0], pieces[1]
	between := 8 * (first.deflateBytes() + trailerBytes + int64(len(second.Header)))
	wrong := Pieces{{Header: first.Header, FinalBit: between + second.FinalBit, Bits: between + second.Bits, CRC32: second.CRC32, ISIZE: second.ISIZE}}
	var out output
	j := NewJoiner()
	out.bytes = append(out.bytes, Begin(&out.proof)...)
	j.Reset(bytes.NewReader(stored), proof, wrong)
	whole, err := io.ReadAll(j)
	if err != nil {
		t.Fatal(err)
	}
	out.proof.Add(j.Joined())
	out.bytes = append(append(out.bytes, whole...), Finish(&out.proof)...)
	out.originals = []Original{{SizeBytes: proof.SizeBytes, CRC64: proof.CRC64, Pieces: wrong}}
	if data, rest := inflated(t, out.bytes, false); len(data) > 0 || rest == 0 {
		t.Fatalf("%d bytes of data and %d behind the first gzip member: the case is not what it should be", len(data), rest)
	}
	if err := out.verify(bytes.NewReader(out.bytes)); !errors.Is(err, ErrMismatch) {
		t.Errorf("two gzip members: %v", err)
	}
}

// A Joiner whose two ways part does not end well, nor does it go on forever.
func TestJoinerDistrustsItself(t *testing.T) {
	original := threeMembers()
	proof, pieces, err := Prove(validate.NewProver(), original)
	if err != nil {
		t.Fatal(err)
	}
	j := NewJoiner()
	for n := range pieces {
		j.Reset(bytes.NewReader(original), proof, pieces)
		j.back.reset(pieces[:n], true)
		if _, err := io.ReadAll(j); !errors.Is(err, ErrMismatch) {
			t.Errorf("%d pieces restored on the way: %v", n, err)
		}
	}
	j.Reset(bytes.NewReader(original), proof, pieces)
	j.back.reset(append(slices.Clone(pieces), pieces[0]), true)
	if _, err := io.ReadAll(j); !errors.Is(err, ErrMismatch) {
		t.Errorf("a piece more: %v", err)
	}
}

func TestCheck(t *testing.T) {
	sound := Piece{Header: plainHeader, FinalBit: 1, Bits: 11}
	with := func(change func(p *Piece)) Pieces {
		p := sound
		change(&p)
		return Pieces{sound, p}
	}
	for _, tt := range []struct {
		name   string
		pieces Pieces
		sound  bool
	}{
		{"sound", Pieces{sound}, true},
		{"none", nil, false},
		{"no header", with(func(p *Piece) { p.Header = nil }), false},
		{"header too short", with(func(p *Piece) { p.Header = plainHeader[:9] }), false},
		{"no magic", with(func(p *Piece) { p.Header = make([]byte, 10) }), false},
		{"other method", with(func(p *Piece) { p.Header = []byte{0x1f, 0x8b, 7, 9: 0} }), false},
		{"final bit below 0", with(func(p *Piece) { p.FinalBit = -1 }), false},
		{"final bit too late", with(func(p *Piece) { p.FinalBit = 2 }), false},
		{"no bits", with(func(p *Piece) { p.FinalBit, p.Bits = 0, 0 }), false},
		{"bits below 0", with(func(p *Piece) { p.FinalBit, p.Bits = math.MinInt64, math.MinInt64 }), false},
		{"most bits", Pieces{{Header: plainHeader, Bits: maxBits}}, true},
		{"too many bits", Pieces{{Header: plainHeader, Bits: maxBits + 1}}, false},
		{"greatest number of bits behind others", with(func(p *Piece) { p.Bits = math.MaxInt64 }), false},
		{"greatest number of bits", Pieces{{Header: plainHeader, Bits: math.MaxInt64}}, false},
		{"too many bits together", with(func(p *Piece) { p.Bits = maxBits }), false},
		{"all padding", with(func(p *Piece) { p.Padding = 31 }), true},
		{"padding too long", with(func(p *Piece) { p.Padding = 32 }), false},
		{"padding where there is none", with(func(p *Piece) { p.Bits, p.Padding = 16, 1 }), false},
	} {
		if err := tt.pieces.Check(); (err == nil) != tt.sound || err != nil && !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
