package orc

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a protocol buffers message. The messages of an ORC file are few and small, so they are decoded by
// hand from their wire format.
type field struct {
	number protowire.Number
	wire   protowire.Type
	varint uint64 // when wire is VarintType
	bytes  []byte // when wire is BytesType; memory of the message
}

// walk calls visit for each field of message in order. Fields of types that no ORC message uses here are skipped.
func walk(message []byte, visit func(field) error) error {
	for len(message) > 0 {
		number, wire, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		f := field{number: number, wire: wire}
		switch wire {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, wire, message)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if wire != protowire.VarintType && wire != protowire.BytesType {
			continue
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

var errWireType = errors.New("unexpected wire type")

// uint sets dst to the field's number, which must not exceed limit.
func (f field) uint(dst *uint64, limit uint64) error {
	if f.wire != protowire.VarintType {
		return fmt.Errorf("field %d: %w", f.number, errWireType)
	}
	if f.varint > limit {
		return fmt.Errorf("field %d: %d exceeds %d", f.number, f.varint, limit)
	}
	*dst = f.varint
	return nil
}

// int sets dst to the field's number, which must not exceed limit.
func (f field) int(dst *int, limit uint64) error {
	var v uint64
	if err := f.uint(&v, limit); err != nil {
		return err
	}
	*dst = int(v)
	return nil
}

// int64 sets dst to the field's number, which must fit.
func (f field) int64(dst *int64) error {
	var v uint64
	if err := f.uint(&v, math.MaxInt64); err != nil {
		return err
	}
	*dst = int64(v)
	return nil
}

// message returns the bytes of a submessage, string or bytes field.
func (f field) message() ([]byte, error) {
	if f.wire != protowire.BytesType {
		return nil, fmt.Errorf("field %d: %w", f.number, errWireType)
	}
	return f.bytes, nil
}

// repeated calls visit for each number of a repeated field, packed or not.
func (f field) repeated(visit func(uint64) error) error {
	if f.wire == protowire.VarintType {
		return visit(f.varint)
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := visit(v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
