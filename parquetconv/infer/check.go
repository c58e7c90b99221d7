package infer

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/s3compact/s3compact/parquetconv/rows"
	"github.com/s3compact/s3compact/parquetconv/scan"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// Report is what a schema does to a sample.
type Report struct {
	RowsIn, RowsRejected int64
	TextBytes            int64

	Rejects    []Finding // rows that would be rejected, by reason and column, most first
	Nulls      []Finding // values that would become null, by column, most first
	Unread     []Unread  // members that no column keeps
	Refused    []Text    // sources that cannot be read
	Partitions []PartitionRows
	Warnings   []string
}

// Clean says that a run would load every row.
func (r *Report) Clean() bool { return r.RowsRejected == 0 && len(r.Refused) == 0 }

// Finding is what happens to some rows or values, with an example.
type Finding struct {
	Reason string // stable word
	Column string // empty where the row is to blame
	Count  int64
	Stops  bool // on_bad: fail; a run would end at the first

	Source string // where the example stands
	Offset int64  // of its row in the uncompressed source, in bytes
	Text   string // of its row, at most MaxExampleBytes
	Detail string
}

// MaxExampleBytes is how much of a row is shown.
const MaxExampleBytes = 200

// Unread is a member of the rows that no column keeps.
type Unread struct {
	Path    string
	Count   int64
	Example string
	Inside  bool // stands in a struct, which keeps only its own fields; unknown_fields says nothing about it
}

// PartitionRows counts the rows of a partition.
type PartitionRows struct {
	Path string // "" without partitions
	Rows int64
}

// The bounds of what a report warns of.
const (
	manyPartitions     = 2_000
	tinyPartitionBytes = 1 << 20 // stored
)

// Check converts the sample with a schema, and keeps only what happened.
func Check(s *Sample, sch *schema.Schema) (*Report, error) {
	r := &Report{}
	for _, t := range s.Texts {
		if t.Reason != "" {
			r.Refused = append(r.Refused, t)
		}
		r.TextBytes += int64(len(t.Bytes))
	}
	// Where a run would stop the rest is looked at too.
	stops := map[string]bool{}
	going := withOnBad(sch, schema.OnBadFail, schema.OnBadReject, stops)
	seen := checked{rejects: map[[2]string]*Finding{}, partitions: map[string]int64{}}
	if err := seen.decode(s, going); err != nil {
		return nil, err
	}
	r.RowsIn = seen.rowsIn
	for _, f := range seen.rejects {
		f.Stops = stops[f.Column]
		r.RowsRejected += f.Count
		r.Rejects = append(r.Rejects, *f)
	}
	slices.SortFunc(r.Rejects, byCount)
	if err := r.nulls(s, going, seen.badValues); err != nil {
		return nil, err
	}
	for path, n := range seen.partitions {
		r.Partitions = append(r.Partitions, PartitionRows{path, n})
	}
	slices.SortFunc(r.Partitions, func(a, b PartitionRows) int {
		return cmp.Or(-cmp.Compare(a.Rows, b.Rows), cmp.Compare(a.Path, b.Path))
	})
	if sch.Format != schema.FormatCSV {
		r.Unread = unread(look(s, sch.Layout, sch.RowsAt).tree.root, sch)
	}
	r.warn(s, sch)
	return r, nil
}

func byCount(a, b Finding) int {
	return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Column, b.Column))
}

// withOnBad is the schema with another on_bad in the columns that have one; changed names them.
func withOnBad(s *schema.Schema, from, to schema.OnBad, changed map[string]bool) *schema.Schema {
	other := *s
	other.Columns = slices.Clone(s.Columns)
	for i := range other.Columns {
		if c := &other.Columns[i]; c.OnBad == from {
			c.OnBad = to
			changed[c.Name] = true
		}
	}
	return &other
}

// checked gathers what a decoder makes of the sample.
type checked struct {
	rowsIn     int64
	rejects    map[[2]string]*Finding // by reason and column
	badValues  []int64                // by index of the schema's columns
	partitions map[string]int64
}

