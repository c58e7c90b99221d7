package infer

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// partition is a partition that is suggested.
type partition struct {
	name, typ, expr string // typ and expr are empty where it is a column
	note            string
}

// partitions are suggested by what stands in the keys, and by the time that
// most rows have.
func (in *inference) partitions(columns []column) []partition {
	taken := columnNames{}
	for _, c := range columns {
		taken[strings.ToLower(c.name)] = true
	}
	out := in.keyPartitions(columns, taken)
	if p, ok := in.timePartition(columns, taken); ok && !slices.ContainsFunc(out, func(q partition) bool { return q.name == p.name }) {
		out = append(out, p)
	}
	return out
}

// timePartition is by the day of the column that has a time in most rows.
func (in *inference) timePartition(columns []column, taken columnNames) (partition, bool) {
	var times []column
	for _, c := range columns {
		if k := c.choice.typ.Kind; k == value.Timestamp || k == value.Date {
			times = append(times, c)
		}
	}
	if len(times) == 0 {
		return partition{}, false
	}
	best := slices.MaxFunc(times, func(a, b column) int {
		return cmp.Or(cmp.Compare(a.node.values(), b.node.values()), cmp.Compare(named(a), named(b)), -cmp.Compare(slices.Index(in.tree.root.names, a.member), slices.Index(in.tree.root.names, b.member)))
	})
	seen := best.choice.seen
	first, last := microTime(seen.first).Format(time.DateOnly), microTime(seen.last).Format(time.DateOnly)
	p := partition{note: "in the sample: " + first}
	if last != first {
		p.note += " to " + last
	}
	if rows := in.tree.root.seen; best.node.values() < rows {
		p.note += fmt.Sprintf("; %s of the rows have none", share(rows-best.node.values(), rows))
	}
	if best.choice.typ.Kind == value.Date && folderName.MatchString(best.name) {
		p.name = best.name
		return p, true
	}
	p.name = "dt"
	if taken["dt"] {
		p.name = "day"
	}
	p.name, p.typ, p.expr = taken.free(p.name), "date", "cast("+sqlName(best.name)+" as date)"
	return p, true
}

// folderName is a name that a partition can surely have.
var folderName = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]*$`)

// named is 1 for a column that has the name of a time, else 0.
func named(c column) int {
	if timeName.MatchString(c.member) {
		return 1
	}
	return 0
}

// keySegment is a part of a key that names a value, as Hive's folders do.
var keySegment = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_.-]*)=(.+)$`)

// shownValues is how many values of a segment are shown.
const shownValues = 3

// keyPartitions are those that stand in the key of every source of the sample.
func (in *inference) keyPartitions(columns []column, taken columnNames) []partition {
	var order []string
	values := map[string][]string{}
	for i, t := range in.sample.Texts {
		found := map[string]bool{}
		folders := strings.Split(t.Source.Key, "/")
		for _, folder := range folders[:len(folders)-1] {
			m := keySegment.FindStringSubmatch(folder)
			if m == nil || found[m[1]] {
				continue
			}
			found[m[1]] = true
			if i == 0 {
				order = append(order, m[1])
			}
			if !slices.Contains(values[m[1]], m[2]) {
				values[m[1]] = append(values[m[1]], m[2])
			}
		}
		order = slices.DeleteFunc(order, func(name string) bool { return !found[name] })
	}
	var out []partition
	for _, name := range order {
		out = append(out, keyPartition(name, values[name], columns, taken))
	}
	return out
}

func keyPartition(name string, values []string, columns []column, taken columnNames) partition {
	p := partition{note: fmt.Sprintf("in the keys: %s", shown(strings.Join(values[:min(len(values), shownValues)], ", ")))}
	if len(values) > shownValues {
		p.note += " …"
	}
	for _, c := range columns {
		if c.name == name {
			switch c.choice.typ.Kind {
			case value.Boolean, value.Int64, value.String, value.Date:
				p.name = name
				p.note += "; the rows have it too"
				return p
			}
		}
	}
	p.name, p.typ = taken.free(name), "string"
	p.expr = fmt.Sprintf(`regexp_extract(_source_key, '(?:^|/)%s=([^/]+)/', 1)`, regexp.QuoteMeta(name))
	if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "%") }) {
		// In a folder's name, unlike in a query string, a plus sign is no space.
		p.expr = "url_decode(replace(" + p.expr + ", '+', '%2B'))"
	}
	if !slices.ContainsFunc(values, func(v string) bool { _, bad := value.ParseDate([]byte(v)); return bad != nil }) {
		p.typ, p.expr = "date", "cast("+p.expr+" as date)"
	}
	return p
}
