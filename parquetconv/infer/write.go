package infer

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// write makes the schema file.
func (in *inference) write(partitionBy []string) []byte {
	var b bytes.Buffer
	columns := in.columns()
	in.writeHead(&b)
	b.WriteString("\ncolumns:\n")
	for _, c := range columns {
		in.writeColumn(&b, c)
	}
	in.writePartitions(&b, in.partitions(columns), partitionBy)
	if s := in.sample; s.Format == schema.FormatCSV && !in.form.csv.Header {
		return b.Bytes() // fields without names cannot be kept
	}
	b.WriteString("\n# Members that no column reads: keep collects them in the JSON column _extra, so that\n" +
		"# nothing that the sample did not show is lost; ignore drops them; reject rejects the row.\n")
	if n := in.tree.root.forgotten; n > 0 {
		fmt.Fprintf(&b, "# The rows have more names than columns are made for: %s go there.\n", plural(n, "member"))
	}
	b.WriteString("unknown_fields: keep\n")
	return b.Bytes()
}

func (in *inference) writeHead(b *bytes.Buffer) {
	s, rows := in.sample, in.tree.root.seen
	fmt.Fprintf(b, "# Inferred from a sample: %s, %s of the text of %d of %s (%s stored).\n",
		plural(rows, "row"), bytesText(in.text), len(s.Texts), plural(s.Sources, "source"), bytesText(s.StoredBytes))
	b.WriteString("# What the sample did not show, this file does not know: read it, change it, and see what a\n" +
		"# full run would do with: s3compact schema check FILE SOURCE…\n")
	if in.bad.first != "" {
		fmt.Fprintf(b, "# No rows, so not looked at: %s. The first: %s.\n", in.bad.summary(), shown(in.bad.first))
	}
	if in.broken > 0 {
		fmt.Fprintf(b, "# Could not be read: %s. The first: %s.\n", plural(in.broken, "source"), shown(in.why))
	}
	for _, f := range slices.SortedFunc(maps.Keys(in.others), func(x, y form) int {
		return cmp.Or(cmp.Compare(in.others[y], in.others[x]), cmp.Compare(x.String(), y.String()))
	}) {
		fmt.Fprintf(b, "# Not all sources are alike: %s of the sample hold %s, not %s.\n", plural(in.others[f], "source"), shown(f.String()), shown(in.form.String()))
	}
	if s.Format == schema.FormatCSV {
		b.WriteString("# The delimiter, and whether there is a header, are guessed from the first records.\nversion: 1\nformat: csv\n")
		b.WriteString(csvSettings(in.form.csv))
		return
	}
	b.WriteString("version: 1\nformat: ndjson\n")
	if in.form.layout != schema.LayoutLines {
		fmt.Fprintf(b, "layout: %s  # %s\n", in.form.layout, shown(in.form.String()))
	}
	if in.form.rowsAt != "" {
		fmt.Fprintf(b, "rows_at: %s\n", yamlText(memberPath(in.form.rowsAt)))
	}
}

func (in *inference) writeColumn(b *bytes.Buffer, c column) {
	note := func(text string) { fmt.Fprintf(b, "  # %s\n", shown(text)) }
	note(in.facts(c))
	switch {
	case len(c.node.order) > 1:
		note(conflict(c.node, "It", c.choice))
	case c.choice.why != "":
		note(strings.ToUpper(c.choice.why[:1]) + c.choice.why[1:] + ".")
	}
	for _, inside := range c.choice.conflicts {
		note(inside)
	}
	if f := c.choice.form; f != nil && !f.zone {
		note("Its times name no zone: they are read as UTC.")
	}
	if n := c.choice.seen.finer; n > 0 {
		note(fmt.Sprintf("%s of its times have digits beyond microseconds, which are cut off; string keeps them.", share(n, c.choice.seen.fit)))
	}
	if c.choice.typ.Kind == value.Struct || c.choice.typ.Kind == value.List && c.choice.typ.Elem().Kind == value.Struct {
		note("Other members than these are not kept; json keeps all.")
	}
	if c.renamed != "" {
		note("Named otherwise than in the rows: " + c.renamed + ".")
	}
	parts := []string{"name: " + yamlText(c.name), "type: " + yamlText(c.choice.typ.String())}
	if c.path != "$."+c.name {
		parts = append(parts, "path: "+yamlText(c.path))
	}
	if f := c.choice.form; f != nil && f.layout != "" {
		parts = append(parts, "time: "+yamlText(f.layout))
	}
	if unit, ok := c.epoch(); ok {
		as := append([]string{parts[0], "type: timestamp"}, parts[2:]...)
		note(fmt.Sprintf("By its name a time, in %s since 1970: %s to %s. To read it as one write:", unit.word, unit.time(c.node.least).Format(time.RFC3339), unit.time(c.node.most).Format(time.RFC3339)))
		note("- {" + strings.Join(append(as, "time: "+unit.name), ", ") + "}")
	}
	fmt.Fprintf(b, "  - {%s}\n", strings.Join(parts, ", "))
}

