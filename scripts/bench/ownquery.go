package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"

	"github.com/s3compact/s3compact/inventory/orc"
)

// queryCommand is the first argument that makes this program answer the
// reference query by the first segment with inventory/orc alone, from the two
// columns that the query names, on one core: what its peers do.
const queryCommand = "query"

// runQuery answers it for the report in a folder, into a table as
// peers/query.py writes it.
func runQuery(ctx context.Context, folder, table string) error {
	q := &segmentQuery{long: map[string]int{}}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".orc" {
			return err
		}
		return q.file(ctx, path)
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, g := range q.groups {
		if g.objects >= minObjects && g.bytes < maxBytes {
			fmt.Fprintf(&b, "%s\t%d\t%d\n", g.prefix, g.objects, g.bytes)
		}
	}
	return os.WriteFile(table, b.Bytes(), 0o644)
}

// slotBits of an index into the hash table. A batch, of 4,096 rows at most, is
// added only while half of it is free.
const slotBits = 15

// segmentQuery sums up rows by the first segment of their keys.
type segmentQuery struct {
	groups []segmentGroup
	long   map[string]int // numbers of the groups of segments that do not fit into a word
	// A hash table of those that do, see short.
	words   [1 << slotBits]uint64
	numbers [1 << slotBits]int32
}

type segmentGroup struct {
	prefix         string
	objects, bytes int64
}

func (q *segmentQuery) file(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := orc.Open(f, info.Size())
	if err != nil {
		return err
	}
	r, err := file.NewReader("key", "size")
	if err != nil {
		return err
	}
	for stripe := range file.NumStripes() {
		shared := map[int]string{} // by row group: the first segment of all its keys
		choose := func(g orc.RowGroup, skip []bool) {
			s := &g.Statistics[0]
			if n := bytes.IndexByte(s.Min, '/') + 1; s.HasRange && s.Values == g.Rows && n > 0 && bytes.HasPrefix(s.Max, s.Min[:n]) {
				shared[g.Index], skip[0] = string(s.Min[:n]), true
			}
		}
		if err := r.Open(ctx, orc.Span{Stripe: stripe, To: file.RowGroups(stripe)}, choose); err != nil {
			return err
		}
		for {
			b, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := q.add(b, shared); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return nil
}

// add sums up a batch of keys and sizes.
func (q *segmentQuery) add(b *orc.Batch, shared map[int]string) error {
	if len(q.groups) > 1<<(slotBits-1) {
		return fmt.Errorf("more than %d first segments", 1<<(slotBits-1))
	}
	keys, sizes := b.Columns[0], b.Columns[1].Int64
	if keys.Skipped {
		g := q.group([]byte(shared[b.Group.Index]))
		for _, size := range sizes[:b.Rows] {
			g.objects++
			g.bytes += size
		}
		return nil
	}
	for i := range b.Rows {
		key := keys.Bytes(i)
		if len(key) >= 8 {
			// The first segment, and whether it ends, within a word of eight bytes: each byte
			// that is a slash becomes 0x80 in ends, others below the first one stay 0.
			word := binary.LittleEndian.Uint64(key)
			const ones = 0x0101010101010101
			differs := word ^ ones*'/'
			if ends := (differs - ones) &^ differs & (ones << 7); ends != 0 {
				at := q.short(word << (63 - bits.TrailingZeros64(ends)))
				q.groups[at].objects++
				q.groups[at].bytes += sizes[i]
				continue
			}
		}
		n := bytes.IndexByte(key, '/') + 1
		if n == 0 {
			return fmt.Errorf("key %q has no segment", key)
		}
		g := q.group(key[:n])
		g.objects++
		g.bytes += sizes[i]
	}
	return nil
}

// group is the group of a segment with its slash.
func (q *segmentQuery) group(segment []byte) *segmentGroup {
	if len(segment) <= 8 {
		var word [8]byte
		copy(word[8-len(segment):], segment)
		return &q.groups[q.short(binary.LittleEndian.Uint64(word[:]))]
	}
	n, ok := q.long[string(segment)]
	if !ok {
		n = q.newGroup(string(segment))
		q.long[string(segment)] = n
	}
	return &q.groups[n]
}

// short is the number of the group of a segment that fits with its slash into
// eight bytes: the upper ones of the word, zeros before it.
func (q *segmentQuery) short(word uint64) int {
	for i := word * 0x9e3779b97f4a7c15 >> (64 - slotBits); ; i = (i + 1) % (1 << slotBits) {
		switch q.words[i] {
		case word:
			return int(q.numbers[i])
		case 0:
			var segment [8]byte
			binary.LittleEndian.PutUint64(segment[:], word)
			n := q.newGroup(string(bytes.TrimLeft(segment[:], "\x00")))
			q.words[i], q.numbers[i] = word, int32(n)
			return n
		}
	}
}

func (q *segmentQuery) newGroup(segment string) int {
	q.groups = append(q.groups, segmentGroup{prefix: segment})
	return len(q.groups) - 1
}
