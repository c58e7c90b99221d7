package parquetconv

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// copyColumn appends each value of a block's column to the builders, at index
// c, of the partition of its row.
func copyColumn(from arrow.Array, rowPartition []int32, targets []*partition, c int) error {
	switch from := from.(type) {
	case *array.Boolean:
		copyValues[bool, *array.BooleanBuilder](from, from.Value, rowPartition, targets, c)
	case *array.Int32:
		copyValues[int32, *array.Int32Builder](from, from.Value, rowPartition, targets, c)
	case *array.Int64:
		copyValues[int64, *array.Int64Builder](from, from.Value, rowPartition, targets, c)
	case *array.Float32:
		copyValues[float32, *array.Float32Builder](from, from.Value, rowPartition, targets, c)
	case *array.Float64:
		copyValues[float64, *array.Float64Builder](from, from.Value, rowPartition, targets, c)
	case *array.Decimal128:
		copyValues[decimal128.Num, *array.Decimal128Builder](from, from.Value, rowPartition, targets, c)
	case *array.String:
		copyValues[string, *array.StringBuilder](from, from.Value, rowPartition, targets, c)
	case *array.Binary:
		copyValues[[]byte, *array.BinaryBuilder](from, from.Value, rowPartition, targets, c)
	case *array.Date32:
		copyValues[arrow.Date32, *array.Date32Builder](from, from.Value, rowPartition, targets, c)
	case *array.Timestamp:
		copyValues[arrow.Timestamp, *array.TimestampBuilder](from, from.Value, rowPartition, targets, c)
	default:
		return fmt.Errorf("a column of type %s cannot be copied", from.DataType())
	}
	return nil
}

type appender[T any] interface {
	array.Builder
	Append(T)
}

func copyValues[T any, B appender[T]](from arrow.Array, value func(int) T, rowPartition []int32, targets []*partition, c int) {
	builders := make([]B, len(targets))
	for i, t := range targets {
		builders[i] = t.builders[c].(B)
	}
	for row, p := range rowPartition {
		if from.IsNull(row) {
			builders[p].AppendNull()
		} else {
			builders[p].Append(value(row))
		}
	}
}
