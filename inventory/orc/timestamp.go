package orc

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
	_ "time/tzdata" // what a file means must not depend on the machine it is read on
)

// decodeTimestamps decodes seconds since the start of 2015 in the writer's time zone, and nanoseconds (specification,
// "Timestamp Columns"). For timestamps without a zone the result shows, read as UTC, what the writer's clock showed, which
// is what Apache's readers return to a reader whose own zone is UTC. Timestamps with a zone count from 2015 in UTC.
func (r *Reader) decodeTimestamps(c *columnReader, enc encoding, values int) error {
	v := &c.vector
	rows := r.batch.Rows
	if err := r.decodeRLE(c, streamData, &v.Seconds, values, rows, enc.kind.v2(), true); err != nil {
		return err
	}
	if err := r.decodeRLE(c, streamSecondary, &r.ints, values, values, enc.kind.v2(), false); err != nil {
		return err
	}
	zone := time.UTC
	if c.info.kind == KindTimestamp {
		var err error
		if zone, err = writerZone(r.footer.writerTimezone, r.zone); err != nil {
			return err
		}
	}
	base := time.Date(2015, 1, 1, 0, 0, 0, 0, zone).Unix()
	offsets := zoneOffsets{zone: zone}
	v.Nanos = resize(v.Nanos, rows)
	for i := range v.Seconds[:values] {
		nanos, ok := decodeNanos(r.ints[i])
		if !ok {
			return fmt.Errorf("%v stream: value %d is no number of nanoseconds", streamSecondary, i)
		}
		seconds := v.Seconds[i]
		if seconds < -maxSeconds || seconds > maxSeconds {
			return fmt.Errorf("%v stream: value %d, %d seconds, is out of range", streamData, i, seconds)
		}
		seconds += base
		// Writers round the seconds of times before 1970 towards zero, but not when the fraction is under a millisecond.
		// Apache Arrow's writer stores the negative fraction of such times instead.
		if nanos < 0 {
			seconds--
			nanos += 1_000_000_000
		} else if seconds < 0 && nanos > 999_999 {
			seconds--
		}
		if zone != time.UTC {
			seconds += offsets.at(seconds)
		}
		v.Seconds[i] = seconds
		v.Nanos[i] = nanos
	}
	spread(v.Seconds, values, v.Present)
	spread(v.Nanos, values, v.Present)
	return nil
}

// maxSeconds bounds timestamps to about 36 million years from 2015.
const maxSeconds = 1 << 50

// decodeNanos undoes the storage of nanoseconds: the lowest three bits hold the number of trailing decimal zeros that were
// removed, less one, or 0 for none.
func decodeNanos(stored int64) (nanos int32, ok bool) {
	const limit = 1_000_000_000
	n := stored >> 3
	if n <= -limit || n >= limit {
		return 0, false
	}
	if zeros := stored & 7; zeros != 0 {
		for range zeros + 1 {
			n *= 10
		}
	}
	return int32(n), n > -limit && n < limit
}

// gmtOffset is the form of the zone names that Java makes for zones without an entry in the time zone database.
var gmtOffset = regexp.MustCompile(`^GMT([+-])(\d{1,2}):?(\d{2})?$`)

// writerZone returns the time zone that a stripe footer names, or the assumed one if it names none.
func writerZone(name string, assumed *time.Location) (*time.Location, error) {
	switch name {
	case "":
		return assumed, nil
	case "UTC", "GMT", "Etc/UTC", "Etc/GMT", "Z":
		return time.UTC, nil
	}
	if m := gmtOffset.FindStringSubmatch(name); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi(m[3])
		seconds := hours*3600 + minutes*60
		if m[1] == "-" {
			seconds = -seconds
		}
		return time.FixedZone(name, seconds), nil
	}
	if name == "Local" { // which would be the reader's
		return nil, fmt.Errorf("the writer's time zone %q is not known", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("the writer's time zone %q is not known: %w", name, err)
	}
	return zone, nil
}

// zoneOffsets finds the offset of a zone from UTC, and keeps the last one with the period in which it holds.
type zoneOffsets struct {
	zone           *time.Location
	from, to       int64 // seconds since 1970 in UTC, to excluded
	secondsFromUTC int64
}

// at returns the offset, in seconds to add to UTC, at an instant in seconds since 1970 in UTC.
func (z *zoneOffsets) at(seconds int64) int64 {
	if seconds >= z.from && seconds < z.to {
		return z.secondsFromUTC
	}
	t := time.Unix(seconds, 0).In(z.zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	z.secondsFromUTC, z.from, z.to = int64(offset), math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		z.from = start.Unix()
	}
	if !end.IsZero() {
		z.to = end.Unix()
	}
	return z.secondsFromUTC
}
