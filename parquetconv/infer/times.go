package infer

import (
	"regexp"
	"time"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// timeForm is a way in which texts may be written that a column's type and
// `time:` can say.
type timeForm struct {
	typ    value.Type
	layout string // `time:` of a timestamp that is not RFC 3339
	zone   bool   // it names its offset, or is UTC
	// shortest and longest texts that may be of the form, in bytes
	shortest, longest int
	parse             func(text []byte) (micros int64, bad *value.Bad)
}

var (
	timestampType = value.Type{Kind: value.Timestamp}
	dateType      = value.Type{Kind: value.Date}
)

// timeForms in the order in which they are preferred.
var timeForms = []timeForm{
	{typ: timestampType, zone: true, shortest: 20, longest: 64, parse: value.ParseTimestamp},
	{typ: dateType, zone: true, shortest: 10, longest: 10, parse: func(text []byte) (int64, *value.Bad) {
		days, bad := value.ParseDate(text)
		return days * value.MicrosPerDay, bad
	}},
	layoutForm("%Y-%m-%dT%H:%M:%S", false),
	layoutForm("%Y-%m-%d %H:%M:%S", false),
	layoutForm("%Y-%m-%dT%H:%M:%S%z", true),
	layoutForm("%Y-%m-%d %H:%M:%S %z", true),
	layoutForm("%Y-%m-%d %H:%M:%S%:z", true),
	layoutForm("%Y-%m-%d %H:%M:%S UTC", true),
	layoutForm("%Y/%m/%d %H:%M:%S", false),
	layoutForm("%d/%b/%Y:%H:%M:%S %z", true),
	layoutForm("%a, %d %b %Y %H:%M:%S GMT", true),
	layoutForm("%Y%m%dT%H%M%SZ", true),
}

// fractionBytes is the longest fraction of a second that is looked at, with its point.
const fractionBytes = 12

func layoutForm(layout string, zone bool) timeForm {
	goLayout, err := value.ParseTimeLayout(layout)
	shortest := len(time.Date(2006, 1, 2, 3, 4, 5, 0, time.UTC).Format(goLayout))
	return timeForm{
		typ: timestampType, layout: layout, zone: zone, shortest: shortest, longest: shortest + fractionBytes,
		parse: func(text []byte) (int64, *value.Bad) {
			if err != nil {
				return 0, value.NewBad(value.ReasonSyntax, "%v", err)
			}
			return value.ParseLayout(text, goLayout)
		},
	}
}

// timesSeen counts the texts of one form.
type timesSeen struct {
	fit, misfit int64
	first, last int64 // microseconds since 1970
	finer       int64 // of fit, those with digits beyond microseconds
}

// hopeless says that a form was tried in vain often enough.
func (t *timesSeen) hopeless() bool { return t.misfit > t.fit+100 }

func (t *timesSeen) add(f timeForm, text []byte) {
	if t.hopeless() {
		return
	}
	if len(text) < f.shortest || len(text) > f.longest {
		t.misfit++
		return
	}
	micros, bad := f.parse(text)
	if bad != nil {
		t.misfit++
		return
	}
	if t.fit == 0 || micros < t.first {
		t.first = micros
	}
	if t.fit == 0 || micros > t.last {
		t.last = micros
	}
	t.fit++
	if beyondMicros.Match(text) {
		t.finer++
	}
}

// beyondMicros is a fraction of a second with digits that a timestamp does not keep.
var beyondMicros = regexp.MustCompile(`:[0-9]{2}[.,][0-9]{6}[0-9]*[1-9]`)

// timeName is a name that numbers of a time since 1970 are likely to have.
var timeName = regexp.MustCompile(`^(?i:@?time|ts|@?timestamp|date|datetime|epoch)$|(?i:_(at|ts|on|time|timestamp|date|epoch|ms|us))$|[a-z](At|Ts|Time|Timestamp|Date|Millis)$|(?i:timestamp|epoch)`)

// epochUnit is a unit in which a number may count the time since 1970.
type epochUnit struct {
	name, word string
	perSecond  float64
}

var epochUnits = []epochUnit{
	{"epoch_s", "seconds", 1}, {"epoch_ms", "milliseconds", 1e3}, {"epoch_us", "microseconds", 1e6},
}

// The times that are plausible: from 2000 to 2100.
const (
	firstPlausible = 946_684_800   // seconds since 1970
	lastPlausible  = 4_102_444_800 // seconds since 1970
)

// epochOf is the unit in which numbers from least to most are plausible times.
func epochOf(least, most float64) (epochUnit, bool) {
	for _, u := range epochUnits {
		if least >= firstPlausible*u.perSecond && most <= lastPlausible*u.perSecond {
			return u, true
		}
	}
	return epochUnit{}, false
}

// time is when a number of units is.
func (u epochUnit) time(v float64) time.Time {
	return time.UnixMicro(int64(v / u.perSecond * 1e6)).UTC()
}

func microTime(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
