package validate

import "hash/crc32"

// NewlineMember is a gzip member of 21 bytes that holds "\n": no name, modification time 0, operating system 255
// (unknown), one final deflate block with fixed codes. It separates joined objects of which the first does not end its
// last line. Not to be changed.
var NewlineMember = []byte{
	0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, // header
	0xe3, 0x02, 0x00, // deflate data
	0x93, 0x06, 0xd7, 0x32, // CRC-32
	1, 0, 0, 0, // ISIZE
}

var newline = []byte{'\n'}

// Joined is the proof of an output, added up from the proofs of the members joined in it, in their order. The output's
// bytes are not needed: its CRCs are combined. The zero value is an output without bytes.
type Joined struct {
	SizeBytes         int64  // stored
	CRC64             uint64 // CRC-64/NVME of the stored bytes
	UncompressedBytes int64
	CRC32             uint32 // IEEE CRC-32 of the uncompressed bytes
}

// Add appends a proven object. Only its sizes and CRCs count, so it may be put together from a record of an earlier proof.
func (j *Joined) Add(g Gzip) {
	j.SizeBytes += g.SizeBytes
	j.CRC64 = CombineCRC64(j.CRC64, g.CRC64, g.SizeBytes)
	j.UncompressedBytes += g.UncompressedBytes
	j.CRC32 = CombineCRC32(j.CRC32, g.CRC32, g.UncompressedBytes)
}

// AddNewline appends a [NewlineMember].
func (j *Joined) AddNewline() {
	j.SizeBytes += int64(len(NewlineMember))
	j.CRC64 = CRC64Update(j.CRC64, NewlineMember)
	j.UncompressedBytes++
	j.CRC32 = crc32.Update(j.CRC32, crc32.IEEETable, newline)
}
