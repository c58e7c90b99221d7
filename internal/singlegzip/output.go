package singlegzip

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/s3compact/s3compact/validate"
)

// The bytes of an output around its originals. Not to be changed: receipts do not repeat them.
var (
	// outputHeader has no name, modification time 0 and operating system 255 (unknown).
	outputHeader = [minHeaderBytes]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	// newlineBlock is a stored block of one byte, on whole bytes.
	newlineBlock = [...]byte{0, 1, 0, 0xfe, 0xff, '\n'}
	// finalBlock is a final block with fixed codes that holds nothing, and padding.
	finalBlock = [...]byte{0x03, 0}
)

// Sizes in an output, in bytes.
const (
	BeginBytes   = len(outputHeader)              // of what Begin returns: the offset of the first original
	NewlineBytes = len(newlineBlock)              // of what AddNewline returns
	FinishBytes  = len(finalBlock) + trailerBytes // of what Finish returns
)

// Begin is what an output begins with, counted in out, the proof of the output so far.
func Begin(out *validate.Joined) []byte {
	return add(out, outputHeader[:], 0, 0)
}

// AddNewline is what separates an original that does not end its last line ([validate.Gzip.NeedsNewline]) from the next
// one, counted in out.
func AddNewline(out *validate.Joined) []byte {
	return add(out, newlineBlock[:], 1, crc32.ChecksumIEEE([]byte{'\n'}))
}

// Finish is what an output ends with, counted in out, which holds the CRC-32 and the length for the trailer.
func Finish(out *validate.Joined) []byte {
	return add(out, ending(out.CRC32, out.UncompressedBytes), 0, 0)
}

// Inner is the proof of what lies in an output between what Begin and Finish made, from the output's proof alone. These bytes,
// from BeginBytes up to FinishBytes before the end, may be copied into another output as they are: they end on a whole byte,
// no block in them is the last one, and an original at some offset of the one lies in the other as far behind their beginning
// as it did there, with the same pieces. The error says that out is no output's.
func Inner(out validate.Joined) (validate.Gzip, error) {
	end := ending(out.CRC32, out.UncompressedBytes)
	size := out.SizeBytes - int64(BeginBytes+FinishBytes)
	if size < 0 {
		return validate.Gzip{}, fmt.Errorf("an output of one gzip member has no fewer than %d bytes, not %d", BeginBytes+FinishBytes, out.SizeBytes)
	}
	crc := validate.UncombineCRC64(out.CRC64, validate.CRC64(end), int64(FinishBytes))
	crc ^= validate.CombineCRC64(validate.CRC64(outputHeader[:]), 0, size) // the header in front
	return validate.Gzip{SizeBytes: size, CRC64: crc, UncompressedBytes: out.UncompressedBytes, CRC32: out.CRC32}, nil
}

func ending(crc uint32, uncompressedBytes int64) []byte {
	b := binary.LittleEndian.AppendUint32(finalBlock[:len(finalBlock):len(finalBlock)], crc)
	return binary.LittleEndian.AppendUint32(b, uint32(uncompressedBytes)) // ISIZE is modulo 2^32
}

// add counts bytes of an output that hold uncompressed bytes.
func add(out *validate.Joined, b []byte, uncompressedBytes int64, crc uint32) []byte {
	out.Add(validate.Gzip{SizeBytes: int64(len(b)), CRC64: validate.CRC64(b), UncompressedBytes: uncompressedBytes, CRC32: crc})
	return b
}
