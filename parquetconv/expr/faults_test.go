package expr

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write testdata/faults.txt anew")

// TestFaults: what is wrong with an expression is said with its line and
// column. The expressions stand in the golden file before their faults, a line
// feed in one as ⏎.
func TestFaults(t *testing.T) {
	const file = "testdata/faults.txt"
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data := testTable(t)
	data.add(t, "list", "list<int64>")
	var got strings.Builder
	for line := range strings.Lines(string(golden)) {
		text, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ✗ ")
		_, err := Parse(strings.ReplaceAll(text, "⏎", "\n"), data.scope)
		var fault *Error
		if !errors.As(err, &fault) {
			t.Errorf("%s: error %v", text, err)
			continue
		}
		fmt.Fprintf(&got, "%s  ✗ %v\n", text, fault)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Split(string(golden), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(want) || line != want[i] {
			t.Errorf("%s\nwant %s", line, want[min(i, len(want)-1)])
		}
	}
}

// FuzzExpression: any text is either a fault with a place inside it, or an
// expression that gives the same values and faults for all rows at once and
// for each alone, with texts plain and in dictionaries.
func FuzzExpression(f *testing.F) {
	for _, templates := range templates {
		for _, s := range templates {
			f.Add(strings.NewReplacer("{n}", "i", "{d}", "d", "{s}", "s", "{t}", "ts", "{a}", "day", "{c}", "dec", "{b}", "b", "{j}", "obj").Replace(s))
		}
	}
	for _, s := range append(anyTemplates, "trim(leading from s)", "extract(year from", "case when", "'a' like 'b' escape ''", "i between 1", "-(-9223372036854775808)", "((((1))))", "\"odd name\"", "1e999", "substr(s, i, -3)", "dec * dec * dec * dec * dec") {
		f.Add(strings.NewReplacer("{@}", "s", "{n}", "i", "{s}", "s", "{b}", "b").Replace(s))
	}
	data := testTable(f)
	whole := []*Batch{data.batch(f, 0, 3, form{}), data.batch(f, 0, 3, form{dictionaries: true})}
	single := []*Batch{data.batch(f, 0, 1, form{}), data.batch(f, 1, 2, form{}), data.batch(f, 2, 3, form{})}
	none := data.batch(f, 0, 0, form{})
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s, data.scope)
		if err != nil {
			var fault *Error
			if !errors.As(err, &fault) || fault.Line < 1 || fault.Line > strings.Count(s, "\n")+1 || fault.Column < 1 || fault.Column > utf8.RuneCountInString(s)+1 {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		results(t, e, none)
		for _, b := range whole {
			for i, got := range results(t, e, b) {
				if want := results(t, e, single[i])[0]; got != want {
					t.Errorf("%q: row %d: %s among others, %s alone", s, i, got, want)
				}
			}
		}
	})
}

// TestBounds: expressions that nest too deeply or are too long are faults.
func TestBounds(t *testing.T) {
	data := testTable(t)
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"deep":         {strings.Repeat("(", maxDepth-1) + "1" + strings.Repeat(")", maxDepth-1), true},
		"too deep":     {strings.Repeat("(", maxDepth) + "1" + strings.Repeat(")", maxDepth), false},
		"many signs":   {strings.Repeat("- ", maxDepth) + "i", false},
		"many nots":    {strings.Repeat("not ", 10*maxDepth) + "b", true},
		"long":         {"i" + strings.Repeat(" + i", maxTextBytes/4-1), true},
		"too long":     {"i" + strings.Repeat(" + i", maxTextBytes/4), false},
		"long of ands": {"b" + strings.Repeat(" and b", maxTextBytes/8), true},
	} {
		e, err := Parse(c.text, data.scope)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", name, err)
		}
		if err == nil {
			results(t, e, data.batch(t, 0, 3, form{}))
		}
	}
}
