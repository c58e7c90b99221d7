// Package validate proves stored bytes: that an object is complete gzip down to the CRC-32 and the length of each member,
// what it holds, and that joined objects hold exactly the bytes of their members. It works on bytes and readers and knows
// no network.
//
// The proof of one object is a [Gzip], made by a [Prover]; the proof of an output is a [Joined], added up from the proofs
// of its members without reading the output. What is wrong with an object is a [GzipError] with a stable [Reason].
package validate

// FirstBytes is how much uncompressed data, in bytes, a proof keeps from the beginning of an object for the content rules
// ([CheckContent], [FirstLine]).
const FirstBytes = 64 << 10

// Gzip is the proof of one stored gzip object: what was found when all of it was inflated and every trailer compared.
// The zero value is the proof of no bytes at all.
type Gzip struct {
	Members           int    // gzip members (RFC 1952 section 2.2); at least 1 in a proven object
	SizeBytes         int64  // stored
	CRC64             uint64 // CRC-64/NVME of the stored bytes
	UncompressedBytes int64  // of all members together
	CRC32             uint32 // IEEE CRC-32 of all the uncompressed bytes, combined over the members
	EndsWithNewline   bool   // the last uncompressed byte is '\n'; false where there is none

	// First holds the first FirstBytes of uncompressed data, or all of it where there is less. It belongs to the Prover:
	// valid until the next proof.
	First []byte
}

// NeedsNewline tells whether [NewlineMember] has to follow this object before another one is joined to it, so that its
// last line and the next object's first one stay two. An object without uncompressed bytes needs none.
func (g Gzip) NeedsNewline() bool { return g.UncompressedBytes > 0 && !g.EndsWithNewline }

// HeaderBytes is how much of a gzip member's header, in bytes, a [Member] keeps.
const HeaderBytes = 64 << 10

// Member is one gzip member of an object: where a reader can start, what it will find there, and how the member is made.
type Member struct {
	Offset             int64  // byte of the stored object at which the member's header begins
	SizeBytes          int64  // stored: header, deflate data and trailer
	UncompressedOffset int64  // byte of the object's uncompressed data at which the member's data begins
	UncompressedBytes  int64  // may pass 4 GiB, which the member's own trailer cannot say
	CRC32              uint32 // IEEE CRC-32 of the member's uncompressed data

	// Header holds the header as stored, or its first HeaderBytes where it is longer. It is valid until
	// [Prover.EachMember] returns.
	Header      []byte
	HeaderBytes int64 // stored; the deflate data begins behind them
	DeflateBits int64 // length of the deflate data in bits; what is left of its last byte is padding
	// FinalBit is the bit of the deflate data that marks its last block (BFINAL, RFC 1951 section 3.2.3): bit FinalBit%8,
	// from the lowest, of byte FinalBit/8.
	FinalBit int64
	Padding  byte // what is left of the last byte of the deflate data, shifted down; compressors write 0
}
