package value

import (
	"strings"
	"testing"
	"time"
)

func TestParseTimeLayout(t *testing.T) {
	for _, c := range []struct{ strftime, text, want string }{
		{"%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36Z"},
		{"%Y-%m-%d %H:%M:%S.%f", "2026-01-02 03:04:05.25", "2026-01-02T03:04:05.25Z"},
		{"%Y-%m-%d %H:%M:%S,%f", "2026-01-02 03:04:05,1234567", "2026-01-02T03:04:05.123456Z"},
		{"%F %T", "2026-01-02 03:04:05", "2026-01-02T03:04:05Z"},
		{"%FT%T%:z", "2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05Z"},
		{"%FT%T%:z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"%Y%m%d%H%M%S", "20260102030405", "2026-01-02T03:04:05Z"},
		{"%D %R", "07/04/76 12:30", "1976-07-04T12:30:00Z"},
		{"%a, %d %B %Y %I:%M %p", "Mon, 02 February 2026 11:05 PM", "2026-02-02T23:05:00Z"},
		{"%-m/%-d/%Y %-I:%M:%S %p", "1/9/2026 3:04:05 AM", "2026-01-09T03:04:05Z"},
		{"%A %e %b %y GMT", "Friday  2 Jan 26 GMT", "2026-01-02T00:00:00Z"},
		{"%Y.%j", "2024.060", "2024-02-29T00:00:00Z"},
		{"100%% %F", "", "the text between"},
		{"at%% %F", "at% 2026-01-02", "2026-01-02T00:00:00Z"},
		{"%Y-%m", "", "whole date"},
		{"%H:%M", "", "whole date"},
		{"%F %I", "", "%p"},
		{"%F %H %p", "", "%p"},
		{"%F %Z", "", "no offset"},
		{"%F %T%f", "", "behind the seconds"},
		{"%F .%f", "", "behind the seconds"},
		{"%F %Q", "", "no directive"},
		{"%F %", "", "no directive"},
		{"%F %-", "", "no directive"},
		{"%F %H Jan", "", "the text between"},
		{"", "", "whole date"},
	} {
		layout, err := ParseTimeLayout(c.strftime)
		if err != nil {
			if c.text != "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v", c.strftime, err)
			}
			continue
		}
		micros, bad := ParseLayout([]byte(c.text), layout)
		if got := time.UnixMicro(micros).UTC().Format(time.RFC3339Nano); c.text == "" || bad != nil || got != c.want {
			t.Errorf("%q reads %q (%q): %s, %v; want %s", c.strftime, c.text, layout, got, bad, c.want)
		}
	}
}

// TestTextThatIsNotOfTheLayout: what package time takes is not all right.
func TestTextThatIsNotOfTheLayout(t *testing.T) {
	for _, c := range []struct{ strftime, text string }{
		{"%FT%T%z", "2026-01-02T03:04:05+2400"},
		{"%FT%T%:z", "2026-01-02T03:04:05-24:00"},
		{"%F %T", "2026-01-02 03:04:60"},
		{"%F %T", "2026-01-02 24:00:00"},
		{"%F", "2026-02-29"},
		{"%F", "2026-2-9"},
		{"%F", "0000-01-01"},
	} {
		layout, err := ParseTimeLayout(c.strftime)
		if err != nil {
			t.Fatal(err)
		}
		if micros, bad := ParseLayout([]byte(c.text), layout); bad == nil {
			t.Errorf("%q reads %q as %d", c.strftime, c.text, micros)
		}
	}
}

// FuzzTimeLayout: what a layout writes it reads again as the same day.
func FuzzTimeLayout(f *testing.F) {
	for _, s := range []string{"%d/%b/%Y:%H:%M:%S %z", "%F %T.%f", "%A %e %b %y GMT", "%Y.%j", "x%-d%-m%Y", "%I%p%F"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, strftime string) {
		layout, err := ParseTimeLayout(strftime)
		if err != nil {
			return
		}
		at := time.Date(2026, 11, 28, 10, 39, 48, 0, time.UTC)
		micros, bad := ParseLayout([]byte(at.Format(layout)), layout)
		if bad != nil {
			return // fields that contradict each other, or run into each other
		}
		if got := time.UnixMicro(micros).UTC(); got.YearDay() != at.YearDay() || got.Year() != at.Year() {
			t.Errorf("%q as %q reads %q as %s", strftime, layout, at.Format(layout), got)
		}
	})
}
