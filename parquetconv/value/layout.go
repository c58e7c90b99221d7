package value

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// directives of strftime, each as the layout of package time that reads it.
// "-07:00" may be Z for UTC; hours without a leading zero are read by "15" too.
var directives = map[string]string{
	"Y": "2006", "y": "06", "m": "01", "d": "02", "e": "_2", "j": "002", "B": "January", "b": "Jan", "A": "Monday", "a": "Mon",
	"H": "15", "I": "03", "M": "04", "S": "05", "p": "PM", "z": "Z0700", ":z": "Z07:00",
	"-m": "1", "-d": "2", "-H": "15", "-I": "3", "-M": "4", "-S": "5",
	"F": "2006-01-02", "D": "01/02/06", "T": "15:04:05", "R": "15:04",
}

// ParseTimeLayout reads a layout in the directives of strftime, such as
// "%d/%b/%Y:%H:%M:%S %z", and returns it as a layout of package time, which
// ParseLayout takes. It knows %Y %y %m %b %B %d %e %j %a %A, %H %M %S, %I with
// %p, %f behind a point or comma for a fraction of any length, %z (+0000 or Z)
// and %:z (+00:00 or Z), the short forms %F %T %D %R, %%, and numbers without
// leading zeros as %-d. The layout must name a whole date. Without a zone a
// time is UTC; names of zones (%Z) are no offsets, and are refused.
func ParseTimeLayout(strftime string) (goLayout string, err error) {
	var parts []layoutPart
	has := map[string]bool{}
	for rest := strftime; rest != ""; {
		before, after, found := strings.Cut(rest, "%")
		if before != "" {
			parts = append(parts, layoutPart{text: before})
		}
		if !found {
			break
		}
		name := after[:min(len(after), 1)]
		if name == "-" || name == ":" {
			name = after[:min(len(after), 2)]
		}
		rest = after[len(name):]
		layout, known := directives[name]
		switch {
		case known:
			parts = append(parts, layoutPart{layout: layout})
		case name == "%":
			parts = append(parts, layoutPart{text: "%"})
		case name == "f":
			n := len(parts)
			if n < 2 || !has["S"] || parts[n-1].text != "." && parts[n-1].text != "," {
				return "", errors.New("%f stands behind the seconds and a point: write %S.%f")
			}
			// One part, as package time reads it.
			parts[n-1] = layoutPart{layout: parts[n-1].text + "999999999"}
		case name == "Z":
			return "", errors.New("%Z: the name of a zone is no offset; write it as text if it is always UTC, else use %z")
		default:
			return "", fmt.Errorf("%%%s is no directive: use %%Y %%y %%m %%b %%B %%d %%e %%j %%a %%A %%H %%I %%p %%M %%S %%f %%z %%:z %%F %%T %%D %%R %%%%", name)
		}
		for _, field := range fieldsOf[name] {
			has[field] = true
		}
	}
	switch {
	case !has["Y"] || !has["j"] && !(has["m"] && has["d"]):
		return "", errors.New("a layout needs a whole date: a year, and a month and day or %j")
	case has["I"] != has["p"]:
		return "", errors.New("%I and %p need each other")
	}
	return joinLayout(parts)
}

// fieldsOf tells which fields of a time a directive sets.
var fieldsOf = map[string][]string{
	"Y": {"Y"}, "y": {"Y"}, "m": {"m"}, "-m": {"m"}, "b": {"m"}, "B": {"m"}, "d": {"d"}, "-d": {"d"}, "e": {"d"}, "j": {"j"},
	"I": {"I"}, "-I": {"I"}, "p": {"p"}, "S": {"S"}, "-S": {"S"}, "T": {"S"}, "F": {"Y", "m", "d"}, "D": {"Y", "m", "d"},
}

// layoutPart is text as it stands, or the layout of one directive.
type layoutPart struct{ text, layout string }

// joinLayout puts the parts together. Package time cannot mark text as text, so
// that the 1 in "day 1: %F" would be a month: such text is an error.
func joinLayout(parts []layoutPart) (string, error) {
	var layout strings.Builder
	for _, p := range parts {
		layout.WriteString(p.text + p.layout)
	}
	// Two times that differ in every field.
	for _, t := range []time.Time{
		time.Date(2347, 11, 28, 22, 56, 47, 123456789, time.FixedZone("", 4*3600+31*60)),
		time.Date(1988, 6, 17, 10, 39, 18, 987654321, time.UTC),
	} {
		var want strings.Builder
		for _, p := range parts {
			want.WriteString(p.text)
			if p.layout != "" {
				want.WriteString(t.Format(p.layout))
			}
		}
		if t.Format(layout.String()) != want.String() {
			return "", errors.New("the text between its directives looks like a part of a time (a digit, Jan, Mon, MST, PM): such text cannot be told from one")
		}
	}
	return layout.String(), nil
}
