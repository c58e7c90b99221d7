package table

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// write writes blocks of one partition with a small share of memory for rows.
func write(t testing.TB, o Options, gather int64, blocks ...*Block) []File {
	t.Helper()
	o.TempDir = t.TempDir()
	w := NewWriter(t.Context(), o)
	t.Cleanup(func() { closeWriter(t, w) })
	w.budget.rows = gather
	for _, b := range blocks {
		if b.Partition == nil {
			b.Partition, b.Partitions = make([]int32, b.Rows), []string{""}
		}
		if err := w.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	files, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func chunkOf(t testing.TB, f File, group, column int) *metadata.ColumnChunkMetaData {
	t.Helper()
	c, err := open(t, f).MetaData().RowGroup(group).ColumnChunk(column)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dataEncodings are those of the chunk's data pages.
func dataEncodings(c *metadata.ColumnChunkMetaData) (out []parquet.Encoding) {
	for _, s := range c.EncodingStats() {
		if s.PageType.String() != "DICTIONARY_PAGE" {
			out = append(out, s.Encoding)
		}
	}
	return out
}

// TestDictionaries: a column that comes as dictionaries of several producers,
// which grow and change within a row group, is written with one dictionary, of
// what the row group uses.
func TestDictionaries(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{field("text", arrow.BinaryTypes.String)}, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	var blocks []*Block
	for i := range 12 {
		producer := i % 3
		var texts []string
		for e := range 10 + 10*i { // grows from block to block of a producer
			texts = append(texts, fmt.Sprintf("entry %d", e*(producer+1)))
		}
		indices := make([]int32, 5000)
		for row := range indices {
			indices[row] = int32(rng.IntN(10))
		}
		indices[0] = int32(len(texts) - 1)
		blocks = append(blocks, &Block{Rows: len(indices), Columns: []arrow.Array{dictionaryArray(indices, texts)}, Dictionaries: []int{1}, Producer: producer})
	}
	var want expected
	for _, b := range blocks {
		b.Partition, b.Partitions = make([]int32, b.Rows), []string{""}
		want.add(b)
	}
	for _, gather := range []int64{1, 1 << 30} {
		files := write(t, Options{Schema: s}, gather, blocks...)
		want.check(t, files)
		c := chunkOf(t, files[0], 0, 0)
		if got := dataEncodings(c); len(got) != 1 || got[0] != parquet.Encodings.RLEDict || c.NumValues() != 60_000 {
			t.Errorf("%d values with encodings %v, want 60000 of one dictionary", c.NumValues(), got)
		}
		distinct := map[string]bool{}
		for _, row := range want.rows[""] {
			distinct[row] = true
		}
		if n := dictionaryEntries(t, files[0], 0, 0); n != len(distinct) {
			t.Errorf("a dictionary of %d entries, where %d are used", n, len(distinct))
		}
	}
}

func dictionaryEntries(t testing.TB, f File, group, column int) int {
	t.Helper()
	pages, err := open(t, f).RowGroup(group).GetColumnPageReader(column)
	if err != nil {
		t.Fatal(err)
	}
	if !pages.Next() {
		t.Fatal(pages.Err())
	}
	return int(pages.Page().NumValues())
}

// TestMixedText: where some text comes as codes and some as it is, or a
// dictionary would hardly be smaller, a column is plain, and right.
func TestMixedText(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{field("text", arrow.BinaryTypes.String)}, nil)
	unique := func(n int) (texts []string) {
		for i := range n {
			texts = append(texts, fmt.Sprintf("%032d", i))
		}
		return texts
	}
	plain := array.NewStringBuilder(memory.DefaultAllocator)
	plain.AppendValues(unique(1000), nil)
	coded := &Block{Rows: 2000, Columns: []arrow.Array{dictionaryArray(make([]int32, 2000), []string{"one"})}, Dictionaries: []int{1}}
	asItIs := &Block{Rows: 1000, Columns: []arrow.Array{plain.NewArray()}, Dictionaries: []int{0}}
	uniqueCoded := &Block{Rows: 1000, Columns: []arrow.Array{dictionaryArray(identity(1000), unique(1000))}, Dictionaries: []int{1}, Producer: 1}
	for _, gather := range []int64{1, 1 << 30} {
		files := write(t, Options{Schema: s}, gather, coded, asItIs, coded)
		if got := dataEncodings(chunkOf(t, files[0], 0, 0)); len(got) != 1 || got[0] != parquet.Encodings.DeltaLengthByteArray {
			t.Errorf("codes and text: %v", got)
		}
		if rows := shownFile(t, files[0]); rows[0] != `"one"` || rows[2000] != fmt.Sprintf("%q", fmt.Sprintf("%032d", 0)) || rows[4999] != `"one"` {
			t.Errorf("codes and text: %s %s %s", rows[0], rows[2000], rows[4999])
		}
		files = write(t, Options{Schema: s}, gather, uniqueCoded)
		if got := dataEncodings(chunkOf(t, files[0], 0, 0)); len(got) != 1 || got[0] != parquet.Encodings.DeltaLengthByteArray {
			t.Errorf("unique codes: %v", got)
		}
		files = write(t, Options{Schema: s, RowGroupBytes: 1}, gather, coded, uniqueCoded)
		if got := dataEncodings(chunkOf(t, files[0], 1, 0)); len(got) != 1 || got[0] != parquet.Encodings.Plain {
			t.Errorf("unique codes in a file with a dictionary: %v", got)
		}
		if rows := shownFile(t, files[0]); rows[1999] != `"one"` || rows[2999] != fmt.Sprintf("%q", fmt.Sprintf("%032d", 999)) {
			t.Errorf("unique codes in a file with a dictionary: %s %s", rows[1999], rows[2999])
		}
	}
}

// numbers is a block of a column of each type of number.
func numbers(n int, ints func(i int) int64, doubles func(i int) float64) *Block {
	i32, i64 := array.NewInt32Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	times := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"})
	f64 := array.NewFloat64Builder(memory.DefaultAllocator)
	for i := range n {
		i32.Append(int32(ints(i)))
		i64.Append(ints(i))
		times.Append(arrow.Timestamp(ints(i)))
		f64.Append(doubles(i))
	}
	return &Block{Rows: n, Columns: []arrow.Array{i32.NewArray(), i64.NewArray(), times.NewArray(), f64.NewArray()}, Dictionaries: make([]int, 4)}
}

func numbersSchema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{
		field("i32", arrow.PrimitiveTypes.Int32), field("i64", arrow.PrimitiveTypes.Int64),
		field("time", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}), field("f64", arrow.PrimitiveTypes.Float64),
	}, nil)
}

