package orc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

var inventoryFields = []orcwrite.Field{
	{Name: "key", Kind: orcwrite.String}, {Name: "size", Kind: orcwrite.Long}, {Name: "modified", Kind: orcwrite.Timestamp},
	{Name: "class", Kind: orcwrite.String}, {Name: "latest", Kind: orcwrite.Boolean}, {Name: "parts", Kind: orcwrite.Int},
	{Name: "lock", Kind: orcwrite.String},
}

// folderRows is the mean number of rows in a folder.
const folderRows = 50

// inventoryStripe makes rows like those of an inventory: keys in order by folder, values that repeat and values that don't,
// and nulls in the share of rows given.
func inventoryStripe(random *rand.Rand, rows int, nulls float64) []orcwrite.Column {
	c := make([]orcwrite.Column, len(inventoryFields))
	folder, constant := 0, 0
	for i := range rows {
		if random.IntN(folderRows) == 0 {
			folder++
		}
		if random.IntN(700) == 0 {
			constant = random.IntN(3)
		}
		c[0].Strings = append(c[0].Strings, fmt.Sprintf("logs/%04d/%06d-%x.gz", folder, i, random.Uint32()>>random.IntN(32)))
		c[1].Ints = append(c[1].Ints, []int64{4096, random.Int64N(1 << 20), int64(i) * 7}[constant])
		c[2].Times = append(c[2].Times, time.Unix(1_700_000_000+int64(i)*int64(constant), int64(constant*random.IntN(1000))*1e6).UTC())
		c[3].Strings = append(c[3].Strings, []string{"STANDARD", "GLACIER", "STANDARD_IA"}[max(0, constant-random.IntN(2))])
		c[4].Bools = append(c[4].Bools, constant > 0)
		c[5].Ints = append(c[5].Ints, int64(random.IntN(5)-1)*int64(constant))
		c[6].Strings = append(c[6].Strings, "")
		for j := range c {
			null := random.Float64() < nulls
			if j == 6 {
				null = true
			}
			c[j].Present = append(c[j].Present, !null)
		}
	}
	return c
}

