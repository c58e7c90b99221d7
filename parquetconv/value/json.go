package value

import (
	"github.com/go-json-experiment/json/jsontext"
)

// FromJSON reads one valid JSON value, as it was written, into a column of a
// type. Types are not bent: a string is no number, a fraction no integer. A
// string column takes strings, and numbers digit by digit as they were written.
// Unquoted text is appended to arena, which is returned grown; the value may
// point into it or into raw.
func FromJSON(raw []byte, t Type, arena []byte) (Value, []byte, *Bad) {
	kind := jsontext.Value(raw).Kind()
	if kind == 'n' {
		return NullValue, arena, nil
	}
	if t.Kind == JSON {
		return Value{Bytes: raw}, arena, nil
	}
	switch kind {
	case 't', 'f':
		if t.Kind == Boolean {
			return Bool(kind == 't'), arena, nil
		}
	case '0':
		if t.Kind == String {
			return Value{Bytes: raw}, arena, nil
		}
		v, b := FromNumber(raw, t)
		return v, arena, b
	case '"':
		text, arena, b := unquote(raw, arena)
		if b != nil {
			return Value{}, arena, b
		}
		switch t.Kind {
		case String, Date, Timestamp, Binary:
			v, b := FromText(text, t)
			return v, arena, b
		}
	}
	return Value{}, arena, NotOfType(raw[0], t)
}

// NotOfType is the error of a JSON value, which begins with a byte, that is not
// of a type's kind.
func NotOfType(first byte, t Type) *Bad {
	kind := jsontext.Kind(first)
	if first == '-' || isDigit(first) {
		kind = '0'
	}
	return bad(ReasonType, "%s, not %s %s", kindOfJSON(kind), article(t), t)
}

// CastJSON is a cast from json: as FromJSON, but text is read as a cast from
// string reads it, and any value has a text form.
func CastJSON(raw []byte, t Type, arena []byte) (Value, []byte, *Bad) {
	kind := jsontext.Value(raw).Kind()
	switch {
	case kind == '"':
		text, arena, b := unquote(raw, arena)
		if b != nil {
			return Value{}, arena, b
		}
		if t.Kind == JSON {
			return Value{Bytes: raw}, arena, nil
		}
		v, b := FromText(text, t)
		return v, arena, b
	case kind != 'n' && t.Kind == String:
		return Value{Bytes: raw}, arena, nil
	}
	return FromJSON(raw, t, arena)
}

func unquote(raw, arena []byte) (text, grown []byte, b *Bad) {
	// Without an escape the text stands between the quotes.
	if inner := raw[1 : len(raw)-1]; !hasEscape(inner) {
		return inner, arena, nil
	}
	start := len(arena)
	arena, err := jsontext.AppendUnquote(arena, raw)
	if err != nil {
		return nil, arena, bad(ReasonSyntax, "%v", err)
	}
	return arena[start:len(arena):len(arena)], arena, nil
}

func hasEscape(b []byte) bool {
	for _, c := range b {
		if c == '\\' {
			return true
		}
	}
	return false
}

func kindOfJSON(k jsontext.Kind) string {
	switch k {
	case 't', 'f':
		return "a boolean"
	case '0':
		return "a number"
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return "null"
}

func article(t Type) string {
	if t.Kind == Int32 || t.Kind == Int64 {
		return "an"
	}
	return "a"
}
