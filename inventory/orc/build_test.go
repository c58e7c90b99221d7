package orc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// testFile describes an uncompressed ORC file, so that tests can build ones that no writer would write.
type testFile struct {
	types     []typeInfo
	stripes   []testStripe
	extraRows int64 // added to what the footer says
	version   []uint64
	encrypted []int
	noRows    bool // the footer does not say how many rows there are
}

type testStripe struct {
	rows      int64
	streams   []testStream
	encodings []encoding // missing ones are direct v2
	timezone  string
	values    []int64 // for the stripe statistics
	dataBytes int64   // added to the length of the data that the footer claims
	padding   []byte  // data that belongs to no stream
	cutTypes  int     // the number of types that have no encoding
}

type testStream struct {
	column int
	kind   streamKind
	data   []byte
}

func appendUint(b []byte, number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), v)
}

func appendMessage(b []byte, number protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), m)
}

func (f testFile) bytes() []byte {
	file := []byte(magic)
	var footer, metadata []byte
	rows := f.extraRows
	for _, s := range f.stripes {
		offset := len(file)
		var sf []byte
		for _, st := range s.streams {
			file = append(file, st.data...)
			m := appendUint(nil, 1, uint64(st.kind))
			m = appendUint(m, 2, uint64(st.column))
			sf = appendMessage(sf, 1, appendUint(m, 3, uint64(len(st.data))))
		}
		file = append(file, s.padding...)
		for id := range f.types[s.cutTypes:] {
			enc := encoding{kind: encodingDirectV2}
			if id < len(s.encodings) {
				enc = s.encodings[id]
			}
			sf = appendMessage(sf, 2, appendUint(appendUint(nil, 1, uint64(enc.kind)), 2, uint64(enc.dictionarySize)))
		}
		sf = appendMessage(sf, 3, []byte(s.timezone))
		info := appendUint(nil, 1, uint64(offset))
		info = appendUint(info, 3, uint64(int64(len(file)-offset)+s.dataBytes))
		info = appendUint(info, 4, uint64(len(sf)))
		footer = appendMessage(footer, 3, appendUint(info, 5, uint64(s.rows)))
		file = append(file, sf...)
		rows += s.rows
		if s.values != nil {
			var stats []byte
			for _, n := range s.values {
				stats = appendMessage(stats, 1, appendUint(nil, 1, uint64(n)))
			}
			metadata = appendMessage(metadata, 1, stats)
		}
	}
	for _, ty := range f.types {
		m := appendUint(nil, 1, uint64(ty.kind))
		for _, id := range ty.subtypes {
			m = appendUint(m, 2, uint64(id))
		}
		for _, name := range ty.fieldNames {
			m = appendMessage(m, 3, []byte(name))
		}
		m = appendUint(m, 5, uint64(ty.precision))
		footer = appendMessage(footer, 4, appendUint(m, 6, uint64(ty.scale)))
	}
	if !f.noRows {
		footer = appendUint(footer, 6, uint64(rows))
	}
	for _, id := range f.encrypted {
		footer = appendMessage(footer, 10, appendMessage(nil, 3, appendUint(nil, 1, uint64(id))))
	}
	file = append(append(file, metadata...), footer...)
	ps := appendUint(nil, 1, uint64(len(footer)))
	ps = appendUint(ps, 2, 0)
	for _, v := range f.version {
		ps = appendUint(ps, 4, v)
	}
	ps = appendUint(ps, 5, uint64(len(metadata)))
	ps = appendMessage(ps, 8000, []byte(magic))
	return append(append(file, ps...), byte(len(ps)))
}

// structOf is a root struct of columns of the given kinds, named a, b, c and so on.
func structOf(kinds ...Kind) []typeInfo {
	root := typeInfo{kind: KindStruct}
	types := []typeInfo{root}
	for i, kind := range kinds {
		types[0].subtypes = append(types[0].subtypes, i+1)
		types[0].fieldNames = append(types[0].fieldNames, string(rune('a'+i)))
		types = append(types, typeInfo{kind: kind})
	}
	return types
}

// read opens f and reads the named columns of its first stripe.
func (f testFile) read(columns ...string) (*Batch, error) {
	b := f.bytes()
	file, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	r, err := file.NewReader(columns...)
	if err != nil {
		return nil, err
	}
	return readStripe(context.Background(), r, 0)
}

// one is a file of one stripe with one column.
func one(kind Kind, rows int64, enc encoding, streams ...testStream) testFile {
	return testFile{types: structOf(kind), stripes: []testStripe{
		{rows: rows, streams: streams, encodings: []encoding{{}, enc}},
	}}
}

var directV2 = encoding{kind: encodingDirectV2}