// TestNumberEncodings: few numbers get a dictionary, near ones are deltas, and
// a row group that is not like the first one falls back.
func TestNumberEncodings(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	few := numbers(20_000, func(i int) int64 { return int64(i * 7919 % 5 * 100) }, func(i int) float64 { return math.Copysign(float64(i%50)/1000, -1) })
	rising := numbers(20_000, func(i int) int64 { return int64(i*1000 + i%7) }, func(int) float64 { return rng.NormFloat64() })
	random := numbers(20_000, func(int) int64 { return int64(rng.Uint64()) }, func(int) float64 { return rng.NormFloat64() })
	dictionary, delta, plain := parquet.Encodings.RLEDict, parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.Plain
	for _, c := range []struct {
		name   string
		blocks []*Block
		want   [][]parquet.Encoding // by row group and column
	}{
		{"few", []*Block{few}, [][]parquet.Encoding{{dictionary, dictionary, dictionary, dictionary}}},
		{"rising", []*Block{rising}, [][]parquet.Encoding{{delta, delta, delta, plain}}},
		{"random", []*Block{random}, [][]parquet.Encoding{{plain, plain, plain, plain}}},
		{"few, then random", []*Block{few, random, few}, [][]parquet.Encoding{{dictionary, dictionary, dictionary, dictionary}, {plain, plain, plain, plain}, {dictionary, dictionary, dictionary, dictionary}}},
	} {
		var want expected
		for _, b := range c.blocks {
			b.Partition, b.Partitions = make([]int32, b.Rows), []string{""}
			want.add(b)
		}
		files := write(t, Options{Schema: numbersSchema(), RowGroupBytes: 1}, 1<<30, c.blocks...)
		want.check(t, files)
		for g, columns := range c.want {
			for i, e := range columns {
				if got := dataEncodings(chunkOf(t, files[0], g, i)); len(got) != 1 || got[0] != e {
					t.Errorf("%s: row group %d, column %d: %v, want %v", c.name, g, i, got, e)
				}
			}
		}
	}
}