// writeInventory writes a file of stripes with the given numbers of rows.
func writeInventory(t testing.TB, seed uint64, o orcwrite.Options, nulls float64, stripes ...int) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	var file bytes.Buffer
	w, err := orcwrite.NewWriter(&file, inventoryFields, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range stripes {
		if err := w.WriteStripe(rows, inventoryStripe(random, rows, nulls)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func openBytes(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRowIndex reads files by their row indexes: every compression, blocks so small that runs and values straddle many of
// them, row groups of one row and more, and positions that name earlier runs than those in which row groups begin.
func TestRowIndex(t *testing.T) {
	seed := uint64(0)
	for _, compression := range []orcwrite.Compression{orcwrite.None, orcwrite.Zlib, orcwrite.Snappy} {
		for _, block := range []int{50, 1000, 0} {
			for _, stride := range []int{1, 7, 100, 1000} {
				for _, nulls := range []float64{0, 0.1, 0.9} {
					seed++
					o := orcwrite.Options{Compression: compression, BlockBytes: block, RowIndexStride: stride, EarlyPositions: seed%2 == 0}
					t.Run(fmt.Sprintf("%d/%d/%d/%v/%v", compression, block, stride, nulls, o.EarlyPositions), func(t *testing.T) {
						rows := 3000
						if stride < 100 {
							rows = 20 * stride
						}
						f := openBytes(t, writeInventory(t, seed, o, nulls, rows, stride, 1, rows-1))
						if got, want := checkSpans(t, f, rand.New(rand.NewPCG(seed, 1))), 2+2*((rows+stride-1)/stride); got < want-1 {
							t.Errorf("%d row groups, want %d", got, want)
						}
					})
				}
			}
		}
	}
}

// TestStatistics compares the statistics of row groups with their values.
func TestStatistics(t *testing.T) {
	b := writeInventory(t, 1, orcwrite.Options{Compression: orcwrite.Zlib, RowIndexStride: 300}, 0.2, 1000, 500)
	checkStatistics(t, openBytes(t, b))
}

// checkStatistics compares the statistics that are shown of each row group with its values. Those of columns of which
// statistics are kept must be known.
func checkStatistics(t *testing.T, f *File) {
	t.Helper()
	r, err := f.NewReader(readable(f)...)
	if err != nil {
		t.Fatal(err)
	}
	for stripe := range f.NumStripes() {
		whole, err := readStripe(context.Background(), r, stripe)
		if err != nil {
			t.Fatal(err)
		}
		index, next := 0, int64(0)
		err = r.Open(context.Background(), Span{stripe, 0, f.RowGroups(stripe)}, func(g RowGroup, _ []bool) {
			if g.Stripe != stripe || g.Index != index || g.FirstRow != next {
				t.Errorf("row group %d of stripe %d begins at row %d, want %d of %d at %d", g.Index, g.Stripe, g.FirstRow, index, stripe, next)
			}
			index++
			next += g.Rows
			for i, s := range g.Statistics {
				want := statisticsOf(whole.Columns[i], int(g.FirstRow), int(next))
				if d := compareStatistics(s, want); d != "" {
					t.Errorf("stripe %d, row group %d, column %q: %s: %+v, want %+v", stripe, g.Index, r.columns[i].name, d, s, want)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if next != int64(whole.Rows) {
			t.Errorf("the row groups have %d rows, the stripe %d", next, whole.Rows)
		}
	}
}

// compareStatistics says what is wrong with s where want is true.
func compareStatistics(s, want Statistics) string {
	switch {
	case !s.Known || s.Values != want.Values:
		return "the number of values"
	case s.HasSum && (!want.HasSum || s.Sum != want.Sum):
		return "the sum"
	case !s.HasRange:
		if s.Min != nil || s.Max != nil || s.MinInt != 0 || s.MaxInt != 0 || s.Exact {
			return "a range that is none"
		}
		return ""
	case !want.HasRange:
		return "a range"
	case s.Exact && (!bytes.Equal(s.Min, want.Min) || !bytes.Equal(s.Max, want.Max) || s.MinInt != want.MinInt || s.MaxInt != want.MaxInt):
		return "the range"
	case bytes.Compare(s.Min, want.Min) > 0 || bytes.Compare(s.Max, want.Max) < 0 || s.MinInt > want.MinInt || s.MaxInt < want.MaxInt:
		return "too narrow a range"
	}
	return ""
}

// statisticsOf are the statistics of the rows [from, to).
func statisticsOf(v *Vector, from, to int) Statistics {
	s := Statistics{Known: true}
	for i := from; i < to; i++ {
		if v.IsNull(i) {
			continue
		}
		one := Statistics{Known: true, Values: 1, HasRange: true, Exact: true}
		switch v.Kind {
		case KindBoolean:
			one.HasRange, one.Exact, one.HasSum = false, false, true
			if v.Bool[i] {
				one.Sum = 1
			}
		case KindByte, KindShort, KindInt, KindLong:
			one.HasSum, one.Sum, one.MinInt, one.MaxInt = true, v.Int64[i], v.Int64[i], v.Int64[i]
		case KindDate:
			one.MinInt, one.MaxInt = v.Int64[i], v.Int64[i]
		case KindBinary:
			one.HasRange, one.Exact, one.HasSum, one.Sum = false, false, true, int64(len(v.Bytes(i)))
		case KindFloat, KindDouble, KindDecimal:
			one.HasRange, one.Exact = false, false
		case KindTimestamp, KindTimestampInstant:
			one.MinInt = v.Seconds[i]*1000 + int64(v.Nanos[i])/1e6
			one.MaxInt = one.MinInt
		case KindString, KindVarchar, KindChar:
			one.HasSum, one.Sum, one.Min, one.Max = true, int64(len(v.Bytes(i))), v.Bytes(i), v.Bytes(i)
		}
		s.add(&one)
	}
	return s
}

// sharedFolder is the rule by which callers leave keys unread: the first two segments that the least and the largest key of a
// row group share are those of all.
func sharedFolder(g RowGroup) (folder string, ok bool) {
	s := g.Statistics[0]
	if !s.Known || !s.HasRange || s.Values != g.Rows {
		return "", false
	}
	folder = twoSegments(string(s.Min))
	return folder, strings.Count(folder, "/") == 2 && strings.HasPrefix(string(s.Max), folder)
}

func twoSegments(key string) string {
	i := strings.IndexByte(key, '/') + 1
	return key[:i+strings.IndexByte(key[i:], '/')+1]
}

// readFolders reads the folder of each row, with the keys of row groups left unread where they are not needed, and the sum of
// the sizes.
func readFolders(b []byte) (folders []string, sum int64, skipped int, err error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, 0, 0, err
	}
	r, err := f.NewReader("key", "size")
	if err != nil {
		return nil, 0, 0, err
	}
	for stripe := range f.NumStripes() {
		err := r.Open(context.Background(), Span{stripe, 0, f.RowGroups(stripe)}, func(g RowGroup, skip []bool) {
			_, skip[0] = sharedFolder(g)
		})
		if err != nil {
			return nil, 0, 0, err
		}
		for {
			batch, err := r.Next(context.Background())
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, 0, 0, err
			}
			keys, sizes := batch.Columns[0], batch.Columns[1]
			for row := range batch.Rows {
				sum += sizes.Int64[row]
				var folder string
				if keys.Skipped {
					folder, _ = sharedFolder(batch.Group)
					skipped++
				} else {
					folder = twoSegments(string(keys.Bytes(row)))
				}
				folders = append(folders, folder)
			}
		}
	}
	return folders, sum, skipped, nil
}

// TestDamageNeverMisleads changes each byte of a small file in turn. Where the file is read all the same, with keys left
// unread as the statistics allow, no row may move to another folder unless the keys themselves were changed: what
// the statistics say, they say three times, and where row groups begin is checked. The sizes must add up always.
func TestDamageNeverMisleads(t *testing.T) {
	for _, o := range []orcwrite.Options{
		{Compression: orcwrite.None, RowIndexStride: 10},
		{Compression: orcwrite.Zlib, RowIndexStride: 10},
		{Compression: orcwrite.Zlib, RowIndexStride: 10, BlockBytes: 300},
	} {
		b := writeInventory(t, 3, o, 0, 80, 45)
		want, wantSum, skipped, err := readFolders(b)
		if err != nil || skipped < 20 || skipped == len(want) {
			t.Fatalf("%d of %d rows skipped: %v", skipped, len(want), err)
		}
		f := openBytes(t, b)
		inData := func(i int64) bool {
			for _, s := range f.tail.stripes {
				if at := s.OffsetBytes + s.IndexBytes; i >= at && i < at+s.DataBytes {
					return true
				}
			}
			return false
		}
		accepted := 0
		for i := range b {
			for _, mask := range []byte{0x01, 0xff} {
				b[i] ^= mask
				got, sum, _, err := readFolders(b)
				b[i] ^= mask
				if err != nil {
					continue
				}
				accepted++
				if !inData(int64(i)) && !slices.Equal(got, want) || len(got) != len(want) || sum != wantSum {
					t.Errorf("compression %d, byte %d of %d changed by %#x", o.Compression, i, len(b), mask)
				}
			}
		}
		t.Logf("%d of %d changes went unnoticed", accepted, 2*len(b))
	}
}
