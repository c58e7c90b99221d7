package demodata

import (
	"bytes"
	"fmt"
	"time"
)

// Kind is what an object is: good, broken, or nothing to be joined at all.
type Kind int

// The kinds.
const (
	Plain          Kind = iota // one gzip member of whole lines
	NoFinalNewline             // as Plain, but the last line has no newline
	TwoMembers                 // two gzip members, cut within a line

	Truncated     // ends in the middle of its member
	TrailingBytes // bytes that are no gzip member after the last one
	BadCRC        // the trailer's CRC-32 is not that of the content
	BadLength     // the trailer's length is not that of the content
	NotGzip       // an HTML page under a name that ends .gz

	Empty        // zero bytes
	FolderMarker // zero bytes, the key is the directory with its slash
	Success      // a job's _SUCCESS marker
)

// Broken are the kinds that must be refused.
var Broken = []Kind{Truncated, TrailingBytes, BadCRC, BadLength, NotGzip}

// LeftAlone are the kinds that are no data: neither joined nor refused.
var LeftAlone = []Kind{Empty, FolderMarker, Success}

var kindNames = [...]string{
	"plain", "no_final_newline", "two_members",
	"truncated", "trailing_bytes", "bad_crc", "bad_length", "not_gzip",
	"empty", "folder_marker", "success",
}

// String is the kind's name. That of a broken kind is the reason for which it
// must be refused.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the kind's name.
func (k *Kind) UnmarshalText(b []byte) error {
	for i, name := range kindNames {
		if name == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("demo data: no kind of object is named %q", b)
}

// Good says whether the object holds records that can be read.
func (k Kind) Good() bool { return k <= TwoMembers }

// Reason is the word for why the object must be refused, "" where it must not be.
func (k Kind) Reason() string {
	if k >= Truncated && k <= NotGzip {
		return k.String()
	}
	return ""
}

// key is the object's key: the application's directory, and a name made of the
// time of the first record and a number.
func (k Kind) key(appID int, start time.Time, number int) string {
	switch k {
	case FolderMarker:
		return fmt.Sprintf("%d/", appID)
	case Success:
		return fmt.Sprintf("%d/_SUCCESS", appID)
	}
	return fmt.Sprintf("%d/edge-%s-%04d.json.gz", appID, start.UTC().Format("2006-01-02T15-04-05"), number)
}

const htmlPage = `<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>edge</center></body></html>
`

const trailingGarbage = "\x00\x00-- end of spool --\n"

// gzipTrailerBytes is the length of a member's trailer: CRC-32, then ISIZE (RFC 1952).
const gzipTrailerBytes = 8

// damage makes of a good object's bytes those of a broken one. It may change
// the bytes it is given.
func (k Kind) damage(body []byte) []byte {
	trailer := len(body) - gzipTrailerBytes
	switch k {
	case Truncated:
		return body[:len(body)*3/5]
	case TrailingBytes:
		return append(body, trailingGarbage...)
	case BadCRC:
		body[trailer+1] ^= 0x40
	case BadLength:
		body[trailer+4] ^= 0x01
	case NotGzip:
		return bytes.Clone([]byte(htmlPage))
	case Empty, FolderMarker, Success:
		return nil
	}
	return body
}
