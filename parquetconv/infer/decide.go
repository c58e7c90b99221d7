package infer

import (
	"fmt"
	"strings"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// choice is the type of a place, and why.
type choice struct {
	typ  value.Type
	form *timeForm // of a timestamp or date
	seen timesSeen // those of the form
	// why says, where it is not plain, how the type was chosen.
	why string
	// conflicts tells of the places inside that mix kinds or are not typed, by path.
	conflicts []string
}

var (
	jsonType   = value.Type{Kind: value.JSON}
	stringType = value.Type{Kind: value.String}
)

// The bounds of nested types; what passes them is json.
const (
	maxFields    = 32 // of a struct
	maxNested    = 5  // types in each other
	maxTypeBytes = 2_000
)

// choose finds the type that holds every value that was seen exactly, and the
// narrowest of those that are likely to hold others too.
func choose(n *node, path string) choice {
	c := chooseInside(n, path, 0)
	if len(c.typ.String()) > maxTypeBytes {
		c.typ, c.why = jsonType, "its type would be too long to read"
	}
	return c
}

func chooseInside(n *node, path string, depth int) choice {
	switch {
	case n.values() == 0:
		return choice{typ: jsonType, why: "it was never more than null; json takes whatever comes"}
	case n.only(kindBoolean):
		return choice{typ: value.Type{Kind: value.Boolean}}
	case n.only(kindWhole, kindFraction, kindWide):
		return chooseNumber(n)
	case n.only(kindString):
		return chooseText(n, depth)
	case n.only(kindWhole, kindFraction, kindWide, kindString):
		return choice{typ: stringType, why: "it keeps numbers digit by digit"}
	case n.deep:
		return choice{typ: jsonType, why: fmt.Sprintf("it stands in more than %d others", maxDepth)}
	case n.only(kindObject):
		return chooseStruct(n, path, depth)
	case n.only(kindArray):
		return chooseList(n, path, depth)
	}
	return choice{typ: jsonType, why: "it keeps every kind as it is written"}
}

func chooseNumber(n *node) choice {
	switch {
	case n.count[kindWide] > 0:
		return choice{typ: stringType, why: "no number type but decimal holds them all exactly; it keeps them digit by digit"}
	case n.count[kindFraction] == 0:
		return choice{typ: value.Type{Kind: value.Int64}}
	case n.inexact > 0:
		return choice{typ: stringType, why: "a double would round some of them, whole ones above 2^53 or those of more than 17 digits; it keeps them digit by digit"}
	case n.wholes == n.count[kindFraction]:
		return choice{typ: value.Type{Kind: value.Double}, why: "written with a point or an exponent, but all are whole: int64 would take these too"}
	case n.count[kindWhole] > 0:
		return choice{typ: value.Type{Kind: value.Double}, why: "it holds both"}
	}
	return choice{typ: value.Type{Kind: value.Double}}
}

// chooseText finds times. Inside other types they are typed where they are RFC
// 3339 or dates, since a layout belongs to a whole column.
func chooseText(n *node, depth int) choice {
	for i := range n.times {
		f := &timeForms[i]
		if n.times[i].fit == n.count[kindString] && (f.layout == "" || depth == 0) {
			return choice{typ: f.typ, form: f, seen: n.times[i]}
		}
	}
	c := choice{typ: stringType}
	for i := range n.times {
		if seen, f := n.times[i], &timeForms[i]; seen.fit*10 >= n.count[kindString]*9 {
			written := f.typ.String()
			if f.layout != "" {
				written += ", time: " + yamlText(f.layout)
			}
			c.why = fmt.Sprintf("%s are times, but not all%s: with type: %s the others would be null, and counted", share(seen.fit, n.count[kindString]), emptyOnes(n, seen), written)
			break
		}
	}
	return c
}

func emptyOnes(n *node, seen timesSeen) string {
	if n.empty == n.count[kindString]-seen.fit {
		return " (the others are empty)"
	}
	return ""
}

func chooseStruct(n *node, path string, depth int) choice {
	asJSON := func(format string, args ...any) choice {
		return choice{typ: jsonType, why: fmt.Sprintf(format, args...)}
	}
	objects := n.count[kindObject]
	switch {
	case depth >= maxNested:
		return asJSON("more than %d types would stand in each other", maxNested)
	case n.forgotten > 0 || len(n.names) > maxFields:
		return asJSON("its objects have more than %d names", maxFields)
	case len(n.names) == 0:
		return asJSON("its objects were always empty")
	case n.memberSeen*2 < objects*int64(len(n.names)):
		return asJSON("its objects have %d names, but on average only %.1f of them: they seem to be data", len(n.names), float64(n.memberSeen)/float64(objects))
	}
	var c choice
	var fields []value.NamedType
	seen := map[string]string{}
	for _, name := range n.names {
		folded := strings.ToLower(name)
		if other, twice := seen[folded]; twice {
			return asJSON("its objects have the names %s and %s, which engines do not tell apart", quoted(other), quoted(name))
		}
		if !fieldName(name) {
			return asJSON("its objects have the name %s, which no struct can have", quoted(name))
		}
		seen[folded] = name
		inner := path + memberStep(name)
		field := chooseInside(n.members[name], inner, depth+1)
		c.conflicts = append(append(c.conflicts, conflictsOf(n.members[name], inner, field)...), field.conflicts...)
		fields = append(fields, value.NamedType{Name: name, Type: field.typ})
	}
	c.typ = value.StructOf(fields...)
	if parsed, err := value.ParseType(c.typ.String()); err != nil || parsed != c.typ {
		return asJSON("a struct cannot have such names")
	}
	return c
}

func chooseList(n *node, path string, depth int) choice {
	if depth >= maxNested {
		return choice{typ: jsonType, why: fmt.Sprintf("more than %d types would stand in each other", maxNested)}
	}
	if n.element.seen == 0 {
		return choice{typ: jsonType, why: "its arrays were always empty"}
	}
	path += "[]"
	element := chooseInside(n.element, path, depth+1)
	if element.typ.Kind == value.JSON || !n.element.only(kindString) && n.element.count[kindString] > 0 {
		return choice{typ: jsonType, why: "its elements are of no one type", conflicts: element.conflicts}
	}
	return choice{typ: value.ListOf(element.typ), conflicts: append(conflictsOf(n.element, path, element), element.conflicts...)}
}

// conflictsOf tells of a place inside a column, where its kinds are mixed or it
// has no type of its own.
func conflictsOf(n *node, path string, c choice) []string {
	if len(n.order) < 2 && c.why == "" {
		return nil
	}
	return []string{conflict(n, path, c)}
}

// conflict says which kinds were seen, what was chosen and why.
func conflict(n *node, path string, c choice) string {
	var seen []string
	for _, k := range n.order {
		seen = append(seen, fmt.Sprintf("%s in %s (%s)", kindWords[k], comma(n.count[k]), shown(n.example[k])))
	}
	text := c.typ.String()
	if c.why != "" {
		text += ", since " + c.why
	}
	if len(seen) < 2 {
		return fmt.Sprintf("%s is %s.", path, text)
	}
	return fmt.Sprintf("%s is mixed: %s. Chosen: %s.", path, strings.Join(seen, ", "), text)
}
