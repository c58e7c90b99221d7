package inventory

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// sumCSV adds the rows of a CSV data file, gzip or plain, to g. The file has no
// header: the manifest's fileSchema names its columns. The MD5 is checked.
func sumCSV(ctx context.Context, f *file, schema, md5Hex string, g *groups, progress Progress) error {
	names := strings.Split(schema, ",")
	cols, err := bindColumns(names)
	if err != nil {
		return fmt.Errorf("fileSchema of the manifest: %w", err)
	}
	stored, err := openHashed(ctx, f)
	if err != nil {
		return err
	}
	defer stored.Close()
	counted := &countingReader{r: stored}
	text, err := uncompressed(counted)
	if err != nil {
		return stored.explain(fmt.Errorf("read %s: %w", f.name, err), md5Hex)
	}
	rows := csvRows{csv: newCSVReader(text), columns: cols, width: len(names)}
	var told int64
	for more := true; more; {
		if more, err = rows.next(); err != nil {
			return stored.explain(fmt.Errorf("read %s: %w", f.name, err), md5Hex)
		}
		if err := g.add(&rows.batch); err != nil {
			return stored.explain(fmt.Errorf("read %s: rows before line %d: %w", f.name, rows.csv.next+1, err), md5Hex)
		}
		progress.Add(rows.batch.rows(), counted.n-told)
		told = counted.n
	}
	return stored.check(md5Hex)
}

// uncompressed is the text of a file that is gzip (told by its first bytes) or plain.
func uncompressed(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	magic, err := br.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return br, nil
	}
	return gzip.NewReader(br)
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// csvRows reads batches of rows.
type csvRows struct {
	csv *csvReader
	columns
	width   int // columns of a row
	keys    []byte
	classes interner
	batch   batch
}

// next reads the next batch and says whether more may follow.
func (c *csvRows) next() (more bool, err error) {
	b := &c.batch
	b.reset()
	c.keys = c.keys[:0]
	for b.rows() < batchRows {
		row, err := c.csv.read()
		if errors.Is(err, io.EOF) {
			b.keys = string(c.keys)
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if err := c.add(row); err != nil {
			return false, fmt.Errorf("line %d: %w", c.csv.line, err)
		}
	}
	b.keys = string(c.keys)
	return true, nil
}

func (c *csvRows) add(row [][]byte) error {
	if len(row) != c.width {
		return fmt.Errorf("%d fields, but fileSchema names %d columns", len(row), c.width)
	}
	latest, err := parseBool(row, c.latest, true)
	if err != nil {
		return err
	}
	marker, err := parseBool(row, c.deleteMarker, false)
	if err != nil {
		return err
	}
	b := &c.batch
	if size := row[c.size]; !live(latest, marker, len(size) > 0) {
		b.ignored++
		return nil
	}
	size, err := parseSize(row[c.size])
	if err != nil {
		return err
	}
	var modified time.Time
	if err := modified.UnmarshalText(row[c.modified]); err != nil {
		return fmt.Errorf("last modified %.60q is no time of RFC 3339", row[c.modified])
	}
	if s := modified.Unix(); s < firstSecond || s > lastSecond {
		return fmt.Errorf("last modified %.60q is no date of the years 1 to 9999 in UTC", row[c.modified])
	}
	var class string
	if c.class >= 0 {
		class = c.classes.intern(row[c.class])
	}
	if c.keys, err = appendDecoded(c.keys, row[c.key]); err != nil {
		return err
	}
	b.ends = append(b.ends, len(c.keys))
	b.sizes = append(b.sizes, size)
	b.modified = append(b.modified, modified.UnixMicro())
	b.classes = append(b.classes, class)
	return nil
}

// parseBool reads a field that is true or false, in any case; byDefault where
// the report has no such column or the field is empty.
func parseBool(row [][]byte, column int, byDefault bool) (bool, error) {
	if column < 0 || len(row[column]) == 0 {
		return byDefault, nil
	}
	switch v := row[column]; {
	case bytes.EqualFold(v, []byte("true")):
		return true, nil
	case bytes.EqualFold(v, []byte("false")):
		return false, nil
	default:
		return false, fmt.Errorf("%.60q is neither true nor false", v)
	}
}

func parseSize(b []byte) (int64, error) {
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return 0, fmt.Errorf("size %.60q is no number of bytes", b)
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

// appendDecoded appends a key without its URL encoding, in which a space is
// "+". Only CSV reports encode keys. Source: Amazon S3 User Guide, "Amazon S3
// Inventory list": key names in CSV are URL-encoded and must be decoded.
func appendDecoded(dst, key []byte) ([]byte, error) {
	for i := 0; i < len(key); i++ {
		switch c := key[i]; c {
		case '+':
			dst = append(dst, ' ')
		case '%':
			if i+2 >= len(key) || unhex(key[i+1]) < 0 || unhex(key[i+2]) < 0 {
				return dst, fmt.Errorf("key %.200q is not URL-encoded", key)
			}
			dst = append(dst, byte(unhex(key[i+1])<<4|unhex(key[i+2])))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// interner makes strings of few different values without an allocation each.
type interner struct{ seen []string }

func (n *interner) intern(b []byte) string {
	for _, s := range n.seen {
		if s == string(b) {
			return s
		}
	}
	s := string(b)
	if len(n.seen) < maxStorageClasses { // what comes beyond is refused by groups
		n.seen = append(n.seen, s)
	}
	return s
}
