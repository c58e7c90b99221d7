//go:build unix

package inflate

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

// guarded is memory of n bytes between pages that must not be touched: right behind the first or right before the last.
func guarded(t *testing.T, n int, atEnd bool) []byte {
	t.Helper()
	page := os.Getpagesize()
	inner := (n + page) / page * page
	b, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(b); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{b[:page], b[page+inner:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	if atEnd {
		return b[page+inner-n : page+inner : page+inner]
	}
	return b[page : page+n : page+n]
}

// Nothing outside the source and the room is touched, wherever they end: an access would end the test.
func TestNothingOutsideIsTouched(t *testing.T) {
	d := newDecoders()
	for name, data := range samples() {
		for _, c := range compressors() {
			stream := c.compress(t, data[:min(len(data), 40_000)])
			want := d.inflate(t, stream).data
			for _, atEnd := range []bool{false, true} {
				src := guarded(t, len(stream), atEnd)
				copy(src, stream)
				for _, spare := range []int{0, 1, 31, 300} {
					dst := guarded(t, len(want)+spare, atEnd)
					out, _, err := d.decoder.Append(dst[:0:len(dst)], src, len(dst))
					if err != nil || !bytes.Equal(out, want) || len(out) > 0 && &out[0] != &dst[0] {
						t.Fatalf("%s, %s: %d bytes, %v", c.name, name, len(out), err)
					}
				}
				if got := d.next(src, len(src)); got.err != nil || !bytes.Equal(got.data, want) {
					t.Fatalf("%s, %s: %v", c.name, name, got)
				}
			}
		}
	}
}

// What is in front of the data and behind the capacity stays as it is.
func TestOnlyTheRoomIsWritten(t *testing.T) {
	var d Decoder
	all := samples()
	for _, name := range []string{"log lines", "zeros", "short patterns"} {
		stream := compressors()[8].compress(t, all[name][:30_000])
		for _, room := range []int{30_000, 30_001, 30_100, 31_000} {
			buffer := bytes.Repeat([]byte{0xa5}, 100+room+100)
			if _, _, err := d.Append(buffer[100:100:100+room], stream, 30_000); err != nil {
				t.Fatal(err)
			}
			for _, outside := range [][]byte{buffer[:100], buffer[100+room:]} {
				if !bytes.Equal(outside, bytes.Repeat([]byte{0xa5}, 100)) {
					t.Fatalf("%s, room for %d bytes: written outside", name, room)
				}
			}
		}
	}
}
