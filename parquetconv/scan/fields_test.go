package scan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// fieldTexts are texts that are a little like values of some type.
func fieldTexts(r *rand.Rand, n int) (texts []string) {
	pieces := []string{"0", "00", "1", "9", "12", "345", "99999999", "123456789012345678", "2147483648", "-", "+", ".", ".5", "e", "E", "e2", " ", "true", "false", "True", "2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "T", "t", "12:34:56", "23:59:60", ".123456789", "Z", "z", "+01:00", "-23:59", "+24:00", "\"", "", ":", "x"}
	for range n {
		var b []byte
		for range 1 + r.IntN(4) {
			b = append(b, pieces[r.IntN(len(pieces))]...)
		}
		if r.IntN(3) == 0 {
			b = fmt.Appendf(nil, "%04d-%02d-%02dT%02d:%02d:%02d", r.IntN(10000), r.IntN(14), r.IntN(33), r.IntN(25), r.IntN(61), r.IntN(61))
			b = append(b, []string{"Z", "", ".5Z", "+00:30", ".1234567-01:00", "Z1"}[r.IntN(6)]...)
		}
		texts = append(texts, string(b))
	}
	return texts
}

// TestFieldsEqualCasts: the quick ways read what a cast from string reads, whatever stands behind a field.
func TestFieldsEqualCasts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := fieldTexts(r, 20_000)
	for _, c := range []struct {
		typ  string
		time schema.TimeFormat
	}{
		{typ: "boolean"}, {typ: "int32"}, {typ: "int64"}, {typ: "float"}, {typ: "double"}, {typ: "decimal(10,2)"}, {typ: "decimal(38,9)"}, {typ: "string"}, {typ: "binary"}, {typ: "date"}, {typ: "timestamp"},
		{"timestamp", schema.TimeFormat{Kind: schema.TimeEpochSecond}}, {"timestamp", schema.TimeFormat{Kind: schema.TimeEpochMilli}}, {"timestamp", schema.TimeFormat{Kind: schema.TimeEpochMicro}},
		{"timestamp", schema.TimeFormat{Kind: schema.TimeLayout, Layout: "2006-01-02T15:04"}},
	} {
		typ, err := value.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		f, err := NewFields([]Column{{Name: "a", Type: typ, Path: schema.Path{{Name: "a", Index: -1}}, Time: c.time}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f.Begin(0, 0)
		for _, text := range texts {
			behind := []string{"", ",", "\"", "1", ".", "e5", "Z\"", "\n2"}[r.IntN(8)]
			b := []byte("7" + text + behind)
			f.Add(0, b, 1, 1+len(text))
			if err := f.Commit(b, 1, 1+len(text)); err != nil {
				t.Fatal(err)
			}
		}
		got := f.Take().Columns[0]
		for i, text := range texts {
			var want value.Value
			var bad *value.Bad
			switch c.time.Kind {
			case schema.TimeRFC3339:
				want, bad = value.FromText([]byte(text), typ)
			case schema.TimeLayout:
				want.Int, bad = value.ParseLayout([]byte(text), c.time.Layout)
			default:
				want.Int, bad = value.ParseEpoch([]byte(text), unitMicros(c.time))
			}
			if (bad != nil) != got.IsNull(i) {
				t.Fatalf("%s: %q is null: %v; a cast says %v", c.typ, text, got.IsNull(i), bad)
			}
			if bad == nil && !holds(got, i, want) {
				t.Fatalf("%s: %q is %s, a cast says %+v", c.typ, text, got.ValueStr(i), want)
			}
		}
	}
}

// holds says whether a row of an array has a value.
func holds(a arrow.Array, row int, v value.Value) bool {
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(row) == (v.Int == 1)
	case *array.Int32:
		return int64(a.Value(row)) == v.Int
	case *array.Int64:
		return a.Value(row) == v.Int
	case *array.Date32:
		return int64(a.Value(row)) == v.Int
	case *array.Timestamp:
		return int64(a.Value(row)) == v.Int
	case *array.Float32:
		return math.Float32bits(a.Value(row)) == math.Float32bits(float32(v.Float))
	case *array.Float64:
		return math.Float64bits(a.Value(row)) == math.Float64bits(v.Float)
	case *array.Decimal128:
		return a.Value(row) == v.Dec
	case *array.String:
		return a.Value(row) == string(v.Bytes)
	case *array.Binary:
		return string(a.Value(row)) == string(v.Bytes)
	case *array.Dictionary:
		return holds(a.Dictionary(), a.GetValueIndex(row), v)
	}
	return false
}
