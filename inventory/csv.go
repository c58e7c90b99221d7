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

// csvFile is a CSV data file, gzip or plain: one unit. It has no header: the
// manifest's fileSchema names its columns. The MD5 is checked.
type csvFile struct {
	*file
	columns
	width  int // columns of a row
	md5Hex string
}

func newCSVFile(f *file, schema, md5Hex string, etags bool) (*csvFile, error) {
	names := strings.Split(schema, ",")
	cols, err := bindColumns(names, etags)
	if err != nil {
		return nil, fmt.Errorf("fileSchema of the manifest: %w", err)
	}
	return &csvFile{file: f, columns: cols, width: len(names), md5Hex: md5Hex}, nil
}

func (f *csvFile) units() int                  { return 1 }
func (f *csvFile) reader() (unitReader, error) { return f, nil }

func (f *csvFile) read(ctx context.Context, _ int, w *worker, progress Progress) error {
	stored, err := openHashed(ctx, f.file)
	if err != nil {
		return err
	}
	defer stored.Close()
	counted := &countingReader{r: stored}
	text, err := uncompressed(counted)
	if err != nil {
		return stored.explain(fmt.Errorf("read %s: %w", f.name, err), f.md5Hex)
	}
	rows := csvRows{csv: newCSVReader(text), columns: f.columns, width: f.width, worker: w}
	var told int64
	for more := true; more; {
		if more, err = rows.next(); err == nil {
			if err = w.add(&rows.batch); err != nil {
				err = fmt.Errorf("before line %d: %w", rows.csv.next+1, err)
			}
		}
		if err != nil {
			return stored.explain(fmt.Errorf("read %s: %w", f.name, err), f.md5Hex)
		}
		progress.Add(int64(rows.batch.rows), counted.n-told)
		told = counted.n
	}
	return stored.check(f.md5Hex)
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
	width  int // columns of a row
	worker *worker
	row    int64 // number of the next row
	batch  batch
	kinds  []uint16
	live   []bool
	// The attributes of the row before, and its kind: neighbours mostly agree.
	words [attributes][]byte
	kind  uint16
}

// next reads the next batch and says whether more may follow.
func (c *csvRows) next() (more bool, err error) {
	b := &c.batch
	*b = batch{first: c.row, keys: b.keys[:0], ends: b.ends[:0], etags: b.etags[:0], etagEnds: b.etagEnds[:0], sizes: b.sizes[:0], modified: b.modified[:0], kinds: c.kinds[:0], live: c.live[:0]}
	for more = true; b.rows < batchRows; b.rows++ {
		row, err := c.csv.read()
		if errors.Is(err, io.EOF) {
			more = false
			break
		}
		if err != nil {
			return false, err
		}
		if err := c.add(row); err != nil {
			return false, fmt.Errorf("line %d: %w", c.csv.line, err)
		}
	}
	c.row += int64(b.rows)
	c.kinds, c.live = b.kinds, b.live
	return more, nil
}

func (c *csvRows) add(row [][]byte) error {
	if len(row) != c.width {
		return fmt.Errorf("%d fields, but fileSchema names %d columns", len(row), c.width)
	}
	latest, err := parseBool(row, c.columns[colLatest], true)
	if err != nil {
		return err
	}
	marker, err := parseBool(row, c.columns[colMarker], false)
	if err != nil {
		return err
	}
	if i, want := c.columns[colBucket], c.worker.shared.bucket; i >= 0 && want != "" && string(row[i]) != want {
		return wrongBucket(c.row+int64(c.batch.rows), row[i], want)
	}
	b := &c.batch
	sizeField := row[c.columns[colSize]]
	live := isLive(latest, marker, len(sizeField) > 0)
	var size, modified int64
	if live {
		if size, err = parseSize(sizeField); err != nil {
			return err
		}
		if modified, err = parseTime(row[c.columns[colModified]]); err != nil {
			return err
		}
		if b.keys, err = appendDecoded(b.keys, row[c.columns[colKey]]); err != nil {
			return err
		}
		if err := c.setKind(row); err != nil {
			return err
		}
	}
	b.ends = append(b.ends, uint32(len(b.keys)))
	if i := c.columns[colETag]; i >= 0 {
		b.etags = append(b.etags, row[i]...)
		b.etagEnds = append(b.etagEnds, uint32(len(b.etags)))
	}
	b.sizes = append(b.sizes, size)
	b.modified = append(b.modified, modified)
	b.kinds = append(b.kinds, c.kind)
	b.live = append(b.live, live)
	return nil
}

// setKind finds the kind of a row.
func (c *csvRows) setKind(row [][]byte) error {
	same := true
	word := func(a attribute, w []byte) {
		if string(c.words[a]) != string(w) {
			c.words[a] = append(c.words[a][:0], w...)
			same = false
		}
	}
	for col := colClass; col <= colReplication; col++ {
		if i := c.columns[col]; i >= 0 {
			word(col.attribute(), row[i])
		}
	}
	var lock []byte
	for col := colLockMode; col <= colLegalHold; col++ {
		if i := c.columns[col]; i >= 0 && locked(col, row[i]) {
			lock = lockedBytes
		}
	}
	word(attrLock, lock)
	if same {
		return nil
	}
	c.kind = 0
	for a, w := range c.words {
		code, err := c.worker.code(attribute(a), w)
		if err != nil {
			return err
		}
		if c.kind, err = c.worker.with(c.kind, attribute(a), code); err != nil {
			return err
		}
	}
	return nil
}

var lockedBytes = []byte(lockedWord)

// parseTime reads a time of RFC 3339 as Unix milliseconds.
func parseTime(text []byte) (int64, error) {
	var t time.Time
	if err := t.UnmarshalText(text); err != nil {
		return 0, fmt.Errorf("last modified %.60q is no time of RFC 3339", text)
	}
	ms := t.UnixMilli()
	if ms < firstMilli || ms > lastMilli {
		return 0, fmt.Errorf("last modified %.60q is no date of the years 1 to 9999 in UTC", text)
	}
	return ms, nil
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
