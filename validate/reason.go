package validate

import "fmt"

// Reason says in one stable word why an object is refused. The words are part of the command's output and of its logs.
type Reason string

const (
	ReasonNotGzip       Reason = "not_gzip"       // does not begin with a gzip header; empty objects too
	ReasonTruncated     Reason = "truncated"      // the data ends inside a member: header, deflate data or trailer
	ReasonTrailingBytes Reason = "trailing_bytes" // bytes after the last member that are no member, zero padding included
	ReasonBadCRC        Reason = "bad_crc"        // a trailer's CRC-32 is not that of the member's data
	ReasonBadLength     Reason = "bad_length"     // a trailer's ISIZE is not the length of the member's data modulo 2^32
	ReasonCorrupt       Reason = "corrupt"        // invalid deflate data or header
	ReasonFormat        Reason = "format"         // sound gzip that holds something else than the content asked for
)

// GzipError says what is wrong with the bytes of a stored gzip object. All errors that the bytes are to blame for are of
// this type (errors.As with a *GzipError); errors of the reader that delivers them never are.
type GzipError struct {
	Reason Reason
	// Offset is the byte of the stored object at which the fault shows: the end of the object where it is truncated, the
	// trailer where that does not match, at most a few bytes past the fault in deflate data. With ReasonFormat it counts
	// uncompressed bytes.
	Offset int64
	Detail string // for people; not stable
}

func (e *GzipError) Error() string {
	return fmt.Sprintf("%s at byte %d: %s", e.Reason, e.Offset, e.Detail)
}