// epoch is the unit of a column that seems to count the time since 1970.
func (c column) epoch() (epochUnit, bool) {
	if k := c.choice.typ.Kind; k != value.Int64 && k != value.Double || !timeName.MatchString(c.member) {
		return epochUnit{}, false
	}
	return epochOf(c.node.least, c.node.most)
}

// facts says how often a column has a value, and which.
func (in *inference) facts(c column) string {
	n, rows := c.node, in.tree.root.seen
	text := "In every row"
	if n.seen < rows {
		text = "In " + share(n.seen, rows) + " of the rows"
	}
	if n.nulls > 0 {
		text += ", null in " + share(n.nulls, rows)
	}
	if n.values() == 0 {
		return text + "."
	}
	values := n.fewValues()
	if r := c.reach(); r != "" && len(n.distinct) != 1 {
		text += "; " + r
		if values == "" && c.choice.typ.Kind == value.Int64 {
			return text + "."
		}
	}
	if values == "" {
		values = "e.g. " + n.example[n.order[0]]
	}
	return text + "; " + values + "."
}

// reach is the range of a column's values.
func (c column) reach() string {
	n := c.node
	between := func(least, most string) string {
		if least == most {
			return "always " + least
		}
		return least + " to " + most
	}
	count := func(unit string) string {
		if n.shortest == n.longest {
			return "always " + plural(int64(n.longest), unit)
		}
		return comma(int64(n.shortest)) + " to " + plural(int64(n.longest), unit)
	}
	number := func(v float64) string {
		if v > -1e15 && v < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	switch {
	case c.choice.form != nil:
		form := time.RFC3339Nano
		if c.choice.typ.Kind == value.Date {
			form = time.DateOnly
		}
		return between(microTime(c.choice.seen.first).Format(form), microTime(c.choice.seen.last).Format(form))
	case c.choice.typ.Kind == value.Int64:
		return between(strconv.FormatInt(n.leastInt, 10), strconv.FormatInt(n.mostInt, 10))
	case n.only(kindWhole, kindFraction):
		return between(number(n.least), number(n.most))
	case n.only(kindString):
		return count("byte")
	case n.only(kindArray) && !n.deep:
		return count("element")
	}
	return ""
}

// shownDistinct is how many values of a column are listed.
const shownDistinct = 8

// fewValues lists the values, when they are few and come again.
func (n *node) fewValues() string {
	if len(n.distinct) == 0 || len(n.distinct) > shownDistinct || n.count[kindObject]+n.count[kindArray] > 0 || int64(len(n.distinct))*2 > n.values() && len(n.distinct) > 1 {
		return ""
	}
	var parts []string
	for _, v := range slices.SortedFunc(maps.Keys(n.distinct), func(x, y string) int {
		return cmp.Or(cmp.Compare(n.distinct[y], n.distinct[x]), cmp.Compare(x, y))
	}) {
		parts = append(parts, fmt.Sprintf("%s (%s)", v, share(n.distinct[v], n.values())))
	}
	if len(parts) == 1 {
		return "always " + slices.Collect(maps.Keys(n.distinct))[0]
	}
	return fmt.Sprintf("%d values: %s", len(parts), strings.Join(parts, ", "))
}

// writePartitions writes the suggested partitions: in force those that are
// asked for, else as a comment.
func (in *inference) writePartitions(b *bytes.Buffer, all []partition, asked []string) {
	inForce := slices.DeleteFunc(slices.Clone(all), func(p partition) bool { return p.expr == "" || !slices.Contains(asked, p.name) })
	mark := ""
	if len(inForce) == 0 {
		if mark = "# "; len(all) == 0 {
			return
		}
		b.WriteString("\n# Partitions are folders of the table: a query that names their values reads nothing else.\n")
		b.WriteString("# A few thousand at most, and each of some megabytes. For example:\n")
		inForce = all
	} else {
		b.WriteString("\n")
	}
	b.WriteString(mark + "partitions:\n")
	for _, p := range inForce {
		parts := []string{"name: " + yamlText(p.name)}
		if p.expr != "" {
			parts = append(parts, "type: "+p.typ, "expr: "+yamlText(p.expr))
		}
		fmt.Fprintf(b, "%s  - {%s}  # %s\n", mark, strings.Join(parts, ", "), shown(p.note))
	}
}
