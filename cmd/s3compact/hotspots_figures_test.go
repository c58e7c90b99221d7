package main

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/inventory"
)

// jsonNames are the paths of all fields that a type has in JSON, those of what it
// holds included. Maps and arrays of numbers are one field.
func jsonNames(of reflect.Type, path string, names map[string]bool) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() == "time" {
		return
	}
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			jsonNames(field.Type, path, names)
			continue
		}
		full := strings.TrimPrefix(path+"."+name, ".")
		element := field.Type
		for element.Kind() == reflect.Pointer {
			element = element.Elem()
		}
		if element.Kind() != reflect.Struct || element.PkgPath() == "time" {
			names[full] = true
		}
		jsonNames(field.Type, full, names)
	}
}

func namesOf(figures []figure) map[string]bool {
	names := map[string]bool{}
	for _, f := range figures {
		names[f.Name] = true
	}
	return names
}

// TestEveryFigureHasItsFormula holds the fields of JSON, the columns of CSV and of
// the table, and the prices against the figures that are explained.
func TestEveryFigureHasItsFormula(t *testing.T) {
	group := map[string]bool{"mean_bytes": true} // of CSV and the table
	jsonNames(reflect.TypeFor[inventory.Hotspot](), "", group)
	delete(group, "type")
	if d := cmp.Diff(group, namesOf(groupFigures)); d != "" {
		t.Errorf("figures of a hotspot (-in JSON +explained):\n%s", d)
	}
	estimate := map[string]bool{}
	jsonNames(reflect.TypeFor[inventory.Estimate](), "", estimate)
	if d := cmp.Diff(estimate, namesOf(estimateFigures)); d != "" {
		t.Errorf("figures of an estimate (-in JSON +explained):\n%s", d)
	}
	all := maps.Clone(estimate)
	maps.Copy(all, group)
	columns := map[string]bool{}
	for name := range all {
		columns[strings.ReplaceAll(name, ".", "_")] = true
	}
	for _, c := range csvColumns {
		if !columns[c.name] {
			t.Errorf("the column %s of CSV is no figure", c.name)
		}
	}
	for _, c := range tableColumns {
		if !all[c.figure] {
			t.Errorf("the column %s of the table shows %s, which is no figure", c.head, c.figure)
		}
	}
}

// generated are the parts of docs/hotspots.md that follow from the code, by the
// words of the comments around them.
func generated() map[string]string {
	rows := func(figures []figure) string {
		b := strings.Builder{}
		b.WriteString("| figure | how it is made |\n|---|---|\n")
		for _, f := range figures {
			fmt.Fprintf(&b, "| <a id=\"f-%s\"></a>`%s` | %s |\n", strings.ReplaceAll(f.Name, ".", "-"), f.Name, f.Formula)
		}
		return b.String()
	}
	columns := "| column | figure |\n|---|---|\n"
	for _, c := range tableColumns {
		columns += fmt.Sprintf("| `%s` | [`%s`](#f-%s) |\n", c.head, c.figure, strings.ReplaceAll(c.figure, ".", "-"))
	}
	columns += "| `PREFIX` | [`prefix`](#f-prefix), and the storage classes where not all objects are STANDARD |\n"
	reasons := "| reason | why |\n|---|---|\n"
	for _, reason := range slices.Sorted(maps.Keys(reasonTexts)) {
		reasons += fmt.Sprintf("| `%s` | %s |\n", reason, reasonTexts[reason])
	}
	var csv []string
	for _, c := range csvColumns {
		csv = append(csv, c.name)
	}
	p := price.Default()
	prices := fmt.Sprintf("Region %s, %s, from <%s>; LIST %s a million, DELETE free.\n\n| storage class | PUT, a million | GET, a million | retrieval, a GB | storage, a GB and month | least days | least size |\n|---|--:|--:|--:|--:|--:|--:|\n",
		p.Region, p.Date, p.Source, dollars(p.ListPerMillion))
	for _, name := range slices.Sorted(maps.Keys(p.Classes)) {
		c := p.Classes[name]
		prices += fmt.Sprintf("| `%s` | %s | %s | %s | %s | %d | %s |\n", name, dollars(c.PutPerMillion), dollars(c.GetPerMillion),
			dollars(c.RetrievalPerGB), dollars(c.StoragePerGBMonth), c.MinDays, sizeOf(c.MinBillableBytes))
	}
	prices += fmt.Sprintf("\nWithout a price: %s.\n", strings.Join(slices.Sorted(maps.Keys(p.WithoutPrice)), ", "))
	return map[string]string{
		"group figures": rows(groupFigures), "estimate figures": rows(estimateFigures), "columns": columns,
		"csv": "`" + strings.Join(csv, ",") + "`\n", "reasons": reasons, "prices": prices,
	}
}

// TestGoldenHotspotsDocument holds docs/hotspots.md against the code.
func TestGoldenHotspotsDocument(t *testing.T) {
	const file = "../../docs/hotspots.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	want := text
	for words, part := range generated() {
		start, end := "<!-- "+words+" -->\n", "<!-- end of "+words+" -->\n"
		before, rest, ok := strings.Cut(want, start)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("%s has no part between %q and %q", file, start, end)
		}
		want = before + start + part + end + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(text, "\n")); d != "" {
		t.Errorf("%s (-code +document; go test -run Golden -update rewrites it):\n%s", file, d)
	}
}

// TestExampleOfPricesIsRead reads the list that docs/hotspots.md shows.
func TestExampleOfPricesIsRead(t *testing.T) {
	b, err := os.ReadFile("../../docs/hotspots.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```json\n")
	example, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatal("the document has no example of prices")
	}
	l, err := price.Parse([]byte(example))
	if err == nil {
		err = inventory.CheckPrices(l)
	}
	if err != nil {
		t.Error(err)
	}
}
