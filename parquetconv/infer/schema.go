package infer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// ErrNoRows says that nothing can be inferred.
var ErrNoRows = errors.New("no row in the sample")

// badRows counts what is no row.
type badRows struct {
	count map[string]int64 // by reason
	first string           // where the first stands, and its reason
}

func (b *badRows) add(reason string, offset int64, source parquetconv.SourceObject) {
	if b.first == "" {
		b.first = fmt.Sprintf("%s at byte %d of %s", reason, offset, source)
	}
	b.count[reason]++
}

// inference is what a sample showed.
type inference struct {
	sample *Sample
	at     *Text // that is read
	form   form
	others map[form]int64 // texts that look otherwise
	tree   *observer
	bad    badRows
	text   int64 // bytes that were looked at
	broken int64 // texts that could not be read
	why    string
}

// Schema writes a schema file that fits all rows of the sample, with comments
// for the person who edits it. partitionBy names suggested partitions that are
// to be in force; names of columns may be among them. It fails with ErrNoRows.
func Schema(s *Sample, partitionBy []string) ([]byte, error) {
	f, others := commonForm(s)
	var in *inference
	if s.Format == schema.FormatCSV {
		var err error
		if in, err = lookAtRecords(s, f); err != nil {
			return nil, err
		}
	} else {
		in = look(s, f.layout, f.names())
	}
	in.form, in.others = f, others
	if in.tree.root.seen == 0 || len(in.tree.root.names) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoRows, in.emptiness())
	}
	return in.write(partitionBy), nil
}

// commonForm is the form of most texts; of two as frequent, the one that came first.
func commonForm(s *Sample) (best form, others map[form]int64) {
	votes := map[form]int64{}
	var order []form
	of := formOf
	if s.Format == schema.FormatCSV {
		of = csvForm
	}
	for _, t := range s.Texts {
		if f, ok := of(t); ok {
			if votes[f] == 0 {
				order = append(order, f)
			}
			votes[f]++
		}
	}
	if len(order) == 0 {
		best, _ = of(Text{})
		return best, nil
	}
	best = order[0]
	for _, f := range order {
		if votes[f] > votes[best] {
			best = f
		}
	}
	delete(votes, best)
	return best, votes
}

// look reads all rows of the sample.
func look(s *Sample, layout schema.Layout, rowsAt []string) *inference {
	in := newInference(s)
	r := &rowReader{layout: layout, rowsAt: rowsAt, row: in.tree.row, bad: func(reason string, offset int64) {
		in.bad.add(reason, offset, in.at.Source)
	}}
	for i := range s.Texts {
		if in.begin(&s.Texts[i]) {
			r.read(s.Texts[i])
		}
	}
	return in
}

func newInference(s *Sample) *inference {
	return &inference{sample: s, tree: newObserver(), bad: badRows{count: map[string]int64{}}}
}

// begin says whether a text can be read.
func (in *inference) begin(t *Text) bool {
	in.at = t
	if t.Reason == "" {
		in.text += int64(len(t.Bytes))
		return true
	}
	in.broken++
	if in.why == "" {
		in.why = fmt.Sprintf("%s: %s (%s)", t.Source, t.Reason, t.Detail)
	}
	return false
}

// emptiness says why there is nothing to infer from.
func (in *inference) emptiness() string {
	switch {
	case len(in.sample.Texts) == 0:
		hint := "; for CSV, see schema infer --format csv"
		if in.sample.Format == schema.FormatCSV {
			hint = ""
		}
		return fmt.Sprintf("there are no sources (%s ignored%s)", plural(in.sample.Ignored, "object"), hint)
	case in.bad.first != "":
		what := "JSON objects"
		if in.sample.Format == schema.FormatCSV {
			what = "rows of CSV"
		}
		return fmt.Sprintf("what it has is no %s (%s; the first: %s)", what, in.bad.summary(), in.bad.first)
	case in.broken > 0:
		return fmt.Sprintf("%s cannot be read; the first: %s", plural(in.broken, "source"), in.why)
	case in.tree.root.seen > 0:
		return "its rows have no members"
	}
	return "larger --sample-bytes may help, if the rows are long"
}

// summary is the counts by reason, most first.
func (b *badRows) summary() string {
	var parts []string
	for _, reason := range slices.SortedFunc(maps.Keys(b.count), func(x, y string) int {
		return cmp.Or(cmp.Compare(b.count[y], b.count[x]), cmp.Compare(x, y))
	}) {
		parts = append(parts, fmt.Sprintf("%s %s", comma(b.count[reason]), reason))
	}
	return strings.Join(parts, ", ")
}

// column is a column of the schema that is written.
type column struct {
	name, member string
	path         string
	renamed      string // why the name is another one
	node         *node
	choice       choice
}

// columns are those of the rows' members, as they first came.
func (in *inference) columns() []column {
	names := columnNames{}
	isCSV := in.sample.Format == schema.FormatCSV
	var out []column
	for i, member := range in.tree.root.names {
		c := column{member: member, node: in.tree.root.members[member], path: memberPath(member)}
		switch {
		case !isCSV:
			c.choice = choose(c.node, c.path)
		case in.form.csv.Header:
			c.choice = chooseField(c.node)
		default:
			c.choice, c.path = chooseField(c.node), fmt.Sprintf("$[%d]", i)
		}
		c.name, c.renamed = names.name(member)
		out = append(out, c)
	}
	return out
}
