package progress

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is what a terminal shows after it was sent out: the finished lines,
// then the line that the cursor is in. It knows the codes that the bar uses.
func screen(out string) []string {
	var (
		lines []string
		line  []rune
		col   int
	)
	rs := []rune(out)
	for i := 0; i < len(rs); i++ {
		rest := string(rs[i:min(len(rs), i+4)])
		switch {
		case strings.HasPrefix(rest, "\033[2K"):
			line = line[:0]
			i += 3
		case strings.HasPrefix(rest, "\033[0K"):
			line = line[:min(col, len(line))]
			i += 3
		case rs[i] == '\r':
			col = 0
		case rs[i] == '\n':
			lines = append(lines, string(line))
			line, col = line[:0], 0
		default:
			for len(line) <= col {
				line = append(line, ' ')
			}
			line[col] = rs[i]
			col++
		}
	}
	return append(lines, string(line))
}

// testBar draws on a buffer, with a clock that moves on by a second at each look.
func testBar(w *bytes.Buffer) *Bar {
	b := New(w, true, "compact")
	var mu sync.Mutex
	now := time.Unix(1e9, 0)
	b.now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
	return b
}

func last(lines []string) string { return lines[len(lines)-1] }

func TestBarShowsObjectsBytesAndShare(t *testing.T) {
	var out bytes.Buffer
	b := testBar(&out)
	b.Total(30_000, 4<<30)
	b.Add(12_345, 1<<30)
	got := last(screen(out.String()))
	for _, want := range []string{"compact 12,345/30,000 objects", "25%", "1.0/4.0 GiB", "/s"} {
		if !strings.Contains(got, want) {
			t.Errorf("the line %q lacks %q", got, want)
		}
	}
}

func TestLineFitsATerminal(t *testing.T) {
	var out bytes.Buffer
	b := testBar(&out)
	b.Total(987_654_321, 987<<40)
	b.Add(123_456_789, 123<<40)
	got := last(screen(out.String()))
	if !strings.Contains(got, "123.4M/987.6M objects") {
		t.Errorf("large counts: %q", got)
	}
	if n := len(got) - barWidth; n > 75 { // the library shortens the bar itself
		t.Errorf("the line takes %d columns without its bar: %q", n, got)
	}
}

func TestBarWithoutTotalShowsCounts(t *testing.T) {
	var out bytes.Buffer
	b := testBar(&out)
	b.Add(7, 3<<20)
	got := last(screen(out.String()))
	if !strings.Contains(got, "compact 7 objects") || !strings.Contains(got, "3.0 MiB") || strings.Contains(got, "%") {
		t.Errorf("line without a total: %q", got)
	}
}

func TestBarOfObjectsAlone(t *testing.T) {
	var out bytes.Buffer
	b := testBar(&out)
	b.Total(200, 0)
	b.Add(50, 0)
	got := last(screen(out.String()))
	if !strings.Contains(got, "25%") || !strings.Contains(got, "50/200") || !strings.Contains(got, "objects/") {
		t.Errorf("line of objects: %q", got)
	}
}

func TestBarGoesOnWhenTheTotalGrows(t *testing.T) {
	var out bytes.Buffer
	b := testBar(&out)
	b.Total(10, 1000)
	b.Add(10, 1000)
	b.Add(1, 5000) // more than was announced
	b.Total(20, 12000)
	b.Add(1, 0)
	got := last(screen(out.String()))
	if !strings.Contains(got, "12/20 objects") || !strings.Contains(got, "50%") {
		t.Errorf("after the total grew: %q", got)
	}
}

func TestCloseLeavesACleanLine(t *testing.T) {
	var out bytes.Buffer
	b := testBar(&out)
	b.Total(10, 1000)
	b.Add(5, 500)
	b.Close()
	b.Add(1, 1)
	b.Total(20, 2000)
	b.Close()
	if got := screen(out.String()); len(got) != 1 || got[0] != "" {
		t.Errorf("after Close the terminal shows %q", got)
	}
}

func TestLogLinesStayWhole(t *testing.T) {
	var out bytes.Buffer
	b := testBar(&out)
	log := slog.New(slog.NewTextHandler(b.LogWriter(&out), &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	const workers, each = 8, 50
	b.Total(workers*each, workers*each*100)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				b.Add(1, 100)
				log.Info("done", "group", fmt.Sprintf("%d-%d", w, i))
			}
		})
	}
	wg.Wait()
	b.Close()
	seen := map[string]int{}
	lines := screen(out.String())
	for _, l := range lines[:len(lines)-1] {
		seen[l]++
	}
	for w := range workers {
		for i := range each {
			want := fmt.Sprintf("level=INFO msg=done group=%d-%d", w, i)
			if seen[want] != 1 {
				t.Fatalf("the line %q is on the terminal %d times", want, seen[want])
			}
		}
	}
	if len(seen) != workers*each {
		t.Errorf("%d different lines on the terminal, want %d", len(seen), workers*each)
	}
	if o := b.objects.Load(); o != workers*each {
		t.Errorf("counted %d objects, want %d", o, workers*each)
	}
}

func TestDrawingIsThrottled(t *testing.T) {
	var out bytes.Buffer
	b := New(&out, true, "compact")
	now := time.Unix(1e9, 0)
	b.now = func() time.Time { return now }
	b.Total(1000, 1000)
	drawn := out.Len()
	for range 500 {
		b.Add(1, 1)
	}
	if out.Len() != drawn {
		t.Error("drawn again though no time has passed")
	}
	now = now.Add(redrawEvery)
	b.Add(0, 0)
	if got := last(screen(out.String())); !strings.Contains(got, "500/1,000 objects") {
		t.Errorf("after the pause: %q", got)
	}
}

func TestDisabledBarIsSilent(t *testing.T) {
	var out bytes.Buffer
	b := New(&out, false, "compact")
	b.Total(10, 1000)
	b.Add(1, 100)
	b.Close()
	if out.Len() != 0 {
		t.Errorf("a disabled bar wrote %q", out.String())
	}
	if w := b.LogWriter(&out); w != &out {
		t.Error("the log of a disabled bar does not go straight to its stream")
	}
}