// TestFile: what a file says of itself.
func TestFile(t *testing.T) {
	s := arrow.NewSchema(append(numbersSchema().Fields(), field("text", arrow.BinaryTypes.String), field("long", arrow.BinaryTypes.String),
		field("small", &arrow.Decimal128Type{Precision: 9, Scale: 2}), field("coded", arrow.BinaryTypes.String)), nil)
	const n = 100_000
	b := numbers(n, func(i int) int64 { return int64(i) * 1_000_003 % 100_000 }, func(i int) float64 {
		return []float64{math.NaN(), math.Copysign(0, -1), 1.5, 0}[i%4]
	})
	text, long := array.NewStringBuilder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	small := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 9, Scale: 2})
	codes := make([]int32, n)
	for i := range n {
		text.Append(fmt.Sprintf("%08d", i))
		long.Append(strings.Repeat("x", maxStatsBytes) + fmt.Sprint(i))
		if i == 5 {
			small.AppendNull()
		} else {
			small.Append(decimal(int64(i) - 50_000))
		}
		codes[i] = int32(i / 50_000 * 2)
	}
	b.Columns = append(b.Columns, text.NewArray(), long.NewArray(), small.NewArray(), dictionaryArray(codes, []string{"b", "unused", "a"}))
	b.Dictionaries = make([]int, 8)
	files := write(t, Options{Schema: s, Bloom: []int{1, 4, 7}}, 1<<30, b)
	r := open(t, files[0])
	m := r.MetaData()
	if m.GetCreatedBy() != "s3compact" || m.NumRows != n || len(m.RowGroups) != 1 {
		t.Errorf("created by %q, %d rows in %d row groups", m.GetCreatedBy(), m.NumRows, len(m.RowGroups))
	}
	ts := m.Schema.Column(2)
	if logical, ok := ts.LogicalType().(schema.TimestampLogicalType); !ok || ts.PhysicalType() != parquet.Types.Int64 || !logical.IsAdjustedToUTC() || logical.TimeUnit() != schema.TimeUnitMicros {
		t.Errorf("timestamps are %s of %s", ts.LogicalType(), ts.PhysicalType())
	}
	if p := m.Schema.Column(6).PhysicalType(); p != parquet.Types.Int32 {
		t.Errorf("decimals of 9 digits are %s", p)
	}
	index, err := r.GetPageIndexReader().RowGroup(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		c := chunkOf(t, files[0], 0, i)
		if c.Compression() != compress.Codecs.Zstd {
			t.Errorf("column %d: %s", i, c.Compression())
		}
		offsets, err := index.GetOffsetIndex(i)
		if err != nil || offsets == nil {
			t.Fatalf("column %d: offset index %v, %v", i, offsets, err)
		}
		for p, page := range offsets.GetPageLocations() {
			if i != 5 && page.FirstRowIndex != int64(p*pageRows) {
				t.Errorf("column %d: page %d begins with row %d, want %d", i, p, page.FirstRowIndex, p*pageRows)
			}
		}
		columnIndex, err := index.GetColumnIndex(i)
		if err != nil || (columnIndex == nil) != (i == 5) {
			t.Errorf("column %d: column index %v, %v", i, columnIndex, err)
		}
	}
	for i, want := range map[int][2]any{
		1: {int64(0), int64(99_999)}, 3: {math.Copysign(0, -1), 1.5}, 4: {"00000000", "00099999"}, 6: {int32(-50_000), int32(49_999)}, 7: {"a", "b"},
	} {
		low, high := minMax(t, chunkOf(t, files[0], 0, i))
		if fmt.Sprint(low) != fmt.Sprint(want[0]) || fmt.Sprint(high) != fmt.Sprint(want[1]) {
			t.Errorf("column %d: statistics %v to %v, want %v to %v", i, low, high, want[0], want[1])
		}
	}
	if stats, err := chunkOf(t, files[0], 0, 5).Statistics(); err == nil && stats != nil && stats.HasMinMax() {
		t.Error("long text has statistics")
	}
	if stats, err := chunkOf(t, files[0], 0, 6).Statistics(); err != nil || stats.NullCount() != 1 {
		t.Errorf("nulls are counted as %v, %v", stats, err)
	}
	pages := typedIndex[parquet.ByteArray](t, index, 7)
	if got := fmt.Sprintf("%s %s", pages.MinValues(), pages.MaxValues()); got != "[b a a a] [b b a a]" {
		t.Errorf("the pages of codes are from and to %s", got)
	}
	for i, has := range map[int]bool{0: false, 1: true, 4: true, 7: true} {
		filters, err := r.GetBloomFilterReader().RowGroup(0)
		if err != nil {
			t.Fatal(err)
		}
		filter, err := filters.GetColumnBloomFilter(i)
		if err != nil || (filter != nil) != has {
			t.Fatalf("column %d: bloom filter %v, %v", i, filter, err)
		}
		switch i {
		case 4:
			typed := metadata.TypedBloomFilter[parquet.ByteArray]{BloomFilter: filter}
			if !typed.Check(parquet.ByteArray("00012345")) || typed.Check(parquet.ByteArray("nothing like it")) {
				t.Error("the bloom filter of text is wrong")
			}
		case 7:
			typed := metadata.TypedBloomFilter[parquet.ByteArray]{BloomFilter: filter}
			if !typed.Check(parquet.ByteArray("a")) || !typed.Check(parquet.ByteArray("b")) || typed.Check(parquet.ByteArray("unused")) {
				t.Error("the bloom filter of codes is wrong")
			}
		}
	}
}

