package linerows

import (
	"fmt"
	"time"

	"github.com/s3compact/s3compact/parquetconv/schema"
	"github.com/s3compact/s3compact/parquetconv/value"
)

// DefaultPartition is the folder's value, as Hive names it, for null and for
// the empty string, which Hive does not tell apart.
const DefaultPartition = "__HIVE_DEFAULT_PARTITION__"

// maxSegmentBytes is the longest name of a folder that file systems take.
const maxSegmentBytes = 255

// partitionOf computes the row's partition into d.partition.
func (d *Decoder) partitionOf() *Reject {
	d.partition = d.partition[:0]
	for i := range d.schema.Partitions {
		p := &d.schema.Partitions[i]
		v, bad := p.Expr.Eval(&d.row)
		if bad != nil {
			return &Reject{Column: p.Name, Reason: bad.Reason, Detail: bad.Detail}
		}
		if i > 0 {
			d.partition = append(d.partition, '/')
		}
		start := len(d.partition)
		d.partition = appendPartition(d.partition, p, v)
		if n := len(d.partition) - start; n > maxSegmentBytes {
			return &Reject{Column: p.Name, Reason: ReasonTooLong, Detail: fmt.Sprintf("the partition's folder would have a name of %d bytes", n)}
		}
	}
	return nil
}

// appendPartition appends name=value, both escaped as Hive does.
func appendPartition(dst []byte, p *schema.Partition, v value.Value) []byte {
	dst = append(appendEscaped(dst, []byte(p.Name)), '=')
	if v.Null {
		return append(dst, DefaultPartition...)
	}
	var room [64]byte
	text := room[:0]
	if p.Type.Kind == value.Timestamp {
		text = time.UnixMicro(v.Int).UTC().AppendFormat(text, "2006-01-02 15:04:05.999999")
	} else {
		text = value.AppendText(text, v, p.Type)
	}
	if len(text) == 0 {
		return append(dst, DefaultPartition...)
	}
	return appendEscaped(dst, text)
}

// appendEscaped escapes what Hive does (FileUtils.escapePathName), in
// upper-case hexadecimal.
func appendEscaped(dst, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if escapedInPath(c) {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func escapedInPath(c byte) bool {
	switch c {
	case '"', '#', '%', '\'', '*', '/', ':', '=', '?', '\\', 0x7f, '{', '[', ']', '^':
		return true
	}
	return c < ' '
}
