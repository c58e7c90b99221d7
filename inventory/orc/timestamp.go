package orc

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
	_ "time/tzdata" // what a file means must not depend on the machine it is read on
)

// readTimestamps decodes seconds since the start of 2015 in the writer's time zone, and nanoseconds (specification,
// "Timestamp Columns"). For timestamps without a zone the result shows, read as UTC, what the writer's clock showed, which
// is what Apache's readers return to a reader whose own zone is UTC. Timestamps with a zone count from 2015 in UTC.
func (c *column) readTimestamps(n, values int) (constant bool, err error) {
	v := &c.vector
	v.Seconds = room(v.Seconds, n)
	seconds := v.Seconds[:values]
	if constant, err = c.ints.read(seconds); err != nil {
		return false, fail(&c.ints.stream, streamData, err)
	}
	c.scratch = room(c.scratch, values)
	sameNanos, err := c.more.read(c.scratch)
	if err != nil {
		return false, fail(&c.more.stream, streamSecondary, err)
	}
	if values == 0 {
		clear(v.Seconds)
		v.Nanos = c.nanos.fill(v.Nanos, 0, n)
		return false, nil
	}
	low, high := extent(seconds)
	if low < -maxSeconds || high > maxSeconds {
		return false, fail(&c.ints.stream, streamData, fmt.Errorf("values from %d to %d seconds are out of range", low, high))
	}
	if sameNanos && values == n && c.zone == time.UTC && low+c.base >= 0 {
		nanos, ok := decodeNanos(c.scratch[0])
		if !ok {
			return false, fail(&c.more.stream, streamSecondary, errNanos)
		}
		if nanos >= 0 {
			for i := range seconds {
				seconds[i] += c.base
			}
			v.Nanos = c.nanos.fill(v.Nanos, nanos, n)
			ms := int64(nanos / 1_000_000)
			c.group.addRange((low+c.base)*1000+ms, (high+c.base)*1000+ms)
			return constant, nil
		}
	}
	c.nanos.n = 0
	v.Nanos = room(v.Nanos, n)
	if err := c.joinTimes(seconds, v.Nanos[:values], c.scratch); err != nil {
		return false, err
	}
	spreadInts(v.Seconds, values, v.Present)
	spreadInts(v.Nanos, values, v.Present)
	return constant && sameNanos, nil
}

var errNanos = errors.New("a value is no number of nanoseconds")

// joinTimes turns stored seconds and nanoseconds into times.
func (c *column) joinTimes(seconds []int64, nanos []int32, stored []int64) error {
	offsets := zoneOffsets{zone: c.zone}
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for i, second := range seconds {
		nano, ok := decodeNanos(stored[i])
		if !ok {
			return fail(&c.more.stream, streamSecondary, errNanos)
		}
		second += c.base
		// Writers round the seconds of times before 1970 towards zero, but not when the fraction is under a millisecond.
		// Apache Arrow's writer stores the negative fraction of such times instead.
		if nano < 0 {
			second--
			nano += 1_000_000_000
		} else if second < 0 && nano > 999_999 {
			second--
		}
		if c.zone != time.UTC {
			second += offsets.at(second)
		}
		seconds[i], nanos[i] = second, nano
		ms := second*1000 + int64(nano/1_000_000)
		low, high = min(low, ms), max(high, ms)
	}
	c.group.addRange(low, high)
	return nil
}

// extent returns the least and the largest of values.
func extent(values []int64) (low, high int64) {
	low, high = values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
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
	if start.IsZero() && !end.IsZero() {
		offset = firstStandard(end)
	}
	z.secondsFromUTC, z.from, z.to = int64(offset), math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		z.from = start.Unix()
	}
	if !end.IsZero() {
		z.to = end.Unix()
	}
	return z.secondsFromUTC
}

// firstStandard returns the first offset that is no daylight saving time from the given change on. Apache's readers and
// writers take it for all of the time before, rather than the mean solar time of a place.
func firstStandard(change time.Time) int {
	for change.IsDST() {
		_, next := change.ZoneBounds()
		if next.IsZero() {
			break
		}
		change = next
	}
	_, offset := change.Zone()
	return offset
}
