package orc

import (
	"bytes"
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestTimestamps checks time zones and times before 1970 (second values relative to 2015-01-01 in the writer's zone).
func TestTimestamps(t *testing.T) {
	const (
		base     = 1420070400 // 2015-01-01 in UTC
		halfYear = 182 * 86400
	)
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		kind     Kind
		zone     string
		assumed  *time.Location
		seconds  int64 // since 2015 in the writer's zone
		nanos    int64 // as stored
		want     int64
		wantNano int32
	}{
		{"UTC", KindTimestamp, "UTC", nil, 5, 0x0a, base + 5, 1000},
		{"winter", KindTimestamp, "America/Los_Angeles", nil, 5, 0, base + 5, 0},
		{"summer", KindTimestamp, "America/Los_Angeles", nil, halfYear, 0, base + halfYear + 3600, 0},
		{"instant", KindTimestampInstant, "America/Los_Angeles", nil, halfYear, 0, base + halfYear, 0},
		{"fixed offset", KindTimestamp, "GMT-08:00", nil, halfYear, 0, base + halfYear, 0},
		{"no zone", KindTimestamp, "", nil, halfYear, 0, base + halfYear, 0},
		{"assumed zone", KindTimestamp, "", lisbon, halfYear, 0, base + halfYear + 3600, 0},
		{"before 1970, milliseconds", KindTimestamp, "UTC", nil, -base - 5, 1<<3 | 6, -6, 10_000_000},
		{"before 1970, a negative fraction", KindTimestamp, "UTC", nil, -base - 5, -5 << 3, -6, 999_999_995},
		{"before 1970, microseconds", KindTimestamp, "UTC", nil, -base - 5, 0x0a, -5, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			var z []byte
			z = protowire.AppendVarint(z, protowire.EncodeZigZag(c.seconds))
			nanos := protowire.AppendVarint([]byte{0xff}, uint64(c.nanos))
			f := one(c.kind, 1, encoding{kind: encodingDirect}, data(append([]byte{0xff}, z...)...), secondary(nanos...))
			f.stripes[0].timezone = c.zone
			b := f.bytes()
			file, err := Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := file.NewReader("a")
			if err != nil {
				t.Fatal(err)
			}
			if c.assumed != nil {
				r.AssumeTimezone(c.assumed)
			}
			batch, err := readStripe(context.Background(), r, 0)
			if err != nil {
				t.Fatal(err)
			}
			if v := batch.Columns[0]; v.Seconds[0] != c.want || v.Nanos[0] != c.wantNano {
				t.Errorf("%d s + %d ns, want %d + %d", v.Seconds[0], v.Nanos[0], c.want, c.wantNano)
			}
		})
	}
}
