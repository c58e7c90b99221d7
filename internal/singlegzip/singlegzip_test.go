package singlegzip

import (
	"bytes"
	"slices"
	"testing"

	"github.com/s3compact/s3compact/validate"
)

// An output of one original, and of all of them, is one gzip member that holds their data, and each comes back.
func TestJoin(t *testing.T) {
	all := [][]byte{}
	for _, o := range originals(t) {
		t.Run(o.name, func(t *testing.T) {
			out := joined(t, o.stored)
			out.check(t, o.stored)
		})
		all = append(all, o.stored)
	}
	t.Run("all", func(t *testing.T) {
		out := joined(t, all...)
		out.check(t, all...)
	})
	t.Run("none", func(t *testing.T) {
		out := joined(t)
		out.check(t)
	})
}

// What an original becomes, byte for byte.
func TestJoinedBytes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stored []byte
		want   []byte
	}{
		{"6 bits left: the block header fits in", member(plainHeader, bits("1"+fixed+fixedEnd), ""),
			joinBytes(bits("0"+fixed+fixedEnd+stored+"0"), []byte{0, 0, 0xff, 0xff})},
		{"padding is no part of it", member(plainHeader, bits("1"+fixed+fixedEnd+"111111"), ""),
			joinBytes(bits("0"+fixed+fixedEnd), []byte{0, 0, 0xff, 0xff})},
		{"3 bits left: it just fits in", member(plainHeader, bits("1"+fixed+fixed144+fixed144+fixed144+fixedEnd), "\x90\x90\x90"),
			joinBytes(bits("0"+fixed+fixed144+fixed144+fixed144+fixedEnd), []byte{0, 0, 0xff, 0xff})},
		{"2 bits left: a byte more", member(plainHeader, bits("1"+fixed+fixed144+fixed144+fixed144+fixed144+fixedEnd), "\x90\x90\x90\x90"),
			joinBytes(bits("0"+fixed+fixed144+fixed144+fixed144+fixed144+fixedEnd), []byte{0, 0, 0, 0xff, 0xff})},
		{"none left: nothing to align", member(plainHeader, []byte{1, 1, 0, 0xfe, 0xff, 'a'}, "a"),
			[]byte{0, 1, 0, 0xfe, 0xff, 'a'}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := joined(t, tt.stored)
			from := out.bytes[out.offsets[0]:]
			if got := from[:out.originals[0].Pieces.JoinedBytes()]; !bytes.Equal(got, tt.want) {
				t.Errorf("%x, want %x", got, tt.want)
			}
		})
	}
}

// The bytes around originals, which receipts do not repeat: a change of them would make all outputs unreadable to Verify.
func TestBytesAround(t *testing.T) {
	out := joined(t, member(plainHeader, bits("1"+fixed+fixedA+fixedEnd), "a"))
	want := []byte{
		0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255,
		0x4a, 0x04, 0, 0, 0, 0xff, 0xff, // "a" in a block that is not the last
		0, 1, 0, 0xfe, 0xff, '\n',
		3, 0, 0x07, 0xa1, 0xea, 0xdd, 2, 0, 0, 0,
	}
	if !bytes.Equal(out.bytes, want) {
		t.Errorf("%x, want\n%x", out.bytes, want)
	}
	var sum validate.Joined
	got := []int{len(Begin(&sum)), len(AddNewline(&sum)), len(Finish(&sum))}
	if want := []int{BeginBytes, NewlineBytes, FinishBytes}; !slices.Equal(got, want) {
		t.Errorf("%d bytes around originals, said to be %d", got, want)
	}
}

// Outputs in an output: what is between their ends, copied, and originals around it. All comes back from its new place.
func TestInner(t *testing.T) {
	var all [][]byte
	for _, o := range originals(t) {
		all = append(all, o.stored)
	}
	for name, absorbed := range map[string][][]byte{"all": all, "one": all[:1], "none": nil} {
		first, second := joined(t, absorbed...), joined(t, all[2:5]...)
		var whole output
		whole.bytes = append(whole.bytes, Begin(&whole.proof)...)
		for _, from := range []output{first, second} {
			inner, err := Inner(from.proof)
			copied := from.bytes[BeginBytes : len(from.bytes)-FinishBytes]
			if err != nil || inner.SizeBytes != int64(len(copied)) || inner.CRC64 != validate.CRC64(copied) {
				t.Fatalf("%s: %+v, %v, of %d bytes with CRC-64 %#x", name, inner, err, len(copied), validate.CRC64(copied))
			}
			for _, offset := range from.offsets {
				whole.offsets = append(whole.offsets, len(whole.bytes)+offset-BeginBytes)
			}
			whole.originals = append(whole.originals, from.originals...)
			whole.bytes = append(whole.bytes, copied...)
			whole.proof.Add(inner)
		}
		whole.bytes = append(whole.bytes, Finish(&whole.proof)...)
		whole.check(t, append(slices.Clone(absorbed), all[2:5]...)...)
	}
	for size := range int64(BeginBytes + FinishBytes) {
		if _, err := Inner(validate.Joined{SizeBytes: size}); err == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
}