func typedIndex[T parquet.ColumnTypes](t testing.TB, r *metadata.RowGroupPageIndexReader, column int) *metadata.TypedColumnIndex[T] {
	t.Helper()
	i, err := r.GetColumnIndex(column)
	if err != nil {
		t.Fatal(err)
	}
	return i.(*metadata.TypedColumnIndex[T])
}

func minMax(t testing.TB, c *metadata.ColumnChunkMetaData) (low, high any) {
	t.Helper()
	stats, err := c.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	if stats == nil || !stats.HasMinMax() {
		return nil, nil
	}
	switch s := stats.(type) {
	case *metadata.Int32Statistics:
		return s.Min(), s.Max()
	case *metadata.Int64Statistics:
		return s.Min(), s.Max()
	case *metadata.Float64Statistics:
		return s.Min(), s.Max()
	case *metadata.ByteArrayStatistics:
		return string(s.Min()), string(s.Max())
	}
	t.Fatalf("statistics %T", stats)
	return nil, nil
}

// TestRowGroupSizes: row groups have about the size that is asked for, and all
// the same, with many partitions in little memory; files end past theirs.
func TestRowGroupSizes(t *testing.T) {
	const partitions, groupBytes, rows = 40, 256 << 10, 8_000
	rowBytes := 4 + 8 + 8 + 8
	var blocks []*Block
	for i := range 60 {
		b := numbers(rows, func(row int) int64 { return int64(i*rows+row) * 1009 }, func(row int) float64 { return float64(row) })
		for row := range rows {
			b.Partition = append(b.Partition, int32(row%partitions))
		}
		for p := range partitions {
			b.Partitions = append(b.Partitions, fmt.Sprint("p=", p))
		}
		blocks = append(blocks, b)
	}
	for _, c := range []struct {
		name                string
		fileBytes, gather   int64
		maxOpen             int
		sortBy              []Sort
		wantGroups, oneFile bool
	}{
		{"in memory", 1 << 30, 1 << 30, 0, nil, true, true},
		{"spilled", 1 << 30, 1 << 20, 0, nil, true, true},
		{"few files at once", 1 << 30, 1 << 20, 3, nil, true, true},
		{"sorted", 1 << 30, 1 << 20, 0, []Sort{{Column: 3, Descending: true}}, true, true},
		{"small files", 1, 1 << 20, 0, nil, true, false},
	} {
		files := write(t, Options{Schema: numbersSchema(), RowGroupBytes: groupBytes, FileBytes: c.fileBytes, MaxOpenPartitions: c.maxOpen, SortBy: c.sortBy}, c.gather, blocks...)
		if (len(files) == partitions) != c.oneFile {
			t.Errorf("%s: %d files of %d partitions", c.name, len(files), partitions)
		}
		for _, f := range files {
			groups := open(t, f).MetaData().RowGroups
			if !c.oneFile && len(groups) != 1 {
				t.Errorf("%s: %s: a file of %d row groups", c.name, f.Partition, len(groups))
			}
			for i, g := range groups {
				size := int(g.NumRows) * rowBytes
				if size > groupBytes*3/2 || size < groupBytes/2 && i < len(groups)-1 {
					t.Errorf("%s: %s: row group %d of %d takes %d bytes, want about %d", c.name, f.Partition, i, len(groups), size, groupBytes)
				}
			}
		}
	}
}

