package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus writes a corpus of one stream, as peers/corpus.py does.
func corpus(t *testing.T, kind uint32, stored, inflated []byte) string {
	t.Helper()
	le := binary.LittleEndian
	b := le.AppendUint32(le.AppendUint32([]byte("S3CB"), kind), 1)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, uint32(len(stored))), uint32(len(inflated))), crc32.ChecksumIEEE(inflated))
	path := filepath.Join(t.TempDir(), "corpus")
	if err := os.WriteFile(path, append(b, stored...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func deflated(t *testing.T, kind uint32, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if kind == rawDeflate {
		w, _ = flate.NewWriter(&b, 6)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInflatersInGo(t *testing.T) {
	text := []byte(strings.Repeat("a line of text, and another one\n", 1000))
	for _, d := range goInflaters {
		for _, kind := range []uint32{rawDeflate, gzipMember} {
			stored := deflated(t, kind, text)
			if err := runInflate(d.name, corpus(t, kind, stored, text), 2); err != nil {
				t.Errorf("%s, kind %d: %v", d.name, kind, err)
			}
			if err := runInflate(d.name, corpus(t, kind, stored, bytes.ToUpper(text)), 0); err == nil {
				t.Errorf("%s, kind %d: wrong output passed", d.name, kind)
			}
			if err := runInflate(d.name, corpus(t, kind, stored[:len(stored)/2], text), 0); err == nil {
				t.Errorf("%s, kind %d: a truncated stream passed", d.name, kind)
			}
			if kind == gzipMember {
				bad := bytes.Clone(stored)
				bad[len(bad)-8]++
				if err := d.make(kind)(make([]byte, len(text)), bad); err == nil {
					t.Errorf("%s: a wrong CRC-32 passed: the checksum is not part of what is measured", d.name)
				}
			}
		}
	}
}

func TestNoCorpus(t *testing.T) {
	whole, err := os.ReadFile(corpus(t, rawDeflate, []byte{1, 2, 3}, []byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"empty": nil, "cut": whole[:len(whole)-1], "no streams": append([]byte("S3CB"), make([]byte, 8)...), "other": []byte("not a corpus, but long enough")} {
		path := filepath.Join(t.TempDir(), "corpus")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readCorpus(path); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
