package report

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/s3compact/s3compact/internal/orcwrite"
)

// encodeCSV writes a data file of a CSV report: gzip, without a header, every
// field in double quotes, nulls as empty ones.
func encodeCSV(fields []field, rows []Row) ([]byte, error) {
	var text []byte
	for i := range rows {
		for j := range fields {
			if j > 0 {
				text = append(text, ',')
			}
			text = append(text, '"')
			text = append(text, strings.ReplaceAll(fields[j].csvValue(&rows[i]), `"`, `""`)...)
			text = append(text, '"')
		}
		text = append(text, '\n')
	}
	var file bytes.Buffer
	zip := gzip.NewWriter(&file)
	if _, err := zip.Write(text); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// encodeKey encodes a key as CSV reports do: as in a form, but for slashes.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// encodeORC writes a data file of an ORC report, compressed with ZLIB.
func (r Report) encodeORC(fields []field, rows []Row) ([]byte, error) {
	orcFields := make([]orcwrite.Field, len(fields))
	for i, f := range fields {
		orcFields[i] = orcwrite.Field{Name: f.orc, Kind: f.kind}
	}
	var file bytes.Buffer
	w, err := orcwrite.NewWriter(&file, orcFields, orcwrite.Options{Compression: orcwrite.Zlib})
	if err != nil {
		return nil, err
	}
	for len(rows) > 0 {
		n := min(len(rows), r.RowsPerStripe)
		columns := make([]orcwrite.Column, len(fields))
		for i := range fields {
			columns[i] = orcColumn(&fields[i], rows[:n])
		}
		if err := w.WriteStripe(n, columns); err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

func orcColumn(f *field, rows []Row) orcwrite.Column {
	c := orcwrite.Column{Present: make([]bool, len(rows))}
	for i := range rows {
		row := &rows[i]
		c.Present[i] = !f.null(row)
		switch {
		case f.text != nil:
			c.Strings = append(c.Strings, f.text(row))
		case f.time != nil:
			c.Times = append(c.Times, f.time(row))
		case f.number != nil:
			c.Ints = append(c.Ints, f.number(row))
		default:
			c.Bools = append(c.Bools, f.flag(row))
		}
	}
	return c
}
