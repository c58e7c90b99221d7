package scan

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

var (
	cases = flag.Int("cases", 2000, "how many random texts TestRandom makes")
	seed  = flag.Uint64("seed", 1, "of TestRandom")
)

// generator makes texts that are nearly JSON: fuzzing bytes alone seldom makes
// a row that is valid, or wrong in one place only.
type generator struct {
	rng *rand.Rand
	b   bytes.Buffer
}

func (g *generator) pick(of ...string) { g.b.WriteString(of[g.rng.IntN(len(of))]) }

func (g *generator) space() {
	if g.rng.IntN(12) == 0 {
		g.pick(" ", "  ", "\t", "\r", " \t ")
	}
}

func (g *generator) name() {
	g.pick(`"id"`, `"s"`, `"n"`, `"b"`, `"f"`, `"d"`, `"dec"`, `"bin"`, `"day"`, `"ts"`, `"j"`, `"a"`, `"list"`, `"x"`, `"unknown"`, `"a name of more than sixteen bytes"`, `"\u0069d"`, `"\"q"`, `"é"`, `""`, `"\ud83d\ude00"`)
}

func (g *generator) text() {
	g.b.WriteByte('"')
	for range g.rng.IntN(4) {
		g.pick("plain", "a longer run of plain text", "é", "€", "😀", `\n`, `\"`, `\\`, `\/`, `\u00e9`, `\ud83d\ude00`, "\x7f", " ")
	}
	g.b.WriteByte('"')
}

func (g *generator) number() {
	switch g.rng.IntN(5) {
	case 0:
		fmt.Fprint(&g.b, g.rng.IntN(1000)-500)
	case 1:
		fmt.Fprint(&g.b, int64(g.rng.Uint64())>>g.rng.IntN(64))
	case 2:
		fmt.Fprintf(&g.b, "%.*f", g.rng.IntN(20), (g.rng.Float64()-0.5)*float64(uint64(1)<<g.rng.IntN(60)))
	case 3:
		fmt.Fprintf(&g.b, "%d.%de%d", g.rng.IntN(10), g.rng.Uint64()>>g.rng.IntN(64), g.rng.IntN(700)-350)
	default:
		g.pick("0", "-0", "0.0", "1e3", "1E+2", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "123456789012345678", "1.000", "16777217", "9007199254740993", "0.1", "100.125", "1e-5")
	}
}

func (g *generator) value(depth int) {
	n := 10
	if depth > 3 {
		n = 8
	}
	switch g.rng.IntN(n) {
	case 0, 1:
		g.text()
	case 2, 3, 4:
		g.number()
	case 5:
		g.pick("true", "false", "null")
	case 6:
		g.pick(`"2024-02-29T23:59:59.123456Z"`, `"2024-01-02T03:04:05+02:00"`, `"2023-02-29T00:00:00Z"`, `"9999-12-31T23:59:59-00:01"`, `"2024-01-02t03:04:05z"`, `"2024-01-02T03:04:05.1234567890-12:34"`, `"2024-01-02T24:00:00Z"`, `"0000-01-01T00:00:00Z"`)
	case 7:
		g.pick(`"2024-02-29"`, `"2023-02-29"`, `"1969-12-31"`, `"AP8="`, `"AP8"`, `"0000-01-01"`, `"2024-13-01"`)
	case 8:
		g.object(depth + 1)
	default:
		g.b.WriteByte('[')
		for i := range g.rng.IntN(4) {
			if i > 0 {
				g.b.WriteByte(',')
			}
			g.space()
			g.value(depth + 1)
			g.space()
		}
		g.b.WriteByte(']')
	}
}

func (g *generator) object(depth int) {
	g.b.WriteByte('{')
	g.space()
	n := g.rng.IntN(5)
	if depth == 0 {
		g.b.WriteString(`"id":1`)
		n++
	}
	for i := range n {
		if i > 0 || depth == 0 {
			g.b.WriteByte(',')
		}
		g.space()
		g.name()
		g.space()
		g.b.WriteByte(':')
		g.space()
		g.value(depth)
		g.space()
	}
	g.b.WriteByte('}')
}

// lines makes a few lines, and breaks some of them.
func (g *generator) lines() []byte {
	g.b.Reset()
	for range 1 + g.rng.IntN(4) {
		g.space()
		g.object(0)
		if g.rng.IntN(6) > 0 {
			g.pick("\n", "\n", "\r\n", "\n\n")
		}
	}
	text := bytes.Clone(g.b.Bytes())
	const marks = "{}[]\",:\\u0e.-+ \n\t\r\x00\x1f\x7f\x80\xc3\xe2\xed\xf0\xff9tfnaD8"
	for range g.rng.IntN(3) {
		at := g.rng.IntN(len(text))
		switch g.rng.IntN(5) {
		case 0:
			text[at] = marks[g.rng.IntN(len(marks))]
		case 1:
			text = append(text[:at], text[min(len(text), at+1+g.rng.IntN(3)):]...)
		case 2:
			text = append(text[:at:at], append([]byte{marks[g.rng.IntN(len(marks))]}, text[at:]...)...)
		case 3:
			end := min(len(text), at+g.rng.IntN(20))
			text = append(text[:end:end], text[at:]...)
		default:
			if g.rng.IntN(4) == 0 {
				text = text[:at]
			}
		}
		if len(text) == 0 {
			break
		}
	}
	return text
}

// TestRandom holds the scanner against package naive and jsontext.
func TestRandom(t *testing.T) {
	g := &generator{rng: rand.New(rand.NewPCG(*seed, 0))}
	var all []*schema.Schema
	for _, unknown := range []string{"ignore", "reject", "keep"} {
		all = append(all, parse(t, allTypes+unknown))
	}
	easy, valid := parse(t, lenient), 0
	for i := range *cases {
		text := g.lines()
		same(t, all[i%len(all)], text, 1<<20, 1+g.rng.IntN(100))
		for line := range bytes.SplitSeq(bytes.TrimPrefix(text, byteOrderMark), []byte("\n")) {
			sameVerdict(t, easy, line)
			if _, fault := verdict(line); fault == nil {
				valid++
			}
		}
		if t.Failed() {
			t.Fatalf("case %d: %q", i, text)
		}
	}
	if valid < *cases {
		t.Errorf("only %d valid lines in %d cases", valid, *cases)
	}
}
