package table

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// format is what the files of a table have in common.
type format struct {
	layouts   []layout
	root      *schema.Schema
	firstLeaf []int // of each column: the file's column that it begins with
	bloom     []int // the file's columns that have a bloom filter
	sorting   []parquet.SortingColumn
}

// Decimals of up to 18 digits are integers, as other writers have them too.
var schemaProperties = parquet.NewWriterProperties(parquet.WithStoreDecimalAsInteger(true))

func newFormat(o *Options) (*format, error) {
	f := &format{}
	leaves := 0
	for _, field := range o.Schema.Fields() {
		l, err := layoutOf(field)
		if err != nil {
			return nil, fmt.Errorf("table: %w", err)
		}
		f.layouts = append(f.layouts, l)
		f.firstLeaf = append(f.firstLeaf, leaves)
		leaves += l.leaves()
	}
	var err error
	if f.root, err = pqarrow.ToParquet(o.Schema, schemaProperties, pqarrow.DefaultWriterProps()); err != nil {
		return nil, fmt.Errorf("table: the schema of the files: %w", err)
	}
	if f.root.NumColumns() != leaves {
		return nil, fmt.Errorf("table: the schema of the files has %d columns, not %d", f.root.NumColumns(), leaves)
	}
	for _, c := range o.Bloom {
		if c < 0 || c >= len(f.layouts) || f.layouts[c].nested() || f.layouts[c].typ.ID() == arrow.BOOL {
			return nil, fmt.Errorf("table: column %d can have no bloom filter: it is nested or boolean, or there is none", c)
		}
		f.bloom = append(f.bloom, f.firstLeaf[c])
	}
	for _, k := range o.SortBy {
		if k.Column < 0 || k.Column >= len(f.layouts) || f.layouts[k.Column].nested() {
			return nil, fmt.Errorf("table: rows can't be sorted by column %d: it is nested, or there is none", k.Column)
		}
		f.sorting = append(f.sorting, parquet.SortingColumn{ColumnIdx: int32(f.firstLeaf[k.Column]), Descending: k.Descending, NullsFirst: true})
	}
	return f, nil
}

// Statistics hold no text longer than this: arrow-go leaves it out instead of
// cutting it, and readers hold the statistics of all row groups and pages.
const maxStatsBytes = 64

// maxBloomBytes bounds a column chunk's bloom filter; it holds about 800,000
// different values with one false match in a hundred.
const maxBloomBytes = 1 << 20

// properties are those of a file. Timestamps are INT64 adjusted to UTC by their
// Arrow type.
func (f *format) properties(encodings []encoding) *parquet.WriterProperties {
	properties := []parquet.WriterProperty{
		parquet.WithStoreDecimalAsInteger(true),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithDictionaryDefault(false),
		parquet.WithMaxStatsSize(maxStatsBytes),
		parquet.WithPageIndexEnabled(true),
		parquet.WithDataPageVersion(parquet.DataPageV1),
		parquet.WithDataPageSize(1 << 30),      // pages.go cuts them
		parquet.WithBatchSize(1 << 20),         // at most a page
		parquet.WithMaxRowGroupLength(1 << 40), // row groups are bounded by their bytes
		parquet.WithMaxBloomFilterBytes(maxBloomBytes),
		parquet.WithCreatedBy("s3compact"),
	}
	for i, e := range encodings {
		path := f.root.Column(i).Path()
		properties = append(properties, parquet.WithDictionaryFor(path, e.dictionary), parquet.WithEncodingFor(path, e.plain))
	}
	for _, i := range f.bloom {
		path := f.root.Column(i).Path()
		properties = append(properties, parquet.WithBloomFilterEnabledFor(path, true), parquet.WithAdaptiveBloomFilterEnabledFor(path, true))
	}
	if len(f.sorting) > 0 {
		properties = append(properties, parquet.WithSortingColumns(f.sorting))
	}
	return parquet.NewWriterProperties(properties...)
}
