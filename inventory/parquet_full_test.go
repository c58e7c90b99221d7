//go:build full

package inventory

import (
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
)

// TestDamagedParquetOfEachForm flips bits of each byte of larger files.
func TestDamagedParquetOfEachForm(t *testing.T) {
	for _, codec := range []compress.Compression{compress.Codecs.Snappy, compress.Codecs.Uncompressed} {
		for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			form := asS3Writes
			form.codec, form.pageVersion = codec, version
			damageParquet(t, parquetData(t, "source", sampleObjects(), form), func(i int) []byte { return []byte{[...]byte{1, 0x10, 0x80, 0xff}[i%4]} })
		}
	}
}
