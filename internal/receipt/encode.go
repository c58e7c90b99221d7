package receipt

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// ErrFormat is wrapped when an entry can't be read: damaged, or of a newer format.
var ErrFormat = errors.New("unreadable log entry")

// maxLineBytes bounds the memory for one line of an entry. The longest is an
// output's: 10,000 parts of about 90 bytes.
const maxLineBytes = 4 << 20

// Encode writes the entry as gzip JSON lines: the header, outputs, members,
// refusals, and outputs that are named only.
func (e *Entry) Encode() ([]byte, error) {
	e.Header.Type, e.Header.Version = "entry", FormatVersion
	e.Header.Outputs, e.Header.Members = len(e.Outputs), len(e.Members)
	e.Header.Refusals = len(e.Refused) + len(e.Changed)
	var buf bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	enc := json.NewEncoder(zw)
	enc.SetEscapeHTML(false)
	for i := range e.Outputs {
		e.Outputs[i].Index = i
	}
	if err := enc.Encode(&e.Header); err != nil {
		return nil, err
	}
	err := errors.Join(
		encodeAll(enc, e.Outputs, func(o *Output) { o.Type = "output" }),
		encodeAll(enc, e.Members, func(m *Member) { m.Type = "member" }),
		encodeAll(enc, e.Refused, func(r *Refusal) { r.Type = "refused" }),
		encodeAll(enc, e.Changed, func(r *Refusal) { r.Type = "changed" }),
		encodeAll(enc, e.Live, func(r *OutputRef) { r.Type = "live" }),
		encodeAll(enc, e.Dead, func(r *OutputRef) { r.Type = "dead" }),
		encodeAll(enc, e.TakenApart, func(r *OutputRef) { r.Type = "taken_apart" }),
		encodeAll(enc, e.Absorbed, func(r *OutputRef) { r.Type = "absorbed" }),
		zw.Close(),
	)
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func encodeAll[T any](enc *json.Encoder, lines []T, mark func(*T)) error {
	for i := range lines {
		mark(&lines[i])
		if err := enc.Encode(&lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// Decode reads an entry and checks that no line is missing.
func Decode(r io.Reader) (*Entry, error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	sc := bufio.NewScanner(zr)
	sc.Buffer(make([]byte, 64<<10), maxLineBytes)
	e := &Entry{}
	for n := 1; sc.Scan(); n++ {
		if err := e.addLine(n, sc.Bytes()); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if e.Header.Type == "" || len(e.Outputs) != e.Header.Outputs || len(e.Members) != e.Header.Members || len(e.Refused)+len(e.Changed) != e.Header.Refusals {
		return nil, fmt.Errorf("%w: lines are missing", ErrFormat)
	}
	return e, nil
}

// DecodeHeader reads an entry's first line; r may end behind it.
func DecodeHeader(r io.Reader) (*Header, error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	line, err := bufio.NewReader(zr).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	e := &Entry{}
	if err := e.addLine(1, line); err != nil {
		return nil, fmt.Errorf("%w: line 1: %w", ErrFormat, err)
	}
	return &e.Header, nil
}

// DecodeOutputs reads an entry as far as its outputs, which come before the
// members: the entry that it returns has nothing else.
func DecodeOutputs(r io.Reader) (*Entry, error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	sc := bufio.NewScanner(zr)
	sc.Buffer(make([]byte, 64<<10), maxLineBytes)
	e := &Entry{}
	for n := 1; n == 1 || n <= 1+e.Header.Outputs; n++ {
		if !sc.Scan() {
			return nil, errors.Join(fmt.Errorf("%w: lines are missing", ErrFormat), sc.Err())
		}
		if err := e.addLine(n, sc.Bytes()); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
	}
	if len(e.Outputs) != e.Header.Outputs {
		return nil, fmt.Errorf("%w: its outputs do not come first", ErrFormat)
	}
	return e, nil
}

func (e *Entry) addLine(n int, line []byte) error {
	var kind struct {
		Type    string `json:"type"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return err
	}
	switch {
	case n == 1 && kind.Type != "entry":
		return fmt.Errorf("type %q instead of a header", kind.Type)
	case n == 1 && kind.Version != FormatVersion:
		return fmt.Errorf("format version %d; this s3compact reads %d: use a newer one", kind.Version, FormatVersion)
	case n == 1:
		return json.Unmarshal(line, &e.Header)
	}
	switch kind.Type {
	case "output":
		return appendLine(&e.Outputs, line)
	case "member":
		if err := appendLine(&e.Members, line); err != nil {
			return err
		}
		return e.Members[len(e.Members)-1].check()
	case "refused":
		return appendLine(&e.Refused, line)
	case "changed":
		return appendLine(&e.Changed, line)
	case "live":
		return appendLine(&e.Live, line)
	case "dead":
		return appendLine(&e.Dead, line)
	case "taken_apart":
		return appendLine(&e.TakenApart, line)
	case "absorbed":
		return appendLine(&e.Absorbed, line)
	}
	return fmt.Errorf("unknown type %q", kind.Type)
}

func appendLine[T any](to *[]T, line []byte) error {
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		return err
	}
	*to = append(*to, v)
	return nil
}
