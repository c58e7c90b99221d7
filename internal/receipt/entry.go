// Package receipt holds the entries of a group's log: what an output is made
// of, what was done with a group, and what was refused. The rules are in
// docs/protocol.md; here are the types and their form on S3, gzip JSON lines
// that any engine can query.
package receipt

import (
	"fmt"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/singlegzip"
)

// FormatVersion is the version of the log's format that is written and read.
const FormatVersion = 1

// Kind is what an entry says.
type Kind string

// The kinds of entries. A new attempt may start at Done.
const (
	Commit  Kind = "commit"
	Done    Kind = "done"
	Void    Kind = "void"
	Restore Kind = "restore"
)

// Entry is one entry of a group's log.
type Entry struct {
	Header
	Outputs []Output  // commit: what was made; void: what was given up
	Members []Member  // commit: in the order in which they lie in the outputs
	Refused []Refusal // commit: found by the attempt; done, void: all that still holds
	Changed []Refusal // sources that were replaced while they were compacted: both versions stay
	Live    []OutputRef
	Dead    []OutputRef
	// TakenApart, of a restore: the outputs whose originals are put back.
	TakenApart []OutputRef
	// Absorbed, of a restore that interrupts a commit: the outputs that the commit absorbed.
	Absorbed []OutputRef
}

// Header is an entry's first line.
type Header struct {
	Type     string    `json:"type"` // "entry"
	Version  int       `json:"version"`
	Kind     Kind      `json:"kind"`
	Number   int       `json:"number"` // place in the log, from 1
	Bucket   string    `json:"bucket"` // of the members
	Group    string    `json:"group"`  // prefix
	GID      string    `json:"gid"`
	StateID  string    `json:"state_id"`
	Nonce    string    `json:"nonce"` // of the attempt that wrote it
	Tool     string    `json:"tool"`  // version of s3compact
	PlanID   string    `json:"plan_id,omitempty"`
	Content  string    `json:"content,omitempty"` // ndjson or lines
	Time     time.Time `json:"time"`              // the server's clock
	Wait     bool      `json:"wait,omitempty"`    // acted on only when it has settled
	Keep     bool      `json:"keep,omitempty"`    // the members stay
	Reason   string    `json:"reason,omitempty"`  // void: why
	Kept     []int     `json:"kept,omitempty"`    // numbers of the commits with keep so far
	Counts   *Counts   `json:"counts,omitempty"`  // done: of the commit before it
	Outputs  int       `json:"outputs"`           // lines of each kind that follow
	Members  int       `json:"members"`
	Refusals int       `json:"refusals"`
}

// Counts sum up the deletes of the commit that an entry closes, and what the
// worker that closed it has spent on the group since the entry before that, or
// since it began. What a worker before it spent that died is not known.
type Counts struct {
	ObjectsDeleted int64 `json:"objects_deleted"`
	ObjectsGone    int64 `json:"objects_gone"` // deleted before, by an earlier worker or the application

	Requests     *s3store.Requests `json:"requests,omitempty"`      // each retry counted
	BytesRead    int64             `json:"bytes_read,omitempty"`    // of the bodies of answers
	BytesWritten int64             `json:"bytes_written,omitempty"` // of the bodies of requests
	Seconds      float64           `json:"seconds,omitempty"`
}

// The forms of outputs beside that of members one behind another.
const (
	// SingleGzip is the form of an output that is one gzip member, made of its
	// members' deflate data as it is.
	SingleGzip = "single"
	// Recompressed is the form of an output whose text was compressed anew: it
	// holds the content of its members, not their stored bytes. Their offsets and
	// lengths are those in its text.
	Recompressed = "recompressed"
)

// PlainText is the encoding of a member that was stored as text.
const PlainText = "plain"

// Output is an object made of members. It is a multipart upload until the
// commit that names it is followed by its completion.
type Output struct {
	Type     string `json:"type"`   // "output"
	Index    int    `json:"output"` // place among the entry's outputs, from 0, by which members name it
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	Size     int64  `json:"size"`      // bytes
	CRC64    string `json:"crc64nvme"` // base64, of the full object
	UploadID string `json:"upload_id"`
	// Commit is set where a later commit names the output of an earlier one again:
	// the number of the entry that holds all of its members. The members of the
	// later one are originals that are there beside the output.
	Commit int `json:"commit,omitempty"`

	Gzip string `json:"gzip,omitempty"` // SingleGzip, Recompressed, or "": the members as they are, one behind another

	Parts      []s3store.Part     `json:"parts"`
	Attributes s3store.Attributes `json:"attributes"`

	Members           int    `json:"members"`
	UncompressedBytes int64  `json:"uncompressed_bytes"`
	CRC32             uint32 `json:"crc32"` // of the uncompressed bytes
}

