package expr

import "github.com/s3compact/s3compact/parquetconv/value"

const (
	microsPerSecond = 1_000_000
	microsPerMinute = 60 * microsPerSecond
	microsPerHour   = 60 * microsPerMinute
)

// A cycle of the Gregorian calendar is 400 years. Years are counted from March
// here, so that the leap day is the last one of a year.
const (
	daysPerCycle   = 146_097
	daysBefore1970 = 719_468 // since the first of March of the year 0
)

// The years 0001 to 9999, which the engines that read the table have.
var (
	minMicros = dayOf(1, 1, 1) * value.MicrosPerDay
	maxMicros = dayOf(10_000, 1, 1)*value.MicrosPerDay - 1
)

// civil is the year, month and day of a day since 1970-01-01.
func civil(days int64) (year, month, day int64) {
	days += daysBefore1970
	cycle := floorDiv(days, daysPerCycle)
	day = days - cycle*daysPerCycle
	// Without what leap days shift, years are 365 days long: one every four
	// years, none at the end of a century, one at the end of the cycle.
	year = (day - day/1460 + day/36_524 - day/146_096) / 365
	day -= 365*year + year/4 - year/100
	month = (5*day + 2) / 153 // 0 is March
	day -= (153*month + 2) / 5
	year += cycle * 400
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	return year, month, day + 1
}

// dayOf is the day since 1970-01-01 of a year, month and day.
func dayOf(year, month, day int64) int64 {
	if month -= 3; month < 0 {
		month += 12
		year--
	}
	cycle := floorDiv(year, 400)
	year -= cycle * 400
	return cycle*daysPerCycle + year*365 + year/4 - year/100 + (153*month+2)/5 + day - 1 - daysBefore1970
}

// weekday counts from Monday, 0.
func weekday(days int64) int64 { return floorMod(days+3, 7) } // 1970-01-01 was a Thursday

// isoWeek is the number of a day's week and the year that the week belongs to
// (ISO 8601): that of its Thursday.
func isoWeek(days int64) (year, week int64) {
	thursday := days - weekday(days) + 3
	year, _, _ = civil(thursday)
	return year, (thursday-dayOf(year, 1, 1))/7 + 1
}

func floorDiv(x, y int64) int64 {
	q := x / y
	if x%y < 0 {
		q--
	}
	return q
}

func floorMod(x, y int64) int64 {
	r := x % y
	if r < 0 {
		r += y
	}
	return r
}

// parts computes units of a timestamp in microseconds.
var parts = map[string]func(micros int64) int64{
	"year":         ofDay(func(d int64) int64 { y, _, _ := civil(d); return y }),
	"quarter":      ofDay(func(d int64) int64 { _, m, _ := civil(d); return (m + 2) / 3 }),
	"month":        ofDay(func(d int64) int64 { _, m, _ := civil(d); return m }),
	"week":         ofDay(func(d int64) int64 { _, w := isoWeek(d); return w }),
	"year_of_week": ofDay(func(d int64) int64 { y, _ := isoWeek(d); return y }),
	"day":          ofDay(func(d int64) int64 { _, _, day := civil(d); return day }),
	"day_of_week":  ofDay(func(d int64) int64 { return weekday(d) + 1 }),
	"day_of_year":  ofDay(func(d int64) int64 { y, _, _ := civil(d); return d - dayOf(y, 1, 1) + 1 }),
	"hour":         func(us int64) int64 { return floorMod(us, value.MicrosPerDay) / microsPerHour },
	"minute":       func(us int64) int64 { return floorMod(us, microsPerHour) / microsPerMinute },
	"second":       func(us int64) int64 { return floorMod(us, microsPerMinute) / microsPerSecond },
}

func ofDay(of func(days int64) int64) func(int64) int64 {
	return func(micros int64) int64 { return of(value.DayOf(micros)) }
}

// truncations cut a timestamp in microseconds off to a unit; weeks begin on Monday.
var truncations = map[string]func(micros int64) int64{
	"second":  func(us int64) int64 { return us - floorMod(us, microsPerSecond) },
	"minute":  func(us int64) int64 { return us - floorMod(us, microsPerMinute) },
	"hour":    func(us int64) int64 { return us - floorMod(us, microsPerHour) },
	"day":     toDay(func(d int64) int64 { return d }),
	"week":    toDay(func(d int64) int64 { return d - weekday(d) }),
	"month":   toDay(func(d int64) int64 { _, _, day := civil(d); return d - day + 1 }),
	"quarter": toDay(func(d int64) int64 { y, m, _ := civil(d); return dayOf(y, m-(m-1)%3, 1) }),
	"year":    toDay(func(d int64) int64 { y, _, _ := civil(d); return dayOf(y, 1, 1) }),
}

func toDay(of func(days int64) int64) func(int64) int64 {
	return func(micros int64) int64 { return of(value.DayOf(micros)) * value.MicrosPerDay }
}
