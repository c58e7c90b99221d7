package orc

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

const (
	// tailReadBytes is how much of the end of a file is read at once. It holds the whole tail of most files.
	tailReadBytes = 64 << 10
	// maxTailBytes bounds the footer and the statistics, decompressed.
	maxTailBytes = 256 << 20
	// maxBlockBytes bounds the compression block size: Apache's writers allow sizes below 8 MiB only, for the length in a
	// chunk's header has 23 bits.
	maxBlockBytes = 8 << 20
	// defaultBlockBytes is used where the postscript names no block size.
	defaultBlockBytes = 256 << 10
	// maxRowGroups bounds the row groups of one stripe.
	maxRowGroups = 1 << 16
	magic        = "ORC"
)

// tail is what the footer and the metadata section say.
type tail struct {
	rows    int64
	stripes []StripeInfo
	types   []typeInfo
	// rowIndexStride is the number of rows of each row group but a stripe's last; 0 without row indexes.
	rowIndexStride int64
	// encrypted[id] holds for the columns that are stored encrypted, beside a masked copy. Nil if there are none.
	encrypted []bool
	// statistics holds the file statistics of each type, metadata the stripe statistics of each stripe, as stored. Both are
	// nil in files that have none.
	statistics, metadata [][]byte
	writer               writer
}

// postscript is the uncompressed end of a file (specification, "Postscript").
type postscript struct {
	footerBytes, metadataBytes int64
	compression                int
	blockBytes                 uint64
	version                    []uint64
	writerVersion              int
	magic                      string
}

func (f *File) readTail() error {
	if f.sizeBytes <= 0 {
		return fmt.Errorf("the file has %d bytes: not an ORC file", f.sizeBytes)
	}
	end, err := f.readAt(nil, max(0, f.sizeBytes-tailReadBytes), min(f.sizeBytes, tailReadBytes))
	if err != nil {
		return err
	}
	psBytes := int(end[len(end)-1])
	if psBytes == 0 || psBytes+1 > len(end) {
		return errors.New("not an ORC file, or cut short: the length of the postscript is impossible")
	}
	ps, err := parsePostscript(end[len(end)-1-psBytes : len(end)-1])
	if err != nil {
		return fmt.Errorf("not an ORC file, or cut short: postscript: %w", err)
	}
	if err := f.checkMagic(ps, end); err != nil {
		return err
	}
	f.compression = compressionKind(ps.compression)
	if err := f.compression.check(); err != nil {
		return err
	}
	f.blockBytes = int(ps.blockBytes)
	if len(ps.version) > 0 {
		f.version.major = ps.version[0]
	}
	if len(ps.version) > 1 {
		f.version.minor = ps.version[1]
	}

	tailBytes := int64(psBytes) + 1
	if ps.footerBytes > f.sizeBytes-tailBytes || ps.metadataBytes > f.sizeBytes-tailBytes-ps.footerBytes {
		return fmt.Errorf("footer of %d and metadata of %d bytes do not fit in the file of %d bytes",
			ps.footerBytes, ps.metadataBytes, f.sizeBytes)
	}
	tailBytes += ps.footerBytes + ps.metadataBytes
	if tailBytes > int64(len(end)) {
		if end, err = f.readAt(nil, f.sizeBytes-tailBytes, tailBytes); err != nil {
			return err
		}
	}
	end = end[int64(len(end))-tailBytes:]
	d := newDecompressor(f.compression, f.blockBytes)
	var footerMemory, metadataMemory []byte // both are kept
	footer, err := d.decompress(&footerMemory, end[ps.metadataBytes:ps.metadataBytes+ps.footerBytes], maxTailBytes)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	f.tail.writer.version = ps.writerVersion
	if err := f.tail.parseFooter(footer); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	if err := f.tail.check(f.sizeBytes - tailBytes); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	metadata, err := d.decompress(&metadataMemory, end[:ps.metadataBytes], maxTailBytes)
	if err != nil {
		return fmt.Errorf("stripe statistics: %w", err)
	}
	if err := f.tail.parseMetadata(metadata); err != nil {
		return fmt.Errorf("stripe statistics: %w", err)
	}
	return nil
}

// checkMagic looks for "ORC" in the postscript, and in the header of files so old that their postscript has none.
func (f *File) checkMagic(ps postscript, end []byte) error {
	if ps.magic == magic {
		return nil
	}
	if ps.magic == "" {
		header := end
		if int64(len(end)) < f.sizeBytes {
			var err error
			if header, err = f.readAt(nil, 0, int64(len(magic))); err != nil {
				return err
			}
		}
		if bytes.HasPrefix(header, []byte(magic)) {
			return nil
		}
	}
	return errors.New(`not an ORC file, or cut short: neither the postscript nor the header says "ORC"`)
}

