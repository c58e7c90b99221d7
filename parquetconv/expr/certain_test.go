package expr

import (
	"testing"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func TestCertain(t *testing.T) {
	scope := func(name string) (int, value.Type, bool) {
		types := map[string]value.Kind{"ts": value.Timestamp, "n": value.Int32, "l": value.Int64, "s": value.String, "d": value.Double, "f": value.Float, "day": value.Date}
		return len(name), value.Type{Kind: types[name]}, true
	}
	for text, want := range map[string]bool{
		"ts": true, "7": true, "null": true, "cast(ts as date)": true, "cast(day as timestamp)": true, "bucket(16, l)": true, "bucket(16, cast(n as int64))": true, "cast(f as double)": true, "bucket(16, cast(ts as date))": true,
		"l % 16": true, "n % -7": true, "(l / 10) % 16": true, "date_trunc('month', ts)": true, "date_trunc('week', day)": true, "extract(year from ts)": true, "hour(ts)": true, "extract(epoch from day)": true,
		"cast(s as date)": false, "cast(l as int32)": false, "cast(d as float)": false, "l + 1": false, "bucket(16, l + 1)": false, "cast(cast(s as timestamp) as date)": false, "cast(s as int64)": false, "1 / n": false, "9223372036854775807 + 1": false,
		"l % 0": false, "l / -1": false, "l % n": false, "(l + 1) % 16": false, "l % null": false, "d % 16": false, "16 % l": false, "extract(year from cast(s as date))": false, "date_trunc('day', cast(s as timestamp))": false,
	} {
		e, err := Parse(text, scope)
		if err != nil {
			t.Fatal(err)
		}
		if e.Certain() != want {
			t.Errorf("%s: certain %v", text, e.Certain())
		}
	}
}