func data(b ...byte) testStream           { return testStream{1, streamData, b} }
func length(b ...byte) testStream         { return testStream{1, streamLength, b} }
func present(b ...byte) testStream        { return testStream{1, streamPresent, b} }
func dictionaryData(b ...byte) testStream { return testStream{1, streamDictionaryData, b} }
func secondary(b ...byte) testStream      { return testStream{1, streamSecondary, b} }

// threeInts are the longs 0, -1 and 1 in direct encoding of 4 bits.
var threeInts = data(0x46, 0x02, 0x01, 0x20)

// TestDamage feeds damage of every kind that the reader tells apart. Each must be an error that says what is wrong, and names
// the stripe and the column if it lies in one.
func TestDamage(t *testing.T) {
	dict := encoding{kind: encodingDictionaryV2, dictionarySize: 2}
	stats := func(f testFile, values ...int64) testFile { f.stripes[0].values = values; return f }
	withTypes := func(types ...typeInfo) testFile { return testFile{types: types} }
	for _, c := range []struct {
		name string
		file testFile
		want string
	}{
		{"no types", withTypes(), "no columns"},
		{"a type is its own part", withTypes(typeInfo{kind: KindList, subtypes: []int{0}}), "names type 0"},
		{"a type beyond the last", withTypes(typeInfo{kind: KindList, subtypes: []int{1}}), "names type 1"},
		{"a type that belongs nowhere", withTypes(typeInfo{kind: KindLong}, typeInfo{kind: KindLong}), "part of 0 types"},
		{"a type that belongs twice", withTypes(typeInfo{kind: KindMap, subtypes: []int{1, 1}}, typeInfo{kind: KindLong}), "part of 2 types"},
		{"a long with parts", withTypes(typeInfo{kind: KindLong, subtypes: []int{1}}, typeInfo{kind: KindLong}), "has columns below"},
		{"names missing", withTypes(typeInfo{kind: KindStruct, subtypes: []int{1}}, typeInfo{kind: KindLong}), "0 names"},
		{"more rows in the footer", testFile{types: structOf(KindLong), extraRows: 1}, "hold 0 rows, the file 1"},
		{"fewer rows in the footer", func() testFile {
			f := one(KindLong, 3, directV2, threeInts)
			f.extraRows = -1
			return f
		}(), "more rows than the file's 2"},
		{"a stripe outside the file", testFile{types: structOf(KindLong), stripes: []testStripe{{rows: 1, dataBytes: 1 << 40}}},
			"stripe 0 reaches beyond"},
		{"statistics of other stripes", testFile{types: structOf(KindLong), stripes: []testStripe{
			{values: []int64{0, 0}}, {}}}, "describe 1 stripes"},
		{"unknown version", testFile{types: structOf(KindLong), version: []uint64{2, 0}}, "version 2.0"},

		{"too many rows", one(KindLong, 1<<40, directV2, threeInts), "ends before the last"},
		{"more rows than bytes could hold", one(KindLong, 1<<26, directV2, threeInts), "stripe 0: column \"a\": DATA stream: it ends before the last value"},
		{"more booleans than bytes could hold", one(KindBoolean, 1<<26, directV2, data(0x7f, 0xff)), "ends before the last"},
		{"more bytes than bytes could hold", one(KindByte, 1<<26, directV2, data(0x7f, 0xff)), "ends before the last"},
		{"more nulls than bytes could hold", one(KindByte, 1<<26, directV2, present(0x7f, 0x00)), "PRESENT stream: it ends before the last value"},
		{"more decimals than bytes could hold", one(KindDecimal, 100, directV2, data(2, 2), secondary(0xc0, 99, 0, 0)), "DATA stream: it ends before the last value"},
		{"a dictionary larger than bytes could hold", one(KindString, 1, encoding{encodingDictionaryV2, 1 << 30}, length(0x46, 0x02), data(0)), "exceeds the limit"},
		{"a row too many", one(KindLong, 4, directV2, threeInts), "ends before the last"},
		{"a row too few", one(KindLong, 2, directV2, threeInts), "beyond the last"},
		{"bytes behind the last value", one(KindLong, 3, directV2, data(0x46, 0x02, 0x01, 0x20, 0)), "1 bytes follow"},
		{"no data", one(KindLong, 3, directV2), "DATA stream is missing"},
		{"no lengths", one(KindString, 3, directV2, data('x')), "LENGTH stream is missing"},
		{"no nanoseconds", one(KindTimestamp, 3, directV2, threeInts), "SECONDARY stream is missing"},
		{"two data streams", one(KindLong, 3, directV2, threeInts, threeInts), "two DATA streams"},
		{"a stream of no column", one(KindLong, 3, directV2, threeInts, testStream{2, streamData, nil}), "column 2 of 2"},
		{"a stripe longer than its streams", testFile{types: structOf(KindLong), stripes: []testStripe{
			{rows: 3, streams: []testStream{threeInts}, padding: []byte{0}}}}, "stripe 0: stripe footer: the streams are 1 bytes shorter"},
		{"a column without an encoding", testFile{types: structOf(KindLong), stripes: []testStripe{
			{rows: 3, streams: []testStream{threeInts}, cutTypes: 1}}}, "encodings for 1 columns, the file has 2"},
		{"unknown encoding", one(KindLong, 3, encoding{kind: 4}, threeInts), "encoding of column 1"},
		{"a long in a dictionary", one(KindLong, 3, dict, threeInts), "dictionary encoded"},
		{"a value too large for its kind", one(KindShort, 3, directV2, data(0x10, 0x02, 0x00, 0x00)), "do not fit"},
		{"statistics count other values", stats(one(KindLong, 3, directV2, threeInts), 3, 2), "3 values were found, 2 are counted"},
		{"lengths of less than the data", one(KindString, 3, directV2, length(0x00, 0x01), data('x', 'y', 'z', '!')), "1 bytes follow"},
		{"lengths of more than the data", one(KindString, 3, directV2, length(0x00, 0x01), data('x', 'y')), "do not add up"},
		{"lengths of more than the data, with nulls", one(KindString, 8, directV2, present(0xff, 0xe0), length(0x00, 0x01), data('x', 'y')), "do not add up"},
		{"lengths of less than the data, with nulls", one(KindString, 8, directV2, present(0xff, 0xe0), length(0x00, 0x01), data('x', 'y', 'z', '!')), "1 bytes follow"},
		{"a negative length", one(KindString, 1, directV2, length(0x7e, 0, 255, 255, 255, 255, 255, 255, 255, 255), data()), "exceeds the limit"},
		{"dictionary entries missing", one(KindString, 3, dict, length(0xc0, 0x01, 0x01, 0x00), data(0x00, 0x01)), "dictionary of 2 entries"},
		{"an entry beyond the dictionary", one(KindString, 3, dict, length(0xc0, 0x01, 0x01, 0x00), dictionaryData('x', 'y'), data(0x00, 0x02)), "values from 2 to 2 are to be entries of a dictionary of 2"},
		{"an entry of an empty dictionary", one(KindString, 3, encoding{kind: encodingDictionaryV2}, data(0x00, 0x00)), "values from 0 to 0 are to be entries of a dictionary of 0"},
		{"half a double", one(KindDouble, 1, directV2, data(1, 2, 3, 4)), "ends before the last"},
		{"too many nanoseconds", one(KindTimestamp, 3, directV2, threeInts, secondary(0x20, 0xff, 0xff, 0xff, 0xff, 0xff)), "no number of nanoseconds"},
		{"a time beyond reason", one(KindTimestamp, 3, directV2, data(0x38, 0x7f, 0, 0, 0, 0, 0, 0, 0), secondary(0x00, 0x00)), "out of range"},
		{"a time zone that is none", func() testFile {
			f := one(KindTimestamp, 3, directV2, threeInts, secondary(0x00, 0x00))
			f.stripes[0].timezone = "Nowhere/Land"
			return f
		}(), "Nowhere/Land"},
		{"a scale beyond reason", one(KindDecimal, 3, directV2, data(2, 2, 2), secondary(0x00, 200)), "scale of 100"},
		{"bytes behind the last decimal", one(KindDecimal, 3, directV2, data(2, 2, 2, 2), secondary(0x00, 0x00)), "1 bytes follow"},
		{"a decimal cut short", one(KindDecimal, 3, directV2, data(2, 2, 0x82), secondary(0x00, 0x00)), "DATA stream: it ends before the last value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			batch, err := c.file.read("a")
			if err == nil || batch != nil {
				t.Fatalf("%+v, no error", batch)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestBuiltFiles reads files that are unusual but sound.
func TestBuiltFiles(t *testing.T) {
	t.Run("a footer without a number of rows", func(t *testing.T) {
		f := one(KindLong, 3, directV2, threeInts)
		f.noRows = true
		b, err := f.read("a")
		if err != nil || b.Rows != 3 || !slices.Equal(b.Columns[0].Int64, []int64{0, -1, 1}) {
			t.Errorf("%+v, %v", b, err)
		}
	})
	t.Run("statistics that were not kept", func(t *testing.T) {
		f := one(KindLong, 3, directV2, threeInts)
		f.stripes[0].values = []int64{0, 0}
		if b, err := f.read("a"); err != nil || b.Rows != 3 {
			t.Errorf("%+v, %v", b, err)
		}
	})
	t.Run("all null, with an empty dictionary", func(t *testing.T) {
		f := one(KindString, 8, encoding{kind: encodingDictionaryV2}, present(0xff, 0x00), data(), length(), dictionaryData())
		f.stripes[0].values = []int64{8, 0}
		b, err := f.read("a")
		if err != nil {
			t.Fatal(err)
		}
		v := b.Columns[0]
		if !v.Dictionary || v.Entries() != 0 || len(v.Codes) != 8 || !v.IsNull(7) || v.Bytes(7) != nil {
			t.Errorf("%+v", v)
		}
	})
	t.Run("all null, without streams of values", func(t *testing.T) {
		for kind := range kindCount {
			if kind.Nested() {
				continue
			}
			b, err := one(kind, 8, directV2, present(0xff, 0x00)).read("a")
			if err != nil || b.Rows != 8 || !b.Columns[0].IsNull(0) {
				t.Errorf("%v: %+v, %v", kind, b, err)
			}
		}
	})
	t.Run("empty strings without data", func(t *testing.T) {
		b, err := one(KindString, 3, directV2, length(0x00, 0x00)).read("a")
		if err != nil || len(b.Columns[0].Bytes(2)) != 0 || b.Columns[0].IsNull(2) {
			t.Errorf("%+v, %v", b, err)
		}
	})
	t.Run("rows that are null as a whole", func(t *testing.T) {
		f := testFile{types: structOf(KindLong, KindString), stripes: []testStripe{{rows: 8, streams: []testStream{
			{0, streamPresent, []byte{0xff, 0b1010_1100}},
			{1, streamData, []byte{0x46, 0x03, 0x01, 0x23}}, // 0, -1, 1, -2
			{2, streamPresent, []byte{0xff, 0b1100_0000}},   // for the four rows that exist
			{2, streamLength, []byte{0x42, 0x01, 0x60}},     // 1, 2
			{2, streamData, []byte("xyz")},
		}}}}
		b, err := f.read("a", "b")
		if err != nil {
			t.Fatal(err)
		}
		a, s := b.Columns[0], b.Columns[1]
		if want := []int64{0, 0, -1, 0, 1, -2, 0, 0}; !slices.Equal(a.Int64, want) || a.Present == nil || a.IsNull(0) || !a.IsNull(1) {
			t.Errorf("%v, present %v", a.Int64, a.Present)
		}
		if string(s.Bytes(0)) != "x" || string(s.Bytes(2)) != "yz" || !s.IsNull(1) || !s.IsNull(4) {
			t.Errorf("%q, %v, present %v", s.Data, s.Offsets, s.Present)
		}
	})
	t.Run("decimals without a declared scale", func(t *testing.T) {
		// 1, -1, 12 with the scales 0, 2, -1: 1.00, -0.01, 120.00.
		b, err := one(KindDecimal, 3, directV2, data(2, 1, 24), secondary(0x46, 0x02, 0x04, 0x10)).read("a")
		if err != nil {
			t.Fatal(err)
		}
		v := b.Columns[0]
		if want := []Int128{{0, 100}, {-1, ^uint64(0)}, {0, 12000}}; v.Scale != 2 || !slices.Equal(v.Decimal, want) {
			t.Errorf("%v, scale %d", v.Decimal, v.Scale)
		}
	})
}

func TestNewReaderRefuses(t *testing.T) {
	types := structOf(KindLong, KindLong, KindList, KindLong)
	types[0].fieldNames = []string{"a", "a", "list", "secret"}
	types[3].subtypes = []int{5}
	types = append(types, typeInfo{kind: KindLong})
	b := testFile{types: types, encrypted: []int{4}}.bytes()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		columns []string
		want    string
	}{
		{[]string{"key"}, "no such column; it has [a a list secret]"},
		{[]string{"a"}, "two columns"},
		{[]string{"list"}, "kind array cannot be read"},
		{[]string{"secret"}, "encrypted"},
	} {
		if _, err := f.NewReader(c.columns...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.columns, err, c.want)
		}
	}
	r, err := f.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{-1, 0} {
		if _, err := readStripe(context.Background(), r, i); err == nil {
			t.Errorf("stripe %d: no error", i)
		}
	}
	whole := one(KindLong, 3, directV2, threeInts).bytes()
	if f, err = Open(bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Fatal(err)
	}
	if _, err := f.NewReader("a", "a"); err == nil || !strings.Contains(err.Error(), "named twice") {
		t.Errorf("the same column twice: %v", err)
	}
	if r, err = f.NewReader("a"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := readStripe(ctx, r, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
}
