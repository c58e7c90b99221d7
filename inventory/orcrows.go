package inventory

import (
	"context"
	"fmt"
	"io"

	"github.com/s3compact/s3compact/inventory/orc"
)

// sumORC adds a part of an ORC data file, of so many parts, to g: the stripes
// are shared out in order.
func sumORC(ctx context.Context, r io.ReaderAt, sizeBytes int64, g *groups, part, parts int, progress Progress) error {
	f, err := orc.Open(r, sizeBytes)
	if err != nil {
		return err
	}
	rows, err := newORCRows(f)
	if err != nil {
		return err
	}
	first, end := f.NumStripes()*part/parts, f.NumStripes()*(part+1)/parts
	for i := first; i < end; i++ {
		if err := rows.reader.Open(ctx, orc.Span{Stripe: i, To: f.RowGroups(i)}, nil); err != nil {
			return err
		}
		for {
			if rows.stripe, err = rows.reader.Next(ctx); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			rows.row = 0
			for more := true; more; {
				if more, err = rows.next(); err == nil {
					err = g.add(&rows.batch)
				}
				if err != nil {
					return fmt.Errorf("stripe %d: %w", i, err)
				}
				progress.Add(rows.batch.rows(), 0)
			}
		}
		s := f.Stripe(i)
		progress.Add(0, s.IndexBytes+s.DataBytes+s.FooterBytes)
	}
	return nil
}

// orcRows reads batches of rows, one stripe after the other.
type orcRows struct {
	reader *orc.Reader
	columns
	stripe  *orc.Batch
	row     int // the next row in the batch
	keys    []byte
	classes interner
	batch   batch
}

// The first and the last second that a plan can hold as a date, since 1970.
const (
	firstSecond = -62135596800 // 0001-01-01T00:00:00Z
	lastSecond  = 253402300799 // 9999-12-31T23:59:59Z
)

// newORCRows chooses the wanted columns of a file and checks their types.
func newORCRows(f *orc.File) (*orcRows, error) {
	all := f.Columns()
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name
	}
	inFile, err := bindColumns(names)
	if err != nil {
		return nil, err
	}
	r := &orcRows{}
	var wanted []string
	for _, w := range []struct {
		place *int // in what is read
		from  int  // in the file
		kinds []orc.Kind
	}{
		{&r.key, inFile.key, []orc.Kind{orc.KindString, orc.KindVarchar}},
		{&r.size, inFile.size, []orc.Kind{orc.KindLong, orc.KindInt}},
		{&r.modified, inFile.modified, []orc.Kind{orc.KindTimestamp, orc.KindTimestampInstant}},
		{&r.class, inFile.class, []orc.Kind{orc.KindString, orc.KindVarchar}},
		{&r.latest, inFile.latest, []orc.Kind{orc.KindBoolean}},
		{&r.deleteMarker, inFile.deleteMarker, []orc.Kind{orc.KindBoolean}},
	} {
		*w.place = -1
		if w.from < 0 {
			continue
		}
		c := all[w.from]
		if !isOneOf(c.Kind, w.kinds) {
			return nil, fmt.Errorf("column %s is of type %s, expected %s: this is no S3 Inventory report", c.Name, c.Kind, w.kinds[0])
		}
		*w.place = len(wanted)
		wanted = append(wanted, c.Name)
	}
	r.reader, err = f.NewReader(wanted...)
	return r, err
}

func isOneOf(k orc.Kind, kinds []orc.Kind) bool {
	for _, want := range kinds {
		if k == want {
			return true
		}
	}
	return false
}

// column is a vector of the batch, or nil when the report has no such column.
func (r *orcRows) column(i int) *orc.Vector {
	if i < 0 {
		return nil
	}
	return r.stripe.Columns[i]
}

// next takes the next rows out of the batch and says whether more may follow.
func (r *orcRows) next() (more bool, err error) {
	b := &r.batch
	b.reset()
	r.keys = r.keys[:0]
	key, size, modified := r.column(r.key), r.column(r.size), r.column(r.modified)
	class, latest, marker := r.column(r.class), r.column(r.latest), r.column(r.deleteMarker)
	end := min(r.row+batchRows, r.stripe.Rows)
	for ; r.row < end; r.row++ {
		i := r.row
		if !live(boolAt(latest, i, true), boolAt(marker, i, false), !size.IsNull(i)) {
			b.ignored++
			continue
		}
		if key.IsNull(i) || modified.IsNull(i) {
			return false, fmt.Errorf("row %d has a size but no key or no time", r.stripe.FirstRow+int64(i))
		}
		if s := modified.Seconds[i]; s < firstSecond || s > lastSecond {
			return false, fmt.Errorf("row %d was last modified %d seconds after 1970: no date of the years 1 to 9999", r.stripe.FirstRow+int64(i), s)
		}
		r.keys = append(r.keys, key.Bytes(i)...)
		b.ends = append(b.ends, len(r.keys))
		b.sizes = append(b.sizes, size.Int64[i])
		b.modified = append(b.modified, modified.Seconds[i]*1e6+int64(modified.Nanos[i])/1e3)
		if class == nil {
			b.classes = append(b.classes, "")
		} else {
			b.classes = append(b.classes, r.classes.intern(class.Bytes(i)))
		}
	}
	b.keys = string(r.keys)
	return r.row < r.stripe.Rows, nil
}

// boolAt is the value of a row; byDefault where the report has no such column
// or the row no value.
func boolAt(v *orc.Vector, i int, byDefault bool) bool {
	if v == nil || v.IsNull(i) {
		return byDefault
	}
	return v.Bool[i]
}
