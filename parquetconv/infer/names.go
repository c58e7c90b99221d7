package infer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// maxColumnBytes is the longest name of a column.
const maxColumnBytes = 100

// reserved are the names that mean something else in a schema.
var reserved = []string{schema.ExtraColumn, "_source_key", "_source_etag", "_source_offset", "_batch_id"}

// columnNames gives out the names of columns, each once but for case.
type columnNames map[string]bool

// name is the column's name for a member, and why it is another one, if so.
func (c columnNames) name(member string) (name, why string) {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/="`, r) || unicode.IsControl(r) {
			return '_'
		}
		return r
	}, member)
	for len(name) > maxColumnBytes {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	switch {
	case member == "":
		name, why = "empty_name", "a column cannot have an empty name"
	case name != member:
		why = fmt.Sprintf("a column cannot have the name %s", quoted(member))
	case slices.Contains(reserved, strings.ToLower(name)):
		why = fmt.Sprintf("%s means something else in a schema", name)
	case c[strings.ToLower(name)]:
		why = "engines do not tell names apart by case, and another column has this one"
	}
	return c.free(name), why
}

// free takes a name, or the first of name_2, name_3 … that no column has.
func (c columnNames) free(name string) string {
	taken := func(s string) bool { return c[strings.ToLower(s)] || slices.Contains(reserved, strings.ToLower(s)) }
	out := name
	for i := 2; taken(out); i++ {
		suffix := fmt.Sprintf("_%d", i)
		short := name
		for len(short)+len(suffix) > maxColumnBytes {
			_, size := utf8.DecodeLastRuneInString(short)
			short = short[:len(short)-size]
		}
		out = short + suffix
	}
	c[strings.ToLower(out)] = true
	return out
}

// fieldName says whether a field of a struct can have a name.
func fieldName(name string) bool {
	return name != "" && len(name) <= maxColumnBytes && !strings.ContainsFunc(name, unicode.IsControl)
}

// plainMember is a name that a path need not quote.
var plainMember = regexp.MustCompile(`^[\pL\pN_-]+$`)

// memberPath is the path of a member of a row.
func memberPath(name string) string { return "$" + memberStep(name) }

// memberStep is the step of a path into a member.
func memberStep(name string) string {
	if plainMember.MatchString(name) {
		return "." + name
	}
	return `."` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}
