package infer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize"
)

// comma writes a count for people.
func comma(n int64) string { return humanize.Comma(n) }

// bytesText writes a size for people.
func bytesText(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

// share is part of whole in per cent; only what is all is 100 %, only what is none 0 %.
func share(part, whole int64) string {
	percent := 100 * float64(part) / float64(max(1, whole))
	switch {
	case part == whole:
		return "100 %"
	case part == 0:
		return "0 %"
	case percent < 0.1:
		return "less than 0.1 %"
	case percent > 99.9:
		return "over 99.9 %"
	}
	return strconv.FormatFloat(percent, 'f', 1, 64) + " %"
}

// plural is a count of things; the plural of their word ends in s.
func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return comma(n) + " " + word + "s"
}

// quoted is a name in quotes, cut.
func quoted(name string) string { return shown(`"` + cutText([]byte(name)) + `"`) }

// shown makes text that is safe in a comment: of one line, and without
// characters that are not seen.
func shown(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(escape(r))
		}
	}
	return b.String()
}

func escape(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08X`, r)
	}
	return fmt.Sprintf(`\u%04X`, r)
}

// yamlText is text as a scalar of YAML, in quotes where it needs them.
func yamlText(s string) string {
	if plainYAML(s) {
		return s
	}
	if strings.Contains(s, `"`) && !strings.Contains(s, "'") && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plainYAML says whether text means itself without quotes, also inside braces.
func plainYAML(s string) bool {
	rest, path := strings.CutPrefix(s, "$.")
	for i, r := range rest {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || path && r == '.')) {
			return false
		}
	}
	switch strings.ToLower(rest) {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return path && rest != ""
	}
	return true
}

// sqlName is a column's name in an expression.
func sqlName(name string) string {
	plain := name != ""
	for i, r := range name {
		plain = plain && (r == '_' || r >= 'a' && r <= 'z' || i > 0 && r >= '0' && r <= '9')
	}
	switch name {
	case "and", "or", "not", "in", "is", "null", "true", "false", "case", "when", "then", "else", "end", "cast", "try_cast", "as", "between", "like":
		plain = false
	}
	if plain {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
