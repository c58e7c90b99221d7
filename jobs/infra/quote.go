package infra

import (
	"fmt"
	"strings"
	"unicode"
)

// quoted is a text between double quotes, in the escapes that JSON, YAML and
// HCL share: \" \\ and \uXXXX.
// Sources: RFC 8259 section 7; YAML 1.2 section 5.7; HCL native syntax
// specification, "Template Expressions".
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r <= 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quotedHCL is a text as a string of HCL, in which ${ and %{ begin a template.
// Source: HCL native syntax specification, "Template Expressions".
func quotedHCL(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted(s))
}

// quotedPod is a text as a word or variable of a container, in which Kubernetes
// replaces $(NAME) and makes one dollar sign of two.
// Source: Kubernetes API reference, Container, "args" and EnvVar, "value".
func quotedPod(s string) string { return quoted(strings.ReplaceAll(s, "$", "$$")) }

// shellSafe are the characters that no shell takes for anything but themselves.
const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

// quotedShell is a text as one word of a POSIX shell. Nothing but the quote
// itself means anything between single quotes.
// Source: POSIX Shell Command Language, 2.2.2 "Single-Quotes".
func quotedShell(s string) string {
	if s != "" && strings.Trim(s, shellSafe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// list is a flow sequence of YAML, or a tuple of HCL, of quoted texts.
func list(quote func(string) string, all []string) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = quote(s)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// shellWords is a line of words.
func shellWords(all []string) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = quotedShell(s)
	}
	return strings.Join(words, " ")
}