func parsePostscript(b []byte) (postscript, error) {
	ps := postscript{blockBytes: defaultBlockBytes}
	err := walk(b, func(f field) error {
		switch f.number {
		case 1:
			return f.int64(&ps.footerBytes)
		case 2:
			return f.int(&ps.compression, math.MaxInt32)
		case 3:
			return f.uint(&ps.blockBytes, maxBlockBytes)
		case 4:
			return f.repeated(func(v uint64) error { ps.version = append(ps.version, v); return nil })
		case 5:
			return f.int64(&ps.metadataBytes)
		case 6:
			return f.int(&ps.writerVersion, math.MaxInt32)
		case 8000:
			m, err := f.message()
			ps.magic = string(m)
			return err
		}
		return nil
	})
	return ps, err
}

func (t *tail) parseFooter(b []byte) error {
	var encryptedRoots []int
	t.rows = -1
	err := walk(b, func(f field) error {
		switch f.number {
		case 3:
			m, err := f.message()
			if err != nil {
				return err
			}
			s, err := parseStripeInfo(m)
			t.stripes = append(t.stripes, s)
			return err
		case 4:
			m, err := f.message()
			if err != nil {
				return err
			}
			ty, err := parseType(m)
			t.types = append(t.types, ty)
			return err
		case 6:
			return f.int64(&t.rows)
		case 7:
			m, err := f.message()
			t.statistics = append(t.statistics, m)
			return err
		case 8:
			return f.int64(&t.rowIndexStride)
		case 9:
			return f.int(&t.writer.code, math.MaxInt32)
		case 10:
			m, err := f.message()
			if err != nil {
				return err
			}
			encryptedRoots, err = parseEncryption(m)
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.checkTypes(); err != nil {
		return err
	}
	return t.markEncrypted(encryptedRoots)
}

func parseStripeInfo(b []byte) (StripeInfo, error) {
	var s StripeInfo
	err := walk(b, func(f field) error {
		switch f.number {
		case 1:
			return f.int64(&s.OffsetBytes)
		case 2:
			return f.int64(&s.IndexBytes)
		case 3:
			return f.int64(&s.DataBytes)
		case 4:
			return f.int64(&s.FooterBytes)
		case 5:
			return f.int64(&s.Rows)
		}
		return nil
	})
	return s, err
}

// check makes sure that the stripes lie one behind the other before the tail, which begins at bodyEnd, and hold all rows. Where the footer does not
// say how many those are, it is the stripes that say it.
func (t *tail) check(bodyEnd int64) error {
	if t.rows < 0 {
		t.rows = 0
		for _, s := range t.stripes {
			if s.Rows > math.MaxInt64-t.rows {
				return errors.New("the stripes have more than 2^63 rows")
			}
			t.rows += s.Rows
		}
	}
	rows := t.rows
	end := int64(0)
	for i, s := range t.stripes {
		if s.OffsetBytes < end {
			return fmt.Errorf("stripe %d begins at byte %d, before the end of the one before it", i, s.OffsetBytes)
		}
		rest := bodyEnd
		for _, n := range [...]int64{s.OffsetBytes, s.IndexBytes, s.DataBytes, s.FooterBytes} {
			if n > rest {
				return fmt.Errorf("stripe %d reaches beyond the file's body of %d bytes", i, bodyEnd)
			}
			rest -= n
		}
		end = bodyEnd - rest
		if t.rowIndexStride > 0 && s.IndexBytes > 0 && s.Rows/t.rowIndexStride >= maxRowGroups {
			return fmt.Errorf("stripe %d has more than %d row groups", i, maxRowGroups)
		}
		if s.Rows > rows {
			return fmt.Errorf("the stripes hold more rows than the file's %d", t.rows)
		}
		rows -= s.Rows
	}
	if rows != 0 {
		return fmt.Errorf("the stripes hold %d rows, the file %d", t.rows-rows, t.rows)
	}
	return nil
}

// parseMetadata takes the statistics of each stripe out of the metadata section (specification, "File Metadata"). They are
// decoded when they are needed.
func (t *tail) parseMetadata(b []byte) error {
	err := walk(b, func(f field) error {
		if f.number != 1 {
			return nil
		}
		stripe, err := f.message()
		t.metadata = append(t.metadata, stripe)
		return err
	})
	if err != nil {
		return err
	}
	if len(t.metadata) != 0 && len(t.metadata) != len(t.stripes) {
		return fmt.Errorf("they describe %d stripes, the file has %d", len(t.metadata), len(t.stripes))
	}
	return nil
}
