package s3store

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// listAnswer is the body of a ListObjectsV2 answer.
type listAnswer struct {
	page      Page
	truncated bool
	token     string // where the next page begins
}

// listParser has the memory that reading an answer takes, to be used again.
type listParser struct {
	body               bytes.Buffer
	contents, prefixes []rawObject
	texts              []byte
}

// parse reads the body of a ListObjectsV2 answer. encoding/xml, which the
// SDK reads it with, takes 18 ms of CPU for a page of 1,000 keys, as long as S3
// takes to send it; a parallel listing would spend its time there. What is read
// is the XML that answers of S3 consist of: elements, character data, entities
// and CDATA, without document types. Anything else is an error.
// API: ListObjectsV2, "Response Syntax".
func (p *listParser) parse(body []byte) (*listAnswer, error) {
	x := xmlScanner{b: body, texts: p.texts[:0]}
	defer func() { p.texts = x.texts }()
	p.contents, p.prefixes = p.contents[:0], p.prefixes[:0]
	a := &listAnswer{}
	root, empty, err := x.root()
	if err != nil {
		return nil, err
	}
	if string(root) != "ListBucketResult" {
		return nil, fmt.Errorf("the answer is a %.60q, not a ListBucketResult", root)
	}
	if empty {
		return a, x.end()
	}
	encoded := false
	for {
		name, empty, err := x.child(root)
		if err != nil {
			return nil, err
		}
		if name == nil {
			break
		}
		if empty {
			continue
		}
		switch string(name) {
		case "Contents", "CommonPrefixes":
			var o rawObject
			if err := o.read(&x, name); err != nil {
				return nil, err
			}
			if string(name) == "Contents" {
				p.contents = append(p.contents, o)
			} else {
				p.prefixes = append(p.prefixes, o)
			}
		case "IsTruncated":
			v, err := x.text(name)
			if err != nil {
				return nil, err
			}
			if a.truncated, err = strconv.ParseBool(string(bytes.TrimSpace(v))); err != nil {
				return nil, fmt.Errorf("IsTruncated is %.60q, neither true nor false", v)
			}
		case "NextContinuationToken":
			v, err := x.text(name)
			if err != nil {
				return nil, err
			}
			a.token = string(v)
		case "EncodingType":
			v, err := x.text(name)
			if err != nil {
				return nil, err
			}
			encoded = string(v) == "url"
		default:
			if err := x.skip(name); err != nil {
				return nil, err
			}
		}
	}
	a.page.More = a.truncated
	return a, errors.Join(a.decode(p.contents, p.prefixes, encoded), x.end())
}

// decode makes the page of what was read: only now the encoding is known.
func (a *listAnswer) decode(contents, prefixes []rawObject, encoded bool) error {
	var times listTimes
	a.page.Objects = make([]Object, len(contents))
	for i := range contents {
		c, o := &contents[i], &a.page.Objects[i]
		var err error
		if o.Key, err = decodeKey(encoded, string(c.key)); err != nil {
			return err
		}
		if o.Key == "" {
			return fmt.Errorf("entry %d of the listing has no key", i)
		}
		if o.SizeBytes, err = strconv.ParseInt(string(c.size), 10, 64); err != nil {
			return fmt.Errorf("the size of %q is %.60q, no number of bytes", o.Key, c.size)
		}
		if o.LastModified, err = times.parse(c.modified); err != nil {
			return fmt.Errorf("%q was last modified at %.60q, no time of RFC 3339", o.Key, c.modified)
		}
		o.ETag = string(bytes.Trim(c.etag, `"`))
		if i > 0 && bytes.Equal(c.class, contents[i-1].class) {
			o.StorageClass = a.page.Objects[i-1].StorageClass // one string for all
		} else {
			o.StorageClass = storageClass(string(c.class))
		}
	}
	for _, p := range prefixes {
		prefix, err := decodeKey(encoded, string(p.prefix))
		if err != nil {
			return err
		}
		a.page.Prefixes = append(a.page.Prefixes, prefix)
	}
	return nil
}

// rawObject holds the texts of a Contents or CommonPrefixes element; they are
// parts of the body where it has no entities.
type rawObject struct{ key, size, modified, etag, class, prefix []byte }

func (o *rawObject) read(x *xmlScanner, element []byte) error {
	for {
		name, empty, err := x.child(element)
		if err != nil || name == nil {
			return err
		}
		var to *[]byte
		switch string(name) {
		case "Key":
			to = &o.key
		case "Size":
			to = &o.size
		case "LastModified":
			to = &o.modified
		case "ETag":
			to = &o.etag
		case "StorageClass":
			to = &o.class
		case "Prefix":
			to = &o.prefix
		}
		switch {
		case empty:
		case to == nil:
			if err := x.skip(name); err != nil {
				return err
			}
		default:
			if *to, err = x.text(name); err != nil {
				return err
			}
		}
	}
}

// listTimes reads times of the form that S3 writes, 2026-10-04T01:02:03.000Z, in
// a few nanoseconds, and any other of RFC 3339 as well.
type listTimes struct {
	day   [len("2026-10-04")]byte // of the time before: neighbours mostly share it
	start time.Time               // of that day
}

func (l *listTimes) parse(b []byte) (time.Time, error) {
	if len(b) == len("2026-10-04T01:02:03.000Z") && b[10] == 'T' && b[13] == ':' && b[16] == ':' && b[19] == '.' && b[23] == 'Z' {
		if string(b[:len(l.day)]) != string(l.day[:]) {
			start, err := time.Parse(time.DateOnly, string(b[:len(l.day)]))
			if err != nil {
				return time.Time{}, err
			}
			l.start = start
			copy(l.day[:], b)
		}
		h, m, s, ms := digits(b[11:13]), digits(b[14:16]), digits(b[17:19]), digits(b[20:23])
		if h < 24 && m < 60 && s < 60 && ms < 1000 {
			return l.start.Add((time.Duration(h)*60+time.Duration(m))*time.Minute + time.Duration(s*1000+ms)*time.Millisecond), nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	return t.UTC(), err
}

// digits is the number that the digits make, or at least 1000 where they are none.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 1000
		}
		n = n*10 + int(c-'0')
	}
	return n
}
