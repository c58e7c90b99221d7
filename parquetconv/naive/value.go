package naive

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// member is where a member of an object, or an element of an array, stands in
// its text.
type member struct {
	name            string
	nameAt, at, end int
}

func members(object []byte) (all []member) {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	_, _ = d.ReadToken() // the text is valid
	for d.PeekKind() != '}' {
		raw, _ := d.ReadValue()
		m := member{nameAt: int(d.InputOffset()) - len(raw)}
		name, _ := jsontext.AppendUnquote(nil, raw)
		m.name = string(name)
		all = append(all, m.value(d))
	}
	return all
}

func elements(list []byte) (all []member) {
	d := jsontext.NewDecoder(bytes.NewReader(list))
	_, _ = d.ReadToken()
	for d.PeekKind() != ']' {
		all = append(all, member{}.value(d))
	}
	return all
}

func (m member) value(d *jsontext.Decoder) member {
	raw, _ := d.ReadValue()
	m.end = int(d.InputOffset())
	m.at = m.end - len(raw)
	return m
}

// entry is a member of a map.
type entry struct {
	key   string
	value any
}

// fromJSON reads a valid value: nil for null, a value.Value, a []any for a list
// or a struct, an []entry for a map.
func fromJSON(raw []byte, t value.Type, f schema.TimeFormat) (any, *value.Bad) {
	switch {
	case raw[0] == 'n':
		return nil, nil
	case t.Kind == value.List && raw[0] == '[':
		list := []any{}
		for _, m := range elements(raw) {
			v, bad := fromJSON(raw[m.at:m.end], t.Elem(), f)
			if bad != nil {
				return nil, bad
			}
			list = append(list, v)
		}
		return list, nil
	case t.Kind == value.Map && raw[0] == '{':
		entries := []entry{}
		for _, m := range members(raw) {
			v, bad := fromJSON(raw[m.at:m.end], t.Elem(), f)
			if bad != nil {
				return nil, bad
			}
			entries = append(entries, entry{m.name, v})
		}
		return entries, nil
	case t.Kind == value.Struct && raw[0] == '{':
		fields := make([]any, len(t.Fields()))
		// In the order of the text, as the first bad value counts.
		for _, m := range members(raw) {
			for i, field := range t.Fields() {
				if field.Name != m.name {
					continue
				}
				var bad *value.Bad
				if fields[i], bad = fromJSON(raw[m.at:m.end], field.Type, f); bad != nil {
					return nil, bad
				}
			}
		}
		return fields, nil
	case t.Kind == value.Timestamp && f.Kind != schema.TimeRFC3339:
		return fromTime(raw, t, f)
	}
	v, _, bad := value.FromJSON(raw, t, nil)
	if bad != nil {
		return nil, bad
	}
	return v, nil
}

func fromTime(raw []byte, t value.Type, f schema.TimeFormat) (any, *value.Bad) {
	var v value.Value
	var bad *value.Bad
	units := map[schema.TimeKind]int64{schema.TimeEpochSecond: 1_000_000, schema.TimeEpochMilli: 1000, schema.TimeEpochMicro: 1}
	switch kind := jsontext.Value(raw).Kind(); {
	case kind == '"' && f.Kind == schema.TimeLayout:
		text, _ := jsontext.AppendUnquote(nil, raw)
		v.Int, bad = value.ParseLayout(text, f.Layout)
	case kind == '0' && f.Kind != schema.TimeLayout:
		v.Int, bad = value.ParseEpoch(raw, units[f.Kind])
	default:
		bad = value.NotOfType(raw[0], t)
	}
	if bad != nil {
		return nil, bad
	}
	return v, nil
}

// cell is an array of one value, as fromJSON gives it.
func cell(t value.Type, v any) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	appendTo(b, t, v)
	return b.NewArray()
}

func appendTo(b array.Builder, t value.Type, v any) {
	switch v := v.(type) {
	case nil:
		b.AppendNull()
	case []any:
		if list, ok := b.(*array.ListBuilder); ok {
			list.Append(true)
			for _, e := range v {
				appendTo(list.ValueBuilder(), t.Elem(), e)
			}
			return
		}
		fields := b.(*array.StructBuilder)
		fields.Append(true)
		for i, e := range v {
			appendTo(fields.FieldBuilder(i), t.Fields()[i].Type, e)
		}
	case []entry:
		m := b.(*array.MapBuilder)
		m.Append(true)
		for _, e := range v {
			m.KeyBuilder().(*array.StringBuilder).Append(e.key)
			appendTo(m.ItemBuilder(), t.Elem(), e.value)
		}
	case value.Value:
		appendValue(b, v)
	}
}

func appendValue(b array.Builder, v value.Value) {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.Int != 0)
	case *array.Int32Builder:
		b.Append(int32(v.Int))
	case *array.Int64Builder:
		b.Append(v.Int)
	case *array.Float32Builder:
		b.Append(float32(v.Float))
	case *array.Float64Builder:
		b.Append(v.Float)
	case *array.Decimal128Builder:
		b.Append(v.Dec)
	case *array.StringBuilder:
		b.Append(string(v.Bytes))
	case *array.BinaryBuilder:
		b.Append(v.Bytes)
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.Int))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.Int))
	}
}

// valueOf is the one value of an array that is not nested, or nil for null.
func valueOf(a arrow.Array) any {
	if a.IsNull(0) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return value.Bool(a.Value(0))
	case *array.Int32:
		return value.Value{Int: int64(a.Value(0))}
	case *array.Int64:
		return value.Value{Int: a.Value(0)}
	case *array.Date32:
		return value.Value{Int: int64(a.Value(0))}
	case *array.Timestamp:
		return value.Value{Int: int64(a.Value(0))}
	case *array.Float32:
		return value.Value{Float: float64(a.Value(0))}
	case *array.Float64:
		return value.Value{Float: a.Value(0)}
	case *array.Decimal128:
		return value.Value{Dec: a.Value(0)}
	case *array.Binary:
		return value.Value{Bytes: a.Value(0)}
	case *array.String:
		return value.Value{Bytes: []byte(a.Value(0))}
	case *array.Dictionary:
		return value.Value{Bytes: []byte(a.Dictionary().(*array.String).Value(a.GetValueIndex(0)))}
	}
	return nil
}
