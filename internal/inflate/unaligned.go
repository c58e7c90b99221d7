package inflate

import (
	"encoding/binary"
	"unsafe"
)

// Each of these is one instruction where the processor takes unaligned addresses.

func load64(p unsafe.Pointer) uint64 { return binary.LittleEndian.Uint64((*[8]byte)(p)[:]) }

func store64(p unsafe.Pointer, v uint64) { binary.LittleEndian.PutUint64((*[8]byte)(p)[:], v) }

func store16(p unsafe.Pointer, v uint16) { binary.LittleEndian.PutUint16((*[2]byte)(p)[:], v) }

func copy16(to, from unsafe.Pointer) { *(*[16]byte)(to) = *(*[16]byte)(from) }
