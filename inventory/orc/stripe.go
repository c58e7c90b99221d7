package orc

import (
	"fmt"
	"math"
)

// streamKind is what a stream of a stripe holds (specification, "Stripe Footer").
type streamKind int

const (
	streamPresent        streamKind = 0
	streamData           streamKind = 1
	streamLength         streamKind = 2
	streamDictionaryData streamKind = 3
	streamSecondary      streamKind = 5
	// streamKinds is one more than the largest kind that holds data; the others are indexes, or of no use any more.
	streamKinds               = 6
	streamRowIndex streamKind = 6
)

func (k streamKind) String() string {
	switch k {
	case streamPresent:
		return "PRESENT"
	case streamData:
		return "DATA"
	case streamLength:
		return "LENGTH"
	case streamDictionaryData:
		return "DICTIONARY_DATA"
	case streamSecondary:
		return "SECONDARY"
	case streamRowIndex:
		return "ROW_INDEX"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// streamInfo is one entry of a stripe footer. Streams lie one behind the other from the start of the stripe.
type streamInfo struct {
	kind        streamKind
	column      int // type id
	offsetBytes int64
	sizeBytes   int64
}

// encodingKind is how a column is encoded in a stripe (specification, "Stripe Footer").
type encodingKind int

const (
	encodingDirect encodingKind = iota
	encodingDictionary
	encodingDirectV2
	encodingDictionaryV2
)

func (k encodingKind) v2() bool {
	return k == encodingDirectV2 || k == encodingDictionaryV2
}

func (k encodingKind) dictionary() bool {
	return k == encodingDictionary || k == encodingDictionaryV2
}

type encoding struct {
	kind           encodingKind
	dictionarySize int
}

// stripeFooter says where the streams of a stripe are and how its columns are encoded.
type stripeFooter struct {
	streams        []streamInfo
	encodings      []encoding // by type id
	writerTimezone string
}

// parse decodes the footer of the stripe s of a file with the given number of types.
func (sf *stripeFooter) parse(b []byte, s StripeInfo, types int) error {
	sf.streams, sf.encodings, sf.writerTimezone = sf.streams[:0], sf.encodings[:0], ""
	offset, rest := s.OffsetBytes, s.IndexBytes+s.DataBytes
	err := walk(b, func(f field) error {
		if f.number > 3 {
			return nil
		}
		m, err := f.message()
		if err != nil {
			return err
		}
		switch f.number {
		case 1:
			st, err := parseStream(m)
			if err != nil {
				return fmt.Errorf("stream %d: %w", len(sf.streams), err)
			}
			if st.column >= types {
				return fmt.Errorf("stream %d belongs to column %d of %d", len(sf.streams), st.column, types)
			}
			if st.sizeBytes > rest {
				return fmt.Errorf("the streams are longer than the stripe's %d bytes", s.IndexBytes+s.DataBytes)
			}
			st.offsetBytes = offset
			offset += st.sizeBytes
			rest -= st.sizeBytes
			sf.streams = append(sf.streams, st)
		case 2:
			e, err := parseEncoding(m)
			if err != nil {
				return fmt.Errorf("encoding of column %d: %w", len(sf.encodings), err)
			}
			sf.encodings = append(sf.encodings, e)
		case 3:
			sf.writerTimezone = string(m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if rest != 0 {
		return fmt.Errorf("the streams are %d bytes shorter than the stripe", rest)
	}
	if len(sf.encodings) != types {
		return fmt.Errorf("it has encodings for %d columns, the file has %d", len(sf.encodings), types)
	}
	return nil
}

func parseStream(b []byte) (streamInfo, error) {
	var st streamInfo
	err := walk(b, func(f field) error {
		switch f.number {
		case 1:
			var kind int
			err := f.int(&kind, math.MaxInt32)
			st.kind = streamKind(kind)
			return err
		case 2:
			return f.int(&st.column, math.MaxInt32)
		case 3:
			return f.int64(&st.sizeBytes)
		}
		return nil
	})
	return st, err
}

func parseEncoding(b []byte) (encoding, error) {
	var e encoding
	err := walk(b, func(f field) error {
		switch f.number {
		case 1:
			var kind int
			err := f.int(&kind, uint64(encodingDictionaryV2))
			e.kind = encodingKind(kind)
			return err
		case 2:
			return f.int(&e.dictionarySize, math.MaxInt32)
		}
		return nil
	})
	return e, err
}