// TestMaxOpenPartitions: no more partitions than that have an unfinished file
// while rows are added.
func TestMaxOpenPartitions(t *testing.T) {
	s := numbersSchema()
	w := NewWriter(t.Context(), Options{Schema: s, RowGroupBytes: 1, MaxOpenPartitions: 3, TempDir: t.TempDir()})
	defer w.Close()
	for i := range 10 {
		b := numbers(10, func(i int) int64 { return int64(i) }, func(i int) float64 { return float64(i) })
		b.Partition, b.Partitions = make([]int32, b.Rows), []string{fmt.Sprint("p=", i%5)}
		if err := errors.Join(w.Add(b), w.gather()); err != nil {
			t.Fatal(err)
		}
	}
	w.encoders.Wait()
	unfinished := 0
	for _, p := range w.partitions {
		if p.current != nil {
			unfinished++
		}
	}
	if unfinished != 3 {
		t.Errorf("%d partitions have an unfinished file, want 3", unfinished)
	}
	files, err := w.Finish()
	if err != nil || len(files) != 5 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// TestManyPages: pages of long text are cut by bytes.
func TestManyPages(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{field("text", arrow.BinaryTypes.String), field("coded", arrow.BinaryTypes.String), field("list", arrow.ListOf(arrow.BinaryTypes.String))}, nil)
	text := array.NewStringBuilder(memory.DefaultAllocator)
	lists := array.NewListBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String)
	entries := []string{strings.Repeat("y", 900_000), strings.Repeat("z", 50_000)}
	for i := range 200 {
		text.Append(strings.Repeat("x", 100_000) + fmt.Sprint(i))
		lists.Append(true)
		lists.ValueBuilder().(*array.StringBuilder).Append(strings.Repeat("w", 60_000) + fmt.Sprint(i))
	}
	codes := make([]int32, 200)
	for i := range codes {
		codes[i] = int32(i % 2)
	}
	plain := text.NewArray()
	b := &Block{Rows: 200, Columns: []arrow.Array{plain, dictionaryArray(codes, entries), lists.NewArray()}, Dictionaries: []int{0, 1, 0}}
	// The second column has codes in one block and text in the other.
	c := &Block{Rows: 200, Columns: []arrow.Array{plain, plain, b.Columns[2]}, Dictionaries: []int{0, 0, 0}}
	var want expected
	for _, b := range []*Block{b, c} {
		b.Partition, b.Partitions = make([]int32, b.Rows), []string{""}
		want.add(b)
	}
	files := write(t, Options{Schema: s}, 1, b, c)
	want.check(t, files)
	index, err := open(t, files[0]).GetPageIndexReader().RowGroup(0)
	if err != nil {
		t.Fatal(err)
	}
	for i, atLeast := range []int{30, 50, 20} {
		offsets, err := index.GetOffsetIndex(i)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(offsets.GetPageLocations()); n < atLeast {
			t.Errorf("column %d has %d pages, want %d or more", i, n, atLeast)
		}
	}
}

// TestSpoolFile: reads across extents, and at the end.
func TestSpoolFile(t *testing.T) {
	s := &spool{dir: t.TempDir()}
	defer func() { _ = s.close() }() // an unlinked file
	files := []*spoolFile{{spool: s}, {spool: s}}
	var want [2][]byte
	rng := rand.New(rand.NewPCG(9, 9))
	for range 50 {
		i := rng.IntN(2)
		b := make([]byte, 1+rng.IntN(30))
		for j := range b {
			b[j] = byte(rng.Uint32())
		}
		want[i] = append(want[i], b...)
		if err := files[i].append(b); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range files {
		for range 300 {
			from := rng.IntN(len(want[i]) + 2)
			b := make([]byte, rng.IntN(100))
			n, err := f.ReadAt(b, int64(from))
			from = min(from, len(want[i]))
			rest := want[i][from:]
			if !slices.Equal(b[:n], rest[:min(len(rest), len(b))]) || (err != nil) != (len(rest) < len(b)) {
				t.Fatalf("read of %d at %d of %d: %d, %v", len(b), from, len(want[i]), n, err)
			}
		}
	}
}

func decimal(n int64) decimal128.Num { return decimal128.FromI64(n) }
