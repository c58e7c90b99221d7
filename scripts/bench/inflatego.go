package main

import (
	"bytes"
	stdflate "compress/flate"
	stdgzip "compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// inflateCommand is the first argument that makes this program the process of
// one of the inflaters in Go.
const inflateCommand = "inflate"

// The kinds of streams in a corpus.
const (
	rawDeflate = 0
	gzipMember = 1
)

// stream is one DEFLATE stream or gzip member of a corpus.
type stream struct {
	stored        []byte
	inflatedBytes int
	crc           uint32 // of the inflated bytes
}

// inflateFunc inflates a stored stream into out, whose length is that of the
// inflated bytes.
type inflateFunc func(out, stored []byte) error

// goInflaters are the contenders written in Go.
var goInflaters = []struct {
	name string
	ours bool
	make func(kind uint32) inflateFunc
}{
	{"s3compact internal/inflate", true, ownInflate},
	{"klauspost/compress", false, func(kind uint32) inflateFunc {
		if kind == gzipMember {
			return throughReader(new(gzip.Reader), (*gzip.Reader).Reset)
		}
		return throughReader(flate.NewReader(nil), func(r io.ReadCloser, from io.Reader) error { return r.(flate.Resetter).Reset(from, nil) })
	}},
	{"Go's standard library", false, func(kind uint32) inflateFunc {
		if kind == gzipMember {
			return throughReader(new(stdgzip.Reader), (*stdgzip.Reader).Reset)
		}
		return throughReader(stdflate.NewReader(nil), func(r io.ReadCloser, from io.Reader) error { return r.(stdflate.Resetter).Reset(from, nil) })
	}},
}

// throughReader inflates with a reader that is used again for each stream.
func throughReader[R io.Reader](r R, reset func(R, io.Reader) error) inflateFunc {
	var from bytes.Reader
	var beyond [1]byte
	return func(out, stored []byte) error {
		from.Reset(stored)
		if err := reset(r, &from); err != nil {
			return err
		}
		if _, err := io.ReadFull(r, out); err != nil {
			return err
		}
		// The checksum is compared when the end is seen.
		if n, err := r.Read(beyond[:]); n != 0 || !errors.Is(err, io.EOF) {
			return fmt.Errorf("%d bytes more than expected: %w", n, err)
		}
		return nil
	}
}

// runInflate inflates a corpus with the named inflater as peers/inflate.c does:
// one round against the CRC-32 in the corpus, then so many more.
func runInflate(name, file string, rounds int) error {
	kind, streams, err := readCorpus(file)
	if err != nil {
		return err
	}
	var inflate inflateFunc
	for _, d := range goInflaters {
		if d.name == name {
			inflate = d.make(kind)
		}
	}
	if inflate == nil {
		return fmt.Errorf("no inflater %q", name)
	}
	out := make([]byte, slices.MaxFunc(streams, func(a, b stream) int { return a.inflatedBytes - b.inflatedBytes }).inflatedBytes)
	for round := range rounds + 1 {
		for i, s := range streams {
			o := out[:s.inflatedBytes]
			if err := inflate(o, s.stored); err != nil {
				return fmt.Errorf("stream %d: %w", i, err)
			}
			if round == 0 && crc32.ChecksumIEEE(o) != s.crc {
				return fmt.Errorf("stream %d: wrong output", i)
			}
		}
	}
	return nil
}

// readCorpus reads a corpus of peers/corpus.py into memory.
func readCorpus(file string) (kind uint32, streams []stream, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, nil, err
	}
	le := binary.LittleEndian
	if len(b) < 12 || string(b[:4]) != "S3CB" {
		return 0, nil, errors.New("not a corpus")
	}
	kind = le.Uint32(b[4:])
	n := int(le.Uint32(b[8:]))
	for b = b[12:]; n > 0; n-- {
		if len(b) < 12 || len(b)-12 < int(le.Uint32(b)) {
			return 0, nil, errors.New("the corpus ends early")
		}
		end := 12 + int(le.Uint32(b))
		streams = append(streams, stream{b[12:end], int(le.Uint32(b[4:])), le.Uint32(b[8:])})
		b = b[end:]
	}
	if len(streams) == 0 {
		return 0, nil, errors.New("the corpus is empty")
	}
	return kind, streams, nil
}

// inflatedBytes is what a corpus inflates to.
func inflatedBytes(file string) (int64, error) {
	_, streams, err := readCorpus(file)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	var n int64
	for _, s := range streams {
		n += int64(s.inflatedBytes)
	}
	return n, nil
}