// Member is one original inside an output, or an earlier output of the same
// group, whole, when Commit is set: it was absorbed, and its own members are
// those of that entry, behind one another from Offset on.
type Member struct {
	Type      string `json:"type"`   // "member"
	Output    int    `json:"output"` // index among the entry's outputs, from 0
	Key       string `json:"key"`
	Bucket    string `json:"bucket,omitempty"` // of an absorbed output; "": that of the entry's header
	Commit    int    `json:"commit,omitempty"` // of an absorbed output: number of the entry with its members
	ETag      string `json:"etag"`
	VersionID string `json:"version_id,omitempty"`
	Size      int64  `json:"size"`      // stored bytes
	Offset    int64  `json:"offset"`    // of its first byte in the output; in the text of a recompressed one
	CRC64     string `json:"crc64nvme"` // base64, of the stored bytes
	Newline   bool   `json:"newline,omitempty"`
	// Newline: a gzip member of 21 bytes that holds "\n" follows it, which is no part of Size.

	// Of a member of an output of one gzip member: what the output does not hold
	// of it, and the checksum of its range of the output.
	Pieces     singlegzip.Pieces `json:"pieces,omitempty"`
	RangeCRC64 string            `json:"range_crc64nvme,omitempty"`

	// Encoding is PlainText, or "": gzip. The output holds a plain member as
	// gzip of PackedBytes, whose checksum is RangeCRC64; a recompressed output has
	// no such range of it.
	Encoding    string `json:"encoding,omitempty"`
	PackedBytes int64  `json:"packed_bytes,omitempty"`

	UncompressedBytes int64              `json:"uncompressed_bytes"`
	CRC32             uint32             `json:"crc32"`
	LastModified      time.Time          `json:"last_modified"`
	Attributes        s3store.Attributes `json:"attributes"`
}

// Absorbed says whether the member is an earlier output, not an original.
func (m *Member) Absorbed() bool { return m.Commit > 0 }

// RangeBytes is how many bytes of the output are the member's, without a newline
// behind it. Of a recompressed output no bytes are a member's.
func (m *Member) RangeBytes() int64 {
	switch {
	case m.Pieces != nil:
		return m.Pieces.JoinedBytes()
	case m.PackedBytes > 0:
		return m.PackedBytes
	}
	return m.Size
}

// check says whether the record of a member that an output does not hold as it was can be one.
func (m *Member) check() error {
	switch {
	case m.Encoding != "" && m.Encoding != PlainText:
		return fmt.Errorf("member %s: encoding %q; this s3compact knows %q: use a newer one", m.Key, m.Encoding, PlainText)
	case m.PackedBytes < 0 || m.PackedBytes > 0 && (m.Encoding != PlainText || m.Pieces != nil):
		return fmt.Errorf("member %s: %d packed bytes of what was not packed", m.Key, m.PackedBytes)
	case m.Encoding == PlainText && m.UncompressedBytes != m.Size:
		return fmt.Errorf("member %s: plain text of %d bytes in %d", m.Key, m.UncompressedBytes, m.Size)
	case m.Pieces == nil:
		return nil
	}
	if err := m.Pieces.Check(); err != nil {
		return fmt.Errorf("member %s: %w", m.Key, err)
	}
	if n := m.Pieces.OriginalBytes(); n != m.Size {
		return fmt.Errorf("member %s: its pieces are of %d bytes, not %d", m.Key, n, m.Size)
	}
	return nil
}

// OutputRef names a finished output.
type OutputRef struct {
	Type   string `json:"type"` // "live", "dead", "taken_apart" or "absorbed"
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Size   int64  `json:"size"`
	ETag   string `json:"etag"`
	CRC64  string `json:"crc64nvme"`
	Commit int    `json:"commit"` // number of the entry with its members
}

// Refusal is an object that would be joined but must not be: it stays as it is.
type Refusal struct {
	Type    string `json:"type"` // "refused" or "changed"
	Key     string `json:"key"`
	ETag    string `json:"etag"`
	Reason  string `json:"reason"` // stable word
	Detail  string `json:"detail,omitempty"`
	Content string `json:"content,omitempty"` // the rule under which it was refused, where it depends on it
}

// Free says whether a new attempt may start behind the entry. A void entry has
// to be compared with what is there first, once it has settled.
func (h *Header) Free() bool { return h.Kind == Done }
