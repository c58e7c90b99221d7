package rows

import (
	"slices"
	"testing"
)

// TestCSV: delimited text goes the way that JSON goes. Each source has its own
// header, and expressions read fields that are no columns.
func TestCSV(t *testing.T) {
	s := parse(t, `
format: csv
csv: {delimiter: ";"}
columns:
  - {name: id, type: int64, required: true}
  - {name: name, type: string}
  - {name: twice, type: double, expr: "cast(price as double) * 2", on_bad: reject}
  - {name: at, type: int64, expr: _source_offset}
partitions: [{name: kind, type: string, expr: "upper(kind)"}]
`)
	texts := []string{
		"id;name;price;kind\r\n1;\"a;\r\nb\";1.5;x\r\n\"2\"x;c;1;y\n3;;;\"\"\n;d;2;y\n4;d;zz;y\n",
		"kind;id;price\nz;5;0.25\nz;6\n",
	}
	for _, piece := range []int{1, 7, 1000} {
		d := newDecoder(t, s, Options{})
		var got shown
		for i, text := range texts {
			if err := decodeAll(t, d, i, Source{Key: "k"}, []byte(text), piece, func(b *Block) { got.add(t, s, b) }); err != nil {
				t.Fatal(err)
			}
		}
		b, err := d.Take()
		if err != nil {
			t.Fatal(err)
		}
		got.add(t, s, b)
		rows := []string{
			"0 1|a;\r\nb|3|20 in kind=X", "0 3|null|null|48 in kind=" + DefaultPartition, "1 5|null|0.5|14 in kind=Z",
		}
		rejects := []string{"0 37 quote ", "0 55 missing id", "0 62 syntax twice", "1 23 fields "}
		raws := []string{"\"2\"x;c;1;y", ";d;2;y", "4;d;zz;y", "z;6"}
		if !slices.Equal(got.rows, rows) || !slices.Equal(got.rejects, rejects) || !slices.Equal(got.raws, raws) {
			t.Errorf("in pieces of %d bytes:\n%q\n%q\n%q", piece, got.rows, got.rejects, got.raws)
		}
	}
}
