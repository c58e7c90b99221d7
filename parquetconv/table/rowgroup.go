package table

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/file"
)

// writeRowGroup appends a row group to the partition's file, or begins another
// one: the rows of the pieces, one behind the other or in an order.
func (j *job) writeRowGroup(pieces []piece, order []int32) error {
	w, p := j.writer, j.partition
	stored := len(w.format.layouts)
	if len(w.options.SortBy) > 0 {
		stored++
	}
	sources := make([]source, len(pieces))
	rows := 0
	for i, piece := range pieces {
		var err error
		if sources[i], err = piece.open(&w.spill, stored); err != nil {
			return err
		}
		rows += piece.rows
	}
	if p.current == nil {
		encodings, err := j.choose(sources)
		if err != nil {
			return err
		}
		p.current, err = newTableFile(w.format, &w.output, encodings, j.scratch.sink[:0])
		if err != nil {
			return err
		}
		p.files = append(p.files, p.current)
	}
	f := p.current
	j.lendSink(f)
	group, err := f.writer.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for c := range w.format.layouts {
		if err := w.err(); err != nil {
			return err
		}
		if err := j.writeColumn(group, c, sources, order); err != nil {
			return fmt.Errorf("column %q: %w", w.options.Schema.Field(c).Name, err)
		}
	}
	if err := group.Close(); err != nil {
		return err
	}
	if err := f.sink.flush(); err != nil {
		return err
	}
	j.takeSink(f)
	f.rows += int64(rows)
	metadata := int64(w.format.root.NumColumns()) * (chunkMetadataBytes + pageMetadataBytes*int64(rows/pageRows+1))
	metadata += int64(len(w.format.bloom)) * maxBloomBytes
	f.metadataBytes += metadata
	w.metadata.Add(metadata)
	if f.size() >= w.options.FileBytes {
		return j.closeFile()
	}
	return nil
}

// choose chooses the encodings of a file by the rows that it begins with. Those
// of numbers are chosen anew only when there are many more rows to go by than
// for another file.
func (j *job) choose(sources []source) ([]encoding, error) {
	w := j.writer
	known := w.chosen.Load()
	n, rows := 0, 0
	for n < len(sources) && rows < sampleRows {
		rows += sources[n].rows
		n++
	}
	all := 0
	for i := range sources {
		all += sources[i].rows
	}
	anew := known == nil || 2*known.rows < min(rows, sampleRows)
	if anew {
		known = &choice{rows: rows}
	}
	var out []encoding
	for c := range w.format.layouts {
		l := &w.format.layouts[c]
		if l.kind == text {
			coded := true
			for i := range sources {
				coded = coded && sources[i].isCoded(c)
			}
			if coded && mayNotPay(all, j.dictionaries[c]) {
				pays, err := j.pays(c, sources)
				if err != nil {
					return nil, err
				}
				coded = pays
			}
			out = append(out, chooseText(coded))
			if anew {
				known.encodings = append(known.encodings, nil)
			}
			continue
		}
		if anew {
			v, err := j.column(c, sources[:n], nil)
			if err != nil {
				return nil, err
			}
			known.encodings = append(known.encodings, choose(l, j.scratch, &v))
		}
		out = append(out, known.encodings[c]...)
	}
	if anew {
		w.chosen.Store(known)
	}
	return out, nil
}

// pays says whether a column of codes is smaller with a dictionary.
func (j *job) pays(c int, sources []source) (bool, error) {
	v, err := j.column(c, sources, nil)
	if err != nil {
		return false, err
	}
	values := flatLeaf(&j.writer.format.layouts[c], j.scratch, &v).values
	codes := values.codes(&j.scratch.arena)
	return j.scratch.compact(allocate[uint32](&j.scratch.arena, len(codes)), codes, j.dictionaries[c]) != nil, nil
}

// column reads a column of the sources into one vector.
func (j *job) column(c int, sources []source, order []int32) (vector, error) {
	s, l := j.scratch, &j.writer.format.layouts[c]
	size := 0
	for i := range sources {
		size += sources[i].columnBytes(c) + maxAlign
	}
	s.read.reserve(size)
	s.arena.reset()
	s.parts = slices.Grow(s.parts[:0], len(sources))[:len(sources)]
	parts := s.parts
	for i := range sources {
		var err error
		if parts[i], err = sources[i].column(&s.read, &j.writer.spill, l, c); err != nil {
			return vector{}, err
		}
	}
	v := concat(l, &s.arena, j.dictionaries[c].len(), parts)
	clear(parts) // no segment is kept for them
	if order != nil {
		v = v.gather(l, &s.arena, order)
	}
	return v, nil
}

func (j *job) writeColumn(group file.SerialRowGroupWriter, c int, sources []source, order []int32) error {
	v, err := j.column(c, sources, order)
	if err != nil {
		return err
	}
	l := &j.writer.format.layouts[c]
	leaves := []leaf(nil)
	if l.nested() {
		leaves = shred(l, &v)
	} else {
		leaves = append(leaves, flatLeaf(l, j.scratch, &v))
	}
	for i := range leaves {
		chunk, err := group.NextColumn()
		if err != nil {
			return err
		}
		text, isText := chunk.(*file.ByteArrayColumnChunkWriter)
		switch {
		case isText && v.coded > 0:
			err = writeCoded(text, j.scratch, &leaves[i], j.dictionaries[c])
		case isText && !l.nested():
			chunk.FallbackToPlain() // where other row groups have a dictionary
			err = writeText(text, &leaves[i].levels, leaves[i].values.offsets, leaves[i].values.data)
		default:
			err = writeLeaf(chunk, j.scratch, &leaves[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}
