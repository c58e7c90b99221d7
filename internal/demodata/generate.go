package demodata

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// Object is the truth about one object that was made.
type Object struct {
	Key               string   `json:"key"`
	Kind              Kind     `json:"kind"`
	AppID             int      `json:"app_id"`
	SizeBytes         int64    `json:"size"`               // as stored
	UncompressedBytes int64    `json:"uncompressed_bytes"` // of a good object; else 0
	Content           Multiset `json:"content"`            // records of a good object; else none
	BadTimes          int64    `json:"bad_times"`          // of them, those whose "time" is no time
	MD5               string   `json:"md5"`                // of the stored bytes, hex: the ETag of a plain PUT
}

// Manifest is the truth about everything that was made, in key order.
type Manifest struct {
	Objects []Object `json:"objects"`
}

// Totals sums the good objects below a key prefix ("" for all).
type Totals struct {
	Objects   int64
	SizeBytes int64
	Content   Multiset
	BadTimes  int64
}

// Good sums the good objects whose keys begin with prefix.
func (m *Manifest) Good(prefix string) Totals {
	var t Totals
	for i := range m.Objects {
		o := &m.Objects[i]
		if !o.Kind.Good() || !strings.HasPrefix(o.Key, prefix) {
			continue
		}
		t.Objects++
		t.SizeBytes += o.SizeBytes
		t.Content.Merge(o.Content)
		t.BadTimes += o.BadTimes
	}
	return t
}

// Refused are the objects whose keys begin with prefix and that must be
// refused; the reason is their kind's.
func (m *Manifest) Refused(prefix string) []Object {
	var refused []Object
	for _, o := range m.Objects {
		if o.Kind.Reason() != "" && strings.HasPrefix(o.Key, prefix) {
			refused = append(refused, o)
		}
	}
	return refused
}

// Put stores one object. It is called by several workers at once; body is only
// valid until it returns.
type Put func(ctx context.Context, key string, body []byte) error

// Generate makes every object of the spec, hands each to put, and returns the
// truth about them. Memory: one object and its text for each of a few workers.
func (s Spec) Generate(ctx context.Context, put Put) (*Manifest, error) {
	items, err := s.items()
	if err != nil {
		return nil, err
	}
	m := &Manifest{Objects: make([]Object, len(items))}
	// One more than there are processors, so that they work while put waits.
	workers := runtime.GOMAXPROCS(0) + 1
	next := make(chan int)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(next)
		for i := range items {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			var e encoder
			for i := range next {
				object, body, err := e.encode(items[i])
				if err != nil {
					return fmt.Errorf("make %s: %w", items[i].key, err)
				}
				if err := put(ctx, object.Key, body); err != nil {
					return fmt.Errorf("put %s: %w", object.Key, err)
				}
				m.Objects[i] = object
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return m, nil
}

// How much text makes a wanted number of stored bytes: measured over the default
// data, an object of one member takes memberBytes and a share of its text.
const (
	recordBytes = 1060 // a record's mean length, to space the records' times
	memberBytes = 1180
	storedShare = 0.1467
	tinyShare   = 0.3  // of objects of a few records
	lightShare  = 0.69 // of large objects, which are compressed lightly
)

// largeBlock is how much text of a large object is made before it is compressed.
const largeBlock = 1 << 20

// encoder makes objects one after another in memory that it keeps.
type encoder struct {
	text    []byte
	body    bytes.Buffer
	zip     *gzip.Writer
	fastZip *gzip.Writer
}

func (e *encoder) encode(it item) (Object, []byte, error) {
	e.body.Reset()
	o := Object{Key: it.key, Kind: it.kind, AppID: it.appID}
	switch {
	case it.kind >= NotGzip: // no records
	case it.large:
		if err := e.encodeLarge(it, &o); err != nil {
			return o, nil, err
		}
	default:
		if err := e.encodeSmall(it, &o); err != nil {
			return o, nil, err
		}
	}
	body := it.kind.damage(e.body.Bytes())
	if !it.kind.Good() {
		o.Content, o.UncompressedBytes, o.BadTimes = Multiset{}, 0, 0
	}
	o.SizeBytes = int64(len(body))
	sum := md5.Sum(body)
	o.MD5 = hex.EncodeToString(sum[:])
	return o, body, nil
}

// encodeSmall writes an object of one or two members into e.body.
func (e *encoder) encodeSmall(it item, o *Object) error {
	e.text = e.text[:0]
	want := int(max(float64(it.targetBytes-memberBytes)/storedShare, float64(it.targetBytes)/tinyShare))
	w := newLogWriter(it.seed, it.appID, it.start, spacing(it.span, want))
	for len(e.text) < want || len(e.text) == 0 {
		start := len(e.text)
		e.text = w.appendRecord(e.text)
		o.Content.Add(e.text[start:])
		e.text = append(e.text, '\n')
	}
	if it.kind == NoFinalNewline {
		e.text = e.text[:len(e.text)-1]
	}
	o.UncompressedBytes, o.BadTimes = int64(len(e.text)), w.badTimes
	members := [][]byte{e.text}
	if it.kind == TwoMembers { // a writer that was restarted flushed in the middle of a line
		cut := len(e.text) * 2 / 5
		members = [][]byte{e.text[:cut], e.text[cut:]}
	}
	for _, m := range members {
		if err := write(&e.zip, gzip.DefaultCompression, &e.body, m); err != nil {
			return err
		}
	}
	return nil
}

// encodeLarge writes an object of many megabytes into e.body, block by block.
func (e *encoder) encodeLarge(it item, o *Object) error {
	want := int(float64(it.targetBytes) / lightShare)
	w := newLogWriter(it.seed, it.appID, it.start, spacing(it.span, want))
	zip, err := writer(&e.fastZip, gzip.HuffmanOnly, &e.body)
	if err != nil {
		return err
	}
	for o.UncompressedBytes < int64(want) {
		e.text = e.text[:0]
		for len(e.text) < largeBlock {
			start := len(e.text)
			e.text = w.appendRecord(e.text)
			o.Content.Add(e.text[start:])
			e.text = append(e.text, '\n')
		}
		if _, err := zip.Write(e.text); err != nil {
			return err
		}
		o.UncompressedBytes += int64(len(e.text))
	}
	o.BadTimes = w.badTimes
	return zip.Close()
}

// writer is the kept gzip writer, made on first use, set to write to out.
func writer(kept **gzip.Writer, level int, out *bytes.Buffer) (*gzip.Writer, error) {
	if *kept == nil {
		w, err := gzip.NewWriterLevel(out, level)
		if err != nil {
			return nil, err
		}
		*kept = w
	}
	(*kept).Reset(out)
	return *kept, nil
}

func write(kept **gzip.Writer, level int, out *bytes.Buffer, member []byte) error {
	w, err := writer(kept, level, out)
	if err != nil {
		return err
	}
	if _, err := w.Write(member); err != nil {
		return err
	}
	return w.Close()
}

// spacing is the mean time between records that fill a span.
func spacing(span time.Duration, textBytes int) time.Duration {
	return span / time.Duration(textBytes/recordBytes+1)
}
