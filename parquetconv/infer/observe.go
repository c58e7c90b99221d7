package infer

import (
	"bytes"
	"math"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// kind is what a value is written as.
type kind int

const (
	kindBoolean  kind = iota
	kindWhole         // a number without point and exponent that an int64 holds
	kindFraction      // a number with a point or an exponent that a double holds
	kindWide          // any other number
	kindString
	kindObject
	kindArray
	kinds
)

var kindWords = [kinds]string{"boolean", "whole number", "fraction", "number beyond 64 bits", "string", "object", "array"}

// The bounds of what is remembered of a sample.
const (
	maxNodes       = 20_000 // places in the rows, each of about a kilobyte
	maxMembers     = 1_000  // names in one object
	maxNameBytes   = 1_000
	maxDepth       = 8  // of objects and arrays in a row
	maxDistinct    = 12 // values of a place that are counted one by one
	maxExample     = 60 // bytes of a value that is shown
	exactInDoubles = 1 << 53
	// digitsInDoubles is how many digits tell every double from its neighbours:
	// a number that was written with more was no double.
	digitsInDoubles = 17
)

// node is what was seen at one place of the rows.
type node struct {
	seen, nulls int64 // values, null included
	count       [kinds]int64
	example     [kinds]string // as it was written, cut
	order       []kind        // as they first came

	least, most       float64 // of numbers
	leastInt, mostInt int64   // of those of kindWhole
	inexact           int64   // numbers of which a double would round digits away
	wholes            int64   // of kindFraction, numbers without a fraction

	empty             int64 // of strings
	shortest, longest int   // bytes of strings, or elements of arrays
	times             []timesSeen

	// distinct counts scalars as they were written; nil once they are too many or too long.
	distinct map[string]int64

	members    map[string]*node // of objects
	names      []string         // of members, as they first came
	forgotten  int64            // members that were not looked at, since there were too many
	memberSeen int64            // of all objects
	element    *node            // of arrays
	deep       bool             // what stands inside was not looked at
}

func newNode() *node {
	return &node{
		distinct: map[string]int64{},
		least:    math.Inf(1), most: math.Inf(-1), leastInt: math.MaxInt64, mostInt: math.MinInt64, shortest: math.MaxInt,
	}
}

// observer builds the tree of nodes of the rows.
type observer struct {
	root  *node
	nodes int

	raw    []byte // the row
	dec    jsontext.Decoder
	buffer bytes.Buffer
	name   []byte // scratch
	text   []byte // scratch
}

func newObserver() *observer { return &observer{root: newNode()} }

// row looks at a row, which is a valid object.
func (o *observer) row(raw []byte) {
	o.raw, o.buffer = raw, *bytes.NewBuffer(raw)
	// It was found valid, so the decoder need not look for it again.
	o.dec.Reset(&o.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	o.value(o.root, 0)
}

// value looks at the value that the decoder reads next. The decoder cannot
// fail; if it did, the rest of the row would not be looked at.
func (o *observer) value(at *node, depth int) bool {
	at.seen++
	k := o.dec.PeekKind()
	inside := k == '{' || k == '['
	if inside && depth < maxDepth {
		if _, err := o.dec.ReadToken(); err != nil {
			return false
		}
		start := o.dec.InputOffset() - 1
		of, read := kindObject, o.object
		if k == '[' {
			of, read = kindArray, o.array
		}
		ok := read(at, depth)
		at.see(of, o.raw[start:o.dec.InputOffset()])
		return ok
	}
	raw, err := o.dec.ReadValue()
	if err != nil {
		return false
	}
	switch k {
	case 'n':
		at.nulls++
	case 't', 'f':
		at.scalar(kindBoolean, raw)
	case '"':
		o.string(at, raw)
	case '0':
		at.number(raw)
	case '{':
		at.see(kindObject, raw)
		at.deep = true
	case '[':
		at.see(kindArray, raw)
		at.deep = true
	}
	return true
}

func (o *observer) object(at *node, depth int) bool {
	if at.members == nil {
		at.members = map[string]*node{}
	}
	for o.dec.PeekKind() != '}' {
		raw, err := o.dec.ReadValue()
		if err != nil {
			return false
		}
		if o.name, err = jsontext.AppendUnquote(o.name[:0], raw); err != nil {
			return false
		}
		at.memberSeen++
		member := at.members[string(o.name)]
		if member == nil {
			if len(at.names) == maxMembers || len(o.name) > maxNameBytes || o.nodes >= maxNodes {
				at.forgotten++
				if o.dec.SkipValue() != nil {
					return false
				}
				continue
			}
			member = newNode()
			o.nodes++
			at.members[string(o.name)] = member
			at.names = append(at.names, string(o.name))
		}
		if !o.value(member, depth+1) {
			return false
		}
	}
	_, err := o.dec.ReadToken()
	return err == nil
}

func (o *observer) array(at *node, depth int) bool {
	if at.element == nil {
		at.element = newNode()
		o.nodes++
	}
	n := 0
	for ; o.dec.PeekKind() != ']'; n++ {
		if !o.value(at.element, depth+1) {
			return false
		}
	}
	at.length(n)
	_, err := o.dec.ReadToken()
	return err == nil
}

// see counts a value of a kind.
func (n *node) see(k kind, raw []byte) {
	if n.count[k] == 0 {
		n.order = append(n.order, k)
		n.example[k] = cutText(raw)
	}
	n.count[k]++
}

// scalar counts a value that holds no others.
func (n *node) scalar(k kind, raw []byte) {
	n.see(k, raw)
	if n.distinct == nil {
		return
	}
	if c, ok := n.distinct[string(raw)]; ok {
		n.distinct[string(raw)] = c + 1
	} else if len(raw) > maxExample || len(n.distinct) == maxDistinct {
		n.distinct = nil
	} else {
		n.distinct[string(raw)] = 1
	}
}

// length notes how long a string or an array is.
func (n *node) length(length int) {
	n.shortest, n.longest = min(n.shortest, length), max(n.longest, length)
}

func (o *observer) string(at *node, raw []byte) {
	var err error
	if o.text, err = jsontext.AppendUnquote(o.text[:0], raw); err == nil {
		at.text(raw, o.text)
	}
}

// text looks at a string and its text.
func (n *node) text(raw, text []byte) {
	n.scalar(kindString, raw)
	n.length(len(text))
	if len(text) == 0 {
		n.empty++
		return
	}
	if n.times == nil {
		n.times = make([]timesSeen, len(timeForms))
	}
	for i := range n.times {
		n.times[i].add(timeForms[i], text)
	}
}

// number counts a number as it was written.
func (n *node) number(raw []byte) {
	approximate, tooLarge := value.ParseFloat(raw, 64)
	if tooLarge != nil {
		n.scalar(kindWide, raw)
		return
	}
	if bytes.ContainsAny(raw, ".eE") {
		n.scalar(kindFraction, raw)
		if significantDigits(raw) > digitsInDoubles {
			n.inexact++
		}
		if _, bad := value.ParseInt(raw, 64); bad == nil {
			n.wholes++
		}
	} else if whole, bad := value.ParseInt(raw, 64); bad != nil {
		n.scalar(kindWide, raw)
	} else {
		n.scalar(kindWhole, raw)
		n.leastInt, n.mostInt = min(n.leastInt, whole), max(n.mostInt, whole)
		if whole > exactInDoubles || whole < -exactInDoubles {
			n.inexact++
		}
	}
	n.least, n.most = math.Min(n.least, approximate), math.Max(n.most, approximate)
}

// significantDigits counts the digits of a number without the zeros at both ends.
func significantDigits(raw []byte) int {
	mantissa, _, _ := bytes.Cut(bytes.ToLower(raw), []byte("e"))
	digits := bytes.ReplaceAll(bytes.TrimLeft(mantissa, "-"), []byte("."), nil)
	return len(bytes.Trim(digits, "0"))
}

// values is how many there are beside null.
func (n *node) values() int64 { return n.seen - n.nulls }

// only says whether all values are of the kinds.
func (n *node) only(of ...kind) bool {
	left := n.values()
	for _, k := range of {
		left -= n.count[k]
	}
	return left == 0
}

// cutText is the beginning of a value as it was written, for people.
func cutText(raw []byte) string {
	if len(raw) <= maxExample {
		return string(raw)
	}
	return string(bytes.ToValidUTF8(raw[:maxExample], nil)) + "…"
}
