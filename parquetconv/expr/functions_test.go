package expr

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/s3compact/s3compact/parquetconv/value"
)

func TestFunctions(t *testing.T) {
	data := testTable(t)
	for _, c := range []struct{ text, want string }{
		// Conditions.
		{"case i when 7 then 'seven' when 8 then 'eight' else 'other' end", "string seven"}, {"case i + 1 when 7 then 'seven' when 8 then 'eight' end", "string eight"}, {"case nul when null then 1 else 2 end", "int64 2"}, {"case s when 'x' then 1 end", "int64 null"}, {"case i when 7.0 then true end", "boolean true"},
		{"case when 1/0 = 1 then 1 end", "!division"}, {"case i when 7 then 1 else 1/0 end", "int64 1"}, {"coalesce(1, 1/0)", "int64 1"}, {"coalesce(nul, 1/0)", "!division"}, {"nullif(1/0, 1)", "!division"}, {"(1/0) is null", "!division"}, {"try_cast(1/0 as int64)", "int64 null"}, {"coalesce(try_cast(1/0 as int64), 5)", "int64 5"}, {"nullif('a', s)", "string a"},
		{"i between 7 and 8", "boolean true"}, {"i between 8 and 7", "boolean false"}, {"i not between 8 and 9", "boolean true"}, {"nul between 1 and 2", "boolean null"}, {"i between nul and 6", "boolean false"}, {"i between nul and 8", "boolean null"}, {"i + 1 between 8 and 8 and b", "boolean true"}, {"i not between nul and 6", "boolean true"}, {"day between cast('2024-05-15' as date) and cast('2024-05-16' as date)", "boolean true"},
		{"greatest(i, 2.5, nul)", "double null"}, {"greatest(i, 9.5)", "double 9.5"}, {"least(i, 9)", "int64 7"}, {"least('b', s, 'a')", "string Grüße, Welt"}, {"greatest(true, false)", "boolean true"}, {"greatest(dec, 12.345)", "decimal(11,3) 12.500"}, {"least(i)", "int32 7"},
		{"i in (1, i)", "boolean true"}, {"s in ('a', 'Grüße, Welt')", "boolean true"}, {"d in (2, 2.5)", "boolean true"}, {"dec in (12.5)", "boolean true"}, {"b in (false)", "boolean false"}, {"i not in (1, null)", "boolean null"}, {"day in (cast('2024-05-15' as date))", "boolean true"}, {"null in (1)", "boolean null"}, {"i in (null)", "boolean null"},
		// LIKE.
		{"s like 'Gr%'", "boolean true"}, {"s like '%Welt'", "boolean true"}, {"s like 'Gr__e, Welt'", "boolean true"}, {"s like '%ü_e%'", "boolean true"}, {"s like 'gr%'", "boolean false"}, {"'' like '%'", "boolean true"}, {"'' like ''", "boolean true"}, {"'' like '_'", "boolean false"}, {"'abc' like 'a%c%'", "boolean true"}, {"'aXbXc' like '%X%X%'", "boolean true"}, {"'aXc' like '%X%X%'", "boolean false"}, {"'ab' like 'ab%ab'", "boolean false"},
		{"'50%' like '50!%' escape '!'", "boolean true"}, {"'50x' like '50!%' escape '!'", "boolean false"}, {"'a_b' like 'aü_b' escape 'ü'", "boolean true"}, {"'aüb' like 'aüüb' escape 'ü'", "boolean true"}, {"nuls like 'a'", "boolean null"}, {"s like nuls", "boolean null"}, {"s not like 'x%'", "boolean true"}, {"s like s", "boolean true"}, {"'€' like '%__%'", "boolean false"}, {"'a' like path || '!' escape '!'", "!syntax"}, {"'a\n' like 'a_'", "boolean true"},
		// Texts.
		{"trim('  a b ')", "string a b"}, {"trim('\t\u00a0a\n')", "string a"}, {"ltrim('xxaxx', 'x')", "string axx"}, {"rtrim('xxaxx', 'x')", "string xxa"}, {"trim('xyaxy', 'yx')", "string a"}, {"trim('üaü', 'ü')", "string a"}, {"trim('aaa', 'a')", "string "}, {"trim(' a ', '')", "string  a "}, {"trim(leading '0' from '0070')", "string 70"}, {"trim(trailing from 'a  ')", "string a"}, {"trim(both 'x' from 'xax')", "string a"}, {"trim('x' from 'xax')", "string a"}, {"trim(nuls)", "string null"}, {"trim(from ' a')", "string a"},
		{"replace('banana', 'an', 'AN')", "string bANANa"}, {"replace('banana', 'a')", "string bnn"}, {"replace('aaa', 'aa', 'b')", "string ba"}, {"replace('a', '', 'x')", "string a"}, {"replace(s, 'ü', 'ue')", "string Grueße, Welt"}, {"replace(nuls, 'a', 'b')", "string null"},
		{"starts_with(s, 'Grü')", "boolean true"}, {"starts_with('a', '')", "boolean true"}, {"starts_with('', 'a')", "boolean false"}, {"strpos(s, 'ß')", "int64 4"}, {"strpos('abc', 'x')", "int64 0"}, {"strpos('abc', '')", "int64 1"}, {"strpos(nuls, 'a')", "int64 null"},
		{"upper('straße ÿ')", "string STRAßE Ÿ"}, {"lower('ÀÉ')", "string àé"}, {"length('€😀')", "int64 2"}, {"concat(null, 'a')", "string null"}, {"lower(null)", "string null"}, {"substr('a😀b', 2, 1)", "string 😀"}, {"split_part('äöäöä', 'ö', 2)", "string ä"}, {"split_part('a', '/', 2)", "string null"},
		{"url_decode('a%20b+c%C3%BC')", "string a b cü"}, {"url_decode('%')", "!syntax"}, {"url_decode('%2')", "!syntax"}, {"url_decode('%2g')", "!syntax"}, {"url_decode('%ff')", "!syntax"}, {"try_cast(url_decode('%ff') as string)", "string null"},
		// Patterns.
		{"regexp_extract(path, '[a-z]')", "string a"}, {"regexp_extract(path, '(.)/(.)', 2)", "string b"}, {"regexp_extract(path, '(.)/(x)?', 2)", "string null"}, {"regexp_extract(path, 'zzz')", "string null"}, {"regexp_extract(path, 'x*')", "string "}, {"regexp_extract('', '')", "string "}, {"regexp_extract(nuls, 'a')", "string null"}, {"regexp_extract(s, 'ü(.)', 1)", "string ß"}, {"regexp_extract(s, '(?i)WELT')", "string Welt"},
		{"regexp_like(path, '^a/')", "boolean true"}, {"regexp_like(path, 'A')", "boolean false"}, {"regexp_like(nuls, 'A')", "boolean null"},
		{"json_extract_scalar(obj, '$.a')", "string 1"}, {"json_extract_scalar(obj, '$.b')", "string null"}, {"json_extract_scalar(obj, '$')", "string null"}, {"json_extract_scalar(j, '$')", "string 0.25"}, {`json_extract_scalar(deep, '$.a."b c"[1].d')`, "string ü\n"}, {`json_extract_scalar(deep, '$."\"\\"')`, "string odd"}, {`json_extract_scalar(deep, '$.""')`, "string none"}, {"json_extract_scalar(deep, '$.t')", "string true"}, {"json_extract_scalar(deep, '$.n')", "string null"}, {"json_extract_scalar(deep, '$.a')", "string null"}, {"json_extract_scalar(deep, '$.a[0]')", "string null"}, {"json_extract_scalar(deep, '$.last')", "string -1e3"},
		// Numbers.
		{"abs(-3)", "int64 3"}, {"abs(i)", "int64 7"}, {"abs(-9223372036854775808)", "!range"}, {"abs(-d)", "double 2.5"}, {"abs(-dec)", "decimal(10,2) 12.50"}, {"round(2.5)", "double 3"}, {"round(-2.5)", "double -3"}, {"round(2.345, 1)", "double 2.3"}, {"round(1e300, 2)", "double 1e+300"}, {"round(i)", "int32 7"}, {"round(dec)", "decimal(10,2) 13.00"}, {"round(-dec)", "decimal(10,2) -13.00"}, {"round(dec, 1)", "decimal(10,2) 12.50"}, {"floor(-2.5)", "double -3"}, {"ceil(-2.5)", "double -2"}, {"floor(-dec)", "decimal(10,2) -13.00"}, {"ceil(dec)", "decimal(10,2) 13.00"}, {"ceil(-dec)", "decimal(10,2) -12.00"}, {"floor(dec)", "decimal(10,2) 12.00"}, {"ceil(cast('9.9' as decimal(2,1)))", "!range"}, {"round(nul)", "int64 null"}, {"floor(f)", "float 1"},
		// Decimals.
		{"dec + 0.005", "decimal(12,3) 12.505"}, {"dec - 13", "decimal(11,2) -0.50"}, {"dec * 2", "decimal(11,2) 25.00"}, {"dec * dec", "decimal(20,4) 156.2500"}, {"dec + i", "decimal(13,2) 19.50"}, {"-dec", "decimal(10,2) -12.50"}, {"dec > 12.49", "boolean true"}, {"dec = 12.5", "boolean true"}, {"dec < i", "boolean false"}, {"dec + nul", "decimal(22,2) null"}, {"dec + null", "decimal(10,2) null"}, {"dec in (1, 12.50)", "boolean true"},
		{"cast('99999999999999999999999999999999999999' as decimal(38,0)) + 1", "!range"}, {"cast('99999999999999999999999999999999999999' as decimal(38,0)) - 1", "decimal(38,0) 99999999999999999999999999999999999998"}, {"cast('9999999999999999999' as decimal(19,0)) * cast('9999999999999999999' as decimal(19,0))", "decimal(38,0) 99999999999999999980000000000000000001"}, {"cast('-0.5' as decimal(38,38)) + cast('0.5' as decimal(1,1))", "decimal(38,38) 0.00000000000000000000000000000000000000"}, {"coalesce(dec, 1)", "decimal(10,2) 12.50"}, {"dec + .5", "decimal(11,2) 13.00"}, {"dec + 1.", "decimal(11,2) 13.50"},
		// Times.
		{"extract(year from ts)", "int64 2024"}, {"extract(QUARTER from ts)", "int64 2"}, {"extract(month from day)", "int64 5"}, {"extract(week from cast('2021-01-03' as date))", "int64 53"}, {"extract(year_of_week from cast('2021-01-03' as date))", "int64 2020"}, {"extract(week from cast('2024-12-30' as date))", "int64 1"}, {"extract(dow from day)", "int64 3"}, {"extract(dow from cast('2024-05-19' as date))", "int64 7"}, {"extract(doy from cast('2024-12-31' as date))", "int64 366"}, {"extract(hour from ts)", "int64 13"}, {"minute(ts)", "int64 14"}, {"second(ts)", "int64 15"}, {"hour(day)", "int64 0"}, {"hour(cast('1969-12-31T23:59:59Z' as timestamp))", "int64 23"}, {"year(cast('0001-01-01' as date))", "int64 1"}, {"day(cast('2000-02-29' as date))", "int64 29"}, {"day_of_week(day)", "int64 3"}, {"day_of_year(day)", "int64 136"}, {"week(day)", "int64 20"}, {"quarter(day)", "int64 2"}, {"month(null)", "int64 null"},
		{"extract(epoch from ts)", "double 1715778855.123456"}, {"extract(epoch from cast('1969-12-31T23:59:59.5Z' as timestamp))", "double -0.5"}, {"extract('epoch' from day)", "double 1715731200"},
		{"from_unixtime(1700000000)", "timestamp 2023-11-14T22:13:20Z"}, {"from_unixtime(-1)", "timestamp 1969-12-31T23:59:59Z"}, {"from_unixtime(1700000000.123456)", "timestamp 2023-11-14T22:13:20.123456Z"}, {"from_unixtime(-0.5)", "timestamp 1969-12-31T23:59:59.5Z"}, {"from_unixtime(cast('-0.0000001' as decimal(10,7)))", "timestamp 1969-12-31T23:59:59.999999Z"}, {"from_unixtime(big)", "!range"}, {"from_unixtime(253402300800)", "!range"}, {"from_unixtime(253402300799)", "timestamp 9999-12-31T23:59:59Z"}, {"from_unixtime(1e300)", "!range"}, {"from_unixtime(-62135596801)", "!range"}, {"from_unixtime_ms(1700000000123)", "timestamp 2023-11-14T22:13:20.123Z"}, {"from_unixtime_us(1700000000123456)", "timestamp 2023-11-14T22:13:20.123456Z"}, {"from_unixtime(nul)", "timestamp null"},
		{"to_timestamp('2024-05-15T13:14:15+02:00')", "timestamp 2024-05-15T11:14:15Z"}, {"to_timestamp('x')", "!syntax"}, {"to_timestamp('10/Oct/2000:13:55:36 -0700', '%d/%b/%Y:%H:%M:%S %z')", "timestamp 2000-10-10T20:55:36Z"}, {"to_timestamp('2023-02-29', '%Y-%m-%d')", "!syntax"}, {"to_timestamp('2024-02-29', '%Y-%m-%d')", "timestamp 2024-02-29T00:00:00Z"}, {"to_timestamp(nuls, '%Y-%m-%d')", "timestamp null"},
		{"date_trunc('week', cast('1969-12-31T00:00:00Z' as timestamp))", "timestamp 1969-12-29T00:00:00Z"}, {"date_trunc('hour', cast('1969-12-31T23:59:59.9Z' as timestamp))", "timestamp 1969-12-31T23:00:00Z"}, {"date_trunc('quarter', cast('2024-03-31' as date))", "date 2024-01-01"}, {"cast(cast('1969-12-31T23:59:59.999999Z' as timestamp) as date)", "date 1969-12-31"},
		{"date '2024-05-15' = day", "boolean true"}, {"timestamp '2024-05-15T13:14:15Z' < ts", "boolean true"}, {"DATE '0001-01-01'", "date 0001-01-01"}, {"timestamp", "int64 8"}, {"date + 1", "int64 8"},
		// Bounds and odd forms.
		{"cast(y as string)", "string AAEC"}, {"y = cast('AAEC' as binary)", "boolean true"}, {"y is not null", "boolean true"}, {"obj is null", "boolean false"}, {"null is null", "boolean true"}, {"not null", "boolean null"}, {"b and null", "boolean null"}, {"null + 1", "int64 null"}, {"null || 'a'", "string null"}, {"-null", "int64 null"}, {"case when null then 1 else 2 end", "int64 2"}, {"greatest(null, null)", "null null"},
		{`trim("leading")`, "string null"}, {`"case"`, "int64 5"}, {"from + 1", "int64 6"},
	} {
		if got := evaluate(t, data, c.text); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

// TestBucket holds bucket against the hashes of the Iceberg table spec,
// appendix B, and of MurmurHash3 for other lengths.
func TestBucket(t *testing.T) {
	data := testTable(t)
	for text, hash := range map[string]int32{
		"34": 2017239379, "i + 27": 2017239379, "cast('14.20' as decimal(4,2))": -500754589, "cast('2017-11-16' as date)": -653330422,
		"cast('2017-11-16T22:31:08Z' as timestamp)": -2047944441, "cast('2017-11-16T14:31:08-08:00' as timestamp)": -2047944441, "'iceberg'": 1210000089,
		"cast('AAECAw==' as binary)": -188683207,
		"''":                         0, "'a'": 0x3c2569b2, "'hello'": 0x248bfa47, "'hello, world'": 0x149bbb7f, "'The quick brown fox jumps over the lazy dog'": 0x2e4ff723,
	} {
		for _, n := range []int64{1, 2, 16, 1000, 2147483647} {
			want := constantText(int64(hash&0x7fffffff) % n)
			if got := evaluate(t, data, "bucket("+constantText(n)+", "+text+")"); got != "int32 "+want {
				t.Errorf("bucket(%d, %s): %s, want %s", n, text, got, want)
			}
		}
	}
	for text, want := range map[string]int{"bucket(16, i)": 16, "bucket(2 * 4, s)": 8, "bucket(16, i) + 1": 0, "i": 0} {
		e, err := Parse(text, data.scope)
		if err != nil {
			t.Fatal(err)
		}
		if as := e.As(integer); e.Buckets != want || as != nil && as.Buckets != want {
			t.Errorf("%s has %d buckets, want %d", text, e.Buckets, want)
		}
	}
	for _, c := range []struct {
		unscaled int64
		bytes    []byte
	}{{0, []byte{0}}, {127, []byte{0x7f}}, {128, []byte{0, 0x80}}, {-1, []byte{0xff}}, {-128, []byte{0x80}}, {-129, []byte{0xff, 0x7f}}, {1420, []byte{0x05, 0x8c}}} {
		v := constantVector(value.Value{Dec: decimalOf(c.unscaled)}, value.Decimal)
		if got, want := hashOf(value.Type{Kind: value.Decimal, Precision: 10})(&v, 0), murmur3(c.bytes); got != want {
			t.Errorf("the hash of the decimal %d is %d, want that of % x", c.unscaled, got, c.bytes)
		}
	}
}

func constantText(n int64) string { return string(value.AppendText(nil, value.Value{Int: n}, integer)) }

func decimalOf(n int64) decimal {
	d, _ := fromBig(big.NewInt(n), value.Type{Kind: value.Decimal, Precision: 38})
	return d
}

// TestCalendar holds the calendar against package time.
func TestCalendar(t *testing.T) {
	for days := minMicros / value.MicrosPerDay; days <= maxMicros/value.MicrosPerDay; days += 23 {
		at := value.Day(days)
		y, m, d := civil(days)
		isoYear, week := at.ISOWeek()
		gotYear, gotWeek := isoWeek(days)
		if y != int64(at.Year()) || m != int64(at.Month()) || d != int64(at.Day()) || dayOf(y, m, d) != days ||
			gotYear != int64(isoYear) || gotWeek != int64(week) || weekday(days) != int64(at.Weekday()+6)%7 ||
			parts["day_of_year"](days*value.MicrosPerDay) != int64(at.YearDay()) {
			t.Fatalf("%s: %d-%d-%d, day %d, week %d of %d, weekday %d", at.Format(time.DateOnly), y, m, d, dayOf(y, m, d), gotWeek, gotYear, weekday(days))
		}
		month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		quarter := time.Date(at.Year(), (at.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		if late := (days+1)*value.MicrosPerDay - 1; truncations["month"](late) != month || truncations["quarter"](late) != quarter || truncations["day"](late) != days*value.MicrosPerDay {
			t.Fatalf("%s is cut off wrongly", at.Format(time.DateOnly))
		}
	}
	if value.DayOf(minMicros) != minMicros/value.MicrosPerDay || time.UnixMicro(minMicros-1).UTC().Year() != 0 || time.UnixMicro(maxMicros+1).UTC().Year() != 10_000 {
		t.Errorf("the first and last microseconds are %d and %d", minMicros, maxMicros)
	}
}

// TestLikeIsARegexp holds LIKE against the regular expression that it stands for.
func TestLikeIsARegexp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	random := func(alphabet string, n int) string {
		letters := []rune(alphabet)
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	matched := 0
	for range 5000 {
		pattern, text := random("ab€%_%", 7), random("ab€", 9)
		re := regexp.MustCompile(`(?s)\A` + strings.NewReplacer("%", ".*", "_", ".").Replace(pattern) + `\z`)
		p := &likePattern{}
		if bad := p.parse([]byte(pattern), ""); bad != nil {
			t.Fatal(bad)
		}
		want := re.MatchString(text)
		if got := p.matches([]byte(text)); got != want {
			t.Fatalf("%q like %q: %v", text, pattern, got)
		}
		if want {
			matched++
		}
	}
	if matched < 100 {
		t.Errorf("%d texts matched", matched)
	}
}

// TestURLDecode holds url_decode against package net/url.
func TestURLDecode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	data := &table{}
	var texts, want []string
	for range 5000 {
		var b []byte
		for range r.IntN(8) {
			b = append(b, "%%2c+aZ09fFü€"[r.IntN(len("%%2c+aZ09fFü€"))])
		}
		if !utf8.Valid(b) {
			continue
		}
		decoded, err := url.QueryUnescape(string(b))
		if err != nil || !utf8.ValidString(decoded) {
			decoded = "!"
		}
		texts, want = append(texts, `"`+string(b)+`"`), append(want, decoded)
	}
	data.add(t, "s", "string", texts...)
	e, err := Parse("url_decode(s)", data.scope)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range results(t, e, data.batch(t, 0, len(texts), form{})) {
		if want[i] == "!" {
			got = got[:min(1, len(got))]
		}
		if got != want[i] {
			t.Errorf("%s: %q, want %q", texts[i], got, want[i])
		}
	}
}

// TestDecimalsAreExact holds decimal arithmetic against big numbers.
func TestDecimalsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	data := testTable(t)
	faults := 0
	for range 2000 {
		number := func() (string, string) {
			precision := 1 + r.IntN(38)
			scale := r.IntN(precision + 1)
			digits := randomDigits(r, precision)
			digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
			text := strings.TrimSuffix(digits[:len(digits)-scale]+"."+digits[len(digits)-scale:], ".")
			if r.IntN(2) == 0 {
				text = "-" + text
			}
			return text, "cast('" + text + "' as decimal(" + constantText(int64(precision)) + "," + constantText(int64(scale)) + "))"
		}
		x, xCast := number()
		y, yCast := number()
		op := []string{"+", "-", "*"}[r.IntN(3)]
		got := evaluate(t, data, xCast+" "+op+" "+yCast)
		a, _ := new(big.Rat).SetString(x)
		b, _ := new(big.Rat).SetString(y)
		want := map[string]func(x, y *big.Rat) *big.Rat{"+": new(big.Rat).Add, "-": new(big.Rat).Sub, "*": new(big.Rat).Mul}[op](a, b)
		typ, result, _ := strings.Cut(got, " ")
		switch {
		case got == "!range":
			faults++
			continue
		case strings.Contains(got, "does not") || strings.Contains(got, "digits after the point"):
			continue
		}
		z, ok := new(big.Rat).SetString(result)
		if !ok || z.Cmp(want) != 0 {
			t.Errorf("%s %s %s: %s %s, want %s", x, op, y, typ, result, want.FloatString(40))
		}
	}
	if faults == 0 || faults > 1000 {
		t.Errorf("%d of 2000 out of range", faults)
	}
}

// TestLongTexts: a text that would become too long is a bad value.
func TestLongTexts(t *testing.T) {
	data := &table{}
	data.add(t, "s", "string", `"`+strings.Repeat("a", 1<<20)+`"`, `"a"`)
	for text, want := range map[string]string{
		"length(" + strings.Repeat("s || ", 7) + "s)":    "8388608",
		"length(" + strings.Repeat("s || ", 8) + "s)":    "!range",
		"length(replace(s, 'a', 'bbbbbbbb'))":            "8388608",
		"length(replace(s, 'a', 'bbbbbbbbb'))":           "!range",
		"length(coalesce(replace(s, 'a', 'ßßßßß'), ''))": "!range",
	} {
		e, err := Parse(text, data.scope)
		if err != nil {
			t.Fatal(err)
		}
		got := results(t, e, data.batch(t, 0, 2, form{}))
		reason, _, _ := strings.Cut(got[0], " ")
		if reason != want || strings.HasPrefix(got[1], "!") {
			t.Errorf("%s: %s and %s, want %s", text, got[0], got[1], want)
		}
	}
}

// randomDigits is a whole number of at most n digits.
func randomDigits(r *rand.Rand, n int) string {
	b := make([]byte, 1+r.IntN(n))
	for i := range b {
		b[i] = "0123456789"[r.IntN(10)]
	}
	return string(b)
}

func TestJSONLengths(t *testing.T) {
	for text, want := range map[string]int{`{"a":[1,{"b":"}\""}]} ,`: 21, `"a\\" x`: 5, `12,`: 2, `true]`: 4, `[]}`: 2, `-1.5e3 }`: 6, `"`: 1, ``: 0} {
		if got := jsonLength([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	if !bytes.Equal(trimJSON([]byte(" \t\r\n1 ")), []byte("1 ")) {
		t.Error("white space is left")
	}
}
