package expr

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// TestPage runs the examples of docs/expressions.md, and finds each function on it.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile("`j` is the json column `(.*)`\\.").FindSubmatch(page)
	if sample == nil {
		t.Fatal("the page does not say what j is")
	}
	data := &table{}
	data.add(t, "j", "json", string(sample[1]))
	examples, documented := 0, map[string]bool{}
	cell := regexp.MustCompile("^`(.*)`$")
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(strings.ReplaceAll(line, `\|`, "\x00"))
		cells := strings.Split(line, "|")
		if len(cells) != 6 { // four between the outer bars
			continue
		}
		for _, name := range regexp.MustCompile(`[a-z_0-9]+`).FindAllString(cells[1], -1) {
			documented[name] = true
		}
		text, want := cell.FindStringSubmatch(strings.TrimSpace(cells[3])), cell.FindStringSubmatch(strings.TrimSpace(cells[4]))
		if text == nil || want == nil {
			continue
		}
		examples++
		expression := strings.ReplaceAll(text[1], "\x00", "|")
		if got := example(t, data, expression); got != want[1] {
			t.Errorf("%s: %s, the page says %s", expression, got, want[1])
		}
	}
	for name := range functions {
		if !documented[name] {
			t.Errorf("%s is not on the page", name)
		}
	}
	if examples < len(functions) {
		t.Errorf("%d examples were run, of %d functions", examples, len(functions))
	}
}

// example is a result as the page writes it.
func example(t *testing.T, data *table, text string) string {
	t.Helper()
	e, err := Parse(text, data.scope)
	if err != nil {
		return err.Error()
	}
	got := results(t, e, data.batch(t, 0, 1, form{}))[0]
	switch reason, isFault := strings.CutPrefix(got, "!"); {
	case isFault:
		reason, _, _ = strings.Cut(reason, " ")
		return "bad: " + reason
	case e.Type.Kind == value.String && got != "null":
		return "'" + got + "'"
	}
	return got
}