func (c *checked) decode(s *Sample, sch *schema.Schema) error {
	d, err := rows.NewDecoder(sch, rows.Options{BatchID: "sample"})
	if err != nil {
		return fmt.Errorf("check the sample: %w", err)
	}
	c.badValues = make([]int64, len(sch.Columns))
	take := func() error {
		b, err := d.Take()
		if err == nil {
			c.block(s, b)
		}
		return err
	}
	for i, t := range s.Texts {
		text := t.Bytes
		if t.Cut && sch.Layout != schema.LayoutDocuments && sch.Layout != schema.LayoutArray {
			text = text[:bytes.LastIndexByte(text, '\n')+1]
		}
		d.Begin(i, rows.Source{Key: t.key(), ETag: t.Source.ETag})
		for {
			n, err := d.Decode(text, !t.Cut)
			if err != nil {
				return fmt.Errorf("check %s: %w", t.Source, err)
			}
			if !d.Full() {
				break
			}
			text = text[n:]
			if err := take(); err != nil {
				return fmt.Errorf("check %s: %w", t.Source, err)
			}
		}
	}
	if d.Empty() {
		return nil
	}
	return take()
}

// key is what the pseudo-column _source_key holds.
func (t Text) key() string {
	if t.Source.Bucket == "" {
		return "/" + t.Source.Key
	}
	return t.Source.Key
}

func (c *checked) block(s *Sample, b *rows.Block) {
	c.rowsIn += b.RowsIn
	for i, n := range b.BadValues {
		c.badValues[i] += n
	}
	for _, p := range b.Partition {
		c.partitions[b.Partitions[p]]++
	}
	next := 0
	for _, run := range b.Sources {
		for _, reject := range b.Rejects[next : next+run.Rejects] {
			c.reject(s.Texts[run.Source], reject)
		}
		next += run.Rejects
	}
}

func (c *checked) reject(t Text, r rows.Reject) {
	id := [2]string{r.Reason, r.Column}
	f := c.rejects[id]
	if f == nil {
		raw := r.Raw[:min(len(r.Raw), MaxExampleBytes)]
		f = &Finding{Reason: r.Reason, Column: r.Column, Source: t.Source.String(), Offset: r.Offset, Text: string(bytes.ToValidUTF8(raw, []byte("�"))), Detail: r.Detail}
		c.rejects[id] = f
	}
	f.Count++
}

// nulls tells of the values that become null. To find examples, the rows that
// have them are rejected in a second pass.
func (r *Report) nulls(s *Sample, sch *schema.Schema, badValues []int64) error {
	columns := map[string]bool{}
	probe := checked{rejects: map[[2]string]*Finding{}, partitions: map[string]int64{}}
	if !slices.ContainsFunc(badValues, func(n int64) bool { return n > 0 }) {
		return nil
	}
	if err := probe.decode(s, withOnBad(sch, schema.OnBadNull, schema.OnBadReject, columns)); err != nil {
		return err
	}
	examples := slices.SortedFunc(maps.Values(probe.rejects), func(a, b *Finding) int { return byCount(*a, *b) })
	for i, n := range badValues {
		name := sch.Columns[i].Name
		if n == 0 || !columns[name] {
			continue
		}
		f := Finding{Column: name}
		for _, e := range examples {
			if e.Column == name && e.Reason != scan.ReasonMissing {
				f = *e
				break
			}
		}
		f.Count = n
		r.Nulls = append(r.Nulls, f)
	}
	slices.SortFunc(r.Nulls, byCount)
	return nil
}

func (r *Report) warn(s *Sample, sch *schema.Schema) {
	n := int64(len(r.Partitions))
	if len(sch.Partitions) > 0 && n > manyPartitions {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s partitions in the sample alone: engines and runs are slow with more than a few thousand; partition more coarsely", comma(n)))
	} else if each := s.StoredBytes / max(1, n); len(sch.Partitions) > 0 && n > 1 && each < tinyPartitionBytes {
		r.Warnings = append(r.Warnings, fmt.Sprintf("of all sources a partition would get about %s on average, and less if there are more than the sample shows: such files are slow to read; partition more coarsely", bytesText(each)))
	}
	for _, f := range r.Rejects {
		if f.Stops {
			r.Warnings = append(r.Warnings, fmt.Sprintf("column %q has on_bad: fail, so a run would stop at its first bad value", f.Column))
		}
	}
	if r.RowsIn == 0 {
		r.Warnings = append(r.Warnings, "the sample has no row: larger --sample-bytes may help, or another layout in the schema")
	}
}
