package expr

import (
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/s3compact/s3compact/parquetconv/value"
)

const benchRows = 64 << 10

// benchBatch has the texts of a log as dictionaries and plain.
func benchBatch() (*Batch, Scope) {
	texts := func(entries int, text func(i int) string) (plain, dictionary arrow.Array) {
		p := array.NewStringBuilder(memory.DefaultAllocator)
		d := array.NewBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}).(*array.BinaryDictionaryBuilder)
		for i := range benchRows {
			s := text(i * 7919 % entries)
			p.Append(s)
			_ = d.AppendString(s)
		}
		return p.NewArray(), d.NewArray()
	}
	times := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"})
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	start := time.Date(2024, 5, 15, 0, 0, 0, 0, time.UTC).UnixMicro()
	for i := range int64(benchRows) {
		times.Append(arrow.Timestamp(start + i*1_300_007))
		numbers.Append(i * 2654435761 % 600)
	}
	names := []string{"ts", "status", "user", "user_d", "path", "path_d", "stamp", "stamp_d"}
	user, userD := texts(20_000, func(i int) string { return fmt.Sprintf("user-%08d", i) })
	path, pathD := texts(3_000, func(i int) string { return fmt.Sprintf("/Api/v%d/items/%d?q=x", i%4, i) })
	stamp, stampD := texts(10_000, func(i int) string {
		return time.UnixMicro(start + int64(i)*999_983).UTC().Format("2006-01-02T15:04:05.000Z")
	})
	b := &Batch{Rows: benchRows, Columns: []arrow.Array{times.NewArray(), numbers.NewArray(), user, userD, path, pathD, stamp, stampD}}
	return b, func(name string) (int, value.Type, bool) {
		for i, n := range names {
			if n == name {
				return i, []value.Type{instant, integer, text, text, text, text, text, text}[i], true
			}
		}
		return 0, null, false
	}
}

func BenchmarkEval(b *testing.B) {
	batch, scope := benchBatch()
	for _, s := range []string{
		"cast(ts as date)", "date_trunc('hour', ts)", "extract(month from ts)", "status + 1", "status >= 500 and status < 600", "case when status >= 500 then 'error' when status >= 400 then 'refused' else 'ok' end",
		"bucket(16, user)", "bucket(16, user_d)", "bucket(16, status)", "split_part(path, '/', 2)", "split_part(path_d, '/', 2)", "lower(path)", "lower(path_d)",
		"regexp_extract(path, 'v[0-9]+')", "regexp_extract(path, 'items/([0-9]+)', 1)", "regexp_extract(path_d, 'items/([0-9]+)', 1)", "path like '%items%'", "coalesce(path_d, 'none')", "concat(user, '@', path)", "cast(stamp as timestamp)", "cast(stamp_d as timestamp)", "to_timestamp(stamp, '%Y-%m-%dT%H:%M:%S.%fZ')", "cast(status as string)", "cast(status as double) / 1000",
	} {
		b.Run(s, func(b *testing.B) {
			e, err := Parse(s, scope)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				a, faults := e.Eval(batch)
				if len(faults) > 0 {
					b.Fatal(faults[0].Bad)
				}
				a.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
		})
	}
}
