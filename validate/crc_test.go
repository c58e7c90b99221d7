package validate

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// The check value of CRC-64/NVME (NVM Express NVM Command Set Specification, section 5.2.1.3.4): the CRC of "123456789".
const checkCRC64 = 0xae8b14860a799888

func TestCRC64IsNVME(t *testing.T) {
	b := []byte("123456789")
	if got := CRC64(b); got != checkCRC64 {
		t.Errorf("CRC64(%q) = %#x, want %#x", b, got, uint64(checkCRC64))
	}
	if got := CRC64Update(CRC64(b[:4]), b[4:]); got != checkCRC64 {
		t.Errorf("CRC64Update over a split of %q = %#x, want %#x", b, got, uint64(checkCRC64))
	}
}

func TestEncodeCRC64(t *testing.T) {
	for _, tt := range []struct {
		crc  uint64
		want string
	}{
		{0, "AAAAAAAAAAA="},
		{1, "AAAAAAAAAAE="},
		{checkCRC64, "rosUhgp5mIg="},
		{^uint64(0), "//////////8="},
	} {
		if got := EncodeCRC64(tt.crc); got != tt.want {
			t.Errorf("EncodeCRC64(%#x) = %q, want %q", tt.crc, got, tt.want)
		}
		if got, err := DecodeCRC64(tt.want); err != nil || got != tt.crc {
			t.Errorf("DecodeCRC64(%q) = %#x, %v, want %#x", tt.want, got, err, tt.crc)
		}
	}
}

func TestDecodeCRC64Refuses(t *testing.T) {
	for name, s := range map[string]string{
		"empty":                 "",
		"no padding":            "rosUhgp5mIg",
		"checksum of checksums": "rosUhgp5mIg=-3",
		"CRC-32":                "y/Q5Jg==",
		"nine bytes":            "AAAAAAAAAAAA",
		"line break":            "rosUhgp5mIg=\n",
		"line break inside":     "rosUhgp5mI\n=",
		"left-over bits":        "rosUhgp5mIh=",
		"hexadecimal":           "ae8b14860a799888",
		"other alphabet":        "__________8=",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := DecodeCRC64(s); err == nil {
				t.Errorf("DecodeCRC64(%q) = %#x, want an error", s, got)
			}
		})
	}
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// checkCombination compares the combination of the CRCs of a and b with the CRC of a followed by b.
func checkCombination(t testing.TB, a, b []byte) {
	t.Helper()
	joined := append(append([]byte{}, a...), b...)
	if got, want := CombineCRC64(CRC64(a), CRC64(b), int64(len(b))), CRC64(joined); got != want {
		t.Errorf("CombineCRC64 of %d and %d bytes = %#x, want %#x", len(a), len(b), got, want)
	}
	if got, want := UncombineCRC64(CRC64(joined), CRC64(b), int64(len(b))), CRC64(a); got != want {
		t.Errorf("UncombineCRC64 of %d and %d bytes = %#x, want %#x", len(a), len(b), got, want)
	}
	got, want := CombineCRC32(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), int64(len(b))), crc32.ChecksumIEEE(joined)
	if got != want {
		t.Errorf("CombineCRC32 of %d and %d bytes = %#x, want %#x", len(a), len(b), got, want)
	}
}

func TestCombineSplits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	data := randomBytes(rng, 300_000)
	for split := range 300 { // every length up to 300 behind and before the split, none included
		checkCombination(t, data[:split], data[split:300])
	}
	for range 200 {
		end := rng.IntN(len(data) + 1)
		split := rng.IntN(end + 1)
		checkCombination(t, data[:split], data[split:end])
	}
}

// Lengths that cannot be held in memory: runs of zero bytes, doubled from one whose CRC was computed directly. Appending a
// run twice must be the same as appending the run of twice the length.
func TestCombineHugeLengths(t *testing.T) {
	const directBits = 20
	zeros := make([]byte, 1<<directBits)
	run64, run32 := CRC64(zeros), crc32.ChecksumIEEE(zeros)
	head := []byte("some bytes before")
	head64, head32 := CRC64(head), crc32.ChecksumIEEE(head)
	checkCombination(t, head, zeros)
	for k := directBits; k < 62; k++ {
		n := int64(1) << k
		double64, double32 := CombineCRC64(run64, run64, n), CombineCRC32(run32, run32, n)
		if k == directBits {
			direct := bytes.Repeat(zeros, 2)
			if double64 != CRC64(direct) || double32 != crc32.ChecksumIEEE(direct) {
				t.Fatalf("combination of two runs of %d zero bytes is not the CRC of %d", n, 2*n)
			}
		}
		if twice, once := CombineCRC64(CombineCRC64(head64, run64, n), run64, n), CombineCRC64(head64, double64, 2*n); twice != once {
			t.Errorf("CombineCRC64 over 2×2^%d bytes = %#x, over 2^%d = %#x", k, twice, k+1, once)
		}
		if twice, once := CombineCRC32(CombineCRC32(head32, run32, n), run32, n), CombineCRC32(head32, double32, 2*n); twice != once {
			t.Errorf("CombineCRC32 over 2×2^%d bytes = %#x, over 2^%d = %#x", k, twice, k+1, once)
		}
		run64, run32 = double64, double32
	}
}

func TestCombineDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		CombineCRC64(1, 2, 40_000)
		CombineCRC32(1, 2, 40_000)
	}); n != 0 {
		t.Errorf("%v allocations for each combination, want none", n)
	}
}

func BenchmarkCombineCRC64(b *testing.B) {
	crc := uint64(checkCRC64)
	for b.Loop() {
		crc = CombineCRC64(crc, checkCRC64, 40_000)
	}
}

func BenchmarkCombineCRC32(b *testing.B) {
	crc := uint32(0xcbf43926)
	for b.Loop() {
		crc = CombineCRC32(crc, 0xcbf43926, 280_000)
	}
}
