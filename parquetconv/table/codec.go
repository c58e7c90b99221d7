package table

import (
	"encoding/binary"
	"errors"
)

// Vectors in the spill file, which only the process that writes it reads: a
// header of headerBytes, then what the vector has of valid, fixed, offsets (from
// 0 on) and data, each padded so that all are aligned, then its children.
const headerBytes = 24

var errSpill = errors.New("the rows in the temporary file are not as they were written")

// appendVector appends the vector's bytes. dst must be aligned.
func appendVector(dst []byte, l *layout, v *vector) []byte {
	var header [headerBytes]byte
	offsets := v.offsets
	binary.LittleEndian.PutUint32(header[0:], uint32(v.n))
	binary.LittleEndian.PutUint32(header[4:], uint32(len(offsets)))
	binary.LittleEndian.PutUint32(header[8:], v.base)
	header[16] = byte(v.coded)
	if v.valid != nil {
		header[17] = 1
	}
	var data []byte
	if len(offsets) > 0 && l.kind == text {
		data = v.data[offsets[0]:offsets[len(offsets)-1]]
	}
	binary.LittleEndian.PutUint32(header[12:], uint32(len(data)))
	dst = append(dst, header[:]...)
	dst = appendPadded(dst, v.valid)
	dst = appendPadded(dst, v.fixed)
	start := len(dst)
	dst = appendPadded(dst, asBytes(offsets))
	if len(offsets) > 0 && offsets[0] != 0 {
		moved := as[int32](dst[start : start+4*len(offsets)])
		for i := range moved {
			moved[i] -= offsets[0]
		}
	}
	dst = appendPadded(dst, data)
	for i := range v.children {
		child := v.children[i]
		if l.kind == list {
			child = child.slice(&l.children[0], int(offsets[0]), int(offsets[v.n]))
		}
		dst = appendVector(dst, &l.children[i], &child)
	}
	return dst
}

func appendPadded(dst, b []byte) []byte {
	dst = append(dst, b...)
	var zeros [maxAlign]byte
	return append(dst, zeros[:padding(len(b))]...)
}

func padding(n int) int { return -n & (maxAlign - 1) }

// readVector makes a view of the vector that b begins with; rest is behind it.
func readVector(b []byte, l *layout) (v vector, rest []byte, err error) {
	if len(b) < headerBytes {
		return v, nil, errSpill
	}
	v.n = int(binary.LittleEndian.Uint32(b[0:]))
	offsets := int(binary.LittleEndian.Uint32(b[4:]))
	v.base = binary.LittleEndian.Uint32(b[8:])
	data := int(binary.LittleEndian.Uint32(b[12:]))
	v.coded = int(b[16])
	hasValid := b[17] == 1
	rest = b[headerBytes:]
	next := func(n int) []byte {
		if err != nil || len(rest) < n+padding(n) {
			err = errSpill
			return nil
		}
		out := rest[:n:n]
		rest = rest[n+padding(n):]
		return out
	}
	if hasValid {
		v.valid = next(v.n)
	}
	v.fixed = next(v.n * v.fixedWidth(l))
	v.offsets = as[int32](next(4 * offsets))
	v.data = next(data)
	if err != nil {
		return v, nil, err
	}
	for i := range l.children {
		var child vector
		if child, rest, err = readVector(rest, &l.children[i]); err != nil {
			return v, nil, err
		}
		v.children = append(v.children, child)
	}
	return v, rest, nil
}
