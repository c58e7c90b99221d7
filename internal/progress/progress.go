// Package progress shows how far a long command is: objects, bytes, rate and
// time left, on one line of a terminal that is redrawn in place. Logs that
// share the terminal are written above that line, whole.
package progress

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
)

const (
	// redrawEvery bounds how often the line is drawn, and so what Add costs:
	// most calls are two atomic additions and a look at the clock.
	redrawEvery = 100 * time.Millisecond
	barWidth    = 20 // columns of a terminal that is wide enough
)

// Bar is the progress of one command. All methods may be called from many
// goroutines at once, and on a nil Bar, where they show nothing.
type Bar struct {
	title string
	w     io.Writer
	now   func() time.Time

	objects, bytes atomic.Int64
	nextDraw       atomic.Int64 // Unix nanoseconds

	mu           sync.Mutex // guards the rest and every write to the terminal
	totalObjects int64
	totalBytes   int64
	measure      measure
	drawing      *progressbar.ProgressBar // nil until something is drawn, and after Close
	drawn        bool                     // the line is on the screen
	closed       bool
}

// measure is what the length of the bar stands for.
type measure int

const (
	unknown measure = iota // no total yet: only counts and rate
	ofBytes
	ofObjects // totals without bytes, as for deletes
)

// New makes a bar that draws on w, which is a terminal. Where enabled is
// false, New returns nil: a bar that shows nothing. The title names the
// command or its step.
func New(w io.Writer, enabled bool, title string) *Bar {
	if !enabled {
		return nil
	}
	return &Bar{title: title, w: w, now: time.Now}
}

// Total sets what the whole command will handle. It may be called again when
// more is known; zeros mean unknown, and then no time left is shown.
func (b *Bar) Total(objects, bytes int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.totalObjects, b.totalBytes = objects, bytes
	b.mu.Unlock()
	b.Add(0, 0)
}

// Add counts what has been handled since the last call.
func (b *Bar) Add(objects, bytes int64) {
	if b == nil {
		return
	}
	b.objects.Add(objects)
	b.bytes.Add(bytes)
	now, next := b.now().UnixNano(), b.nextDraw.Load()
	if now < next || !b.nextDraw.CompareAndSwap(next, now+int64(redrawEvery)) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draw()
}

// Close removes the line from the terminal. Later calls show nothing.
func (b *Bar) Close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.closed, b.drawing = true, nil
}

// LogWriter returns a writer to w, the stream that the logs go to, which takes
// the progress line off the terminal before each write; the next Add draws it
// again. Each write must end with a newline, as those of log/slog do. On a nil
// Bar it is w itself.
func (b *Bar) LogWriter(w io.Writer) io.Writer {
	if b == nil {
		return w
	}
	return logWriter{bar: b, w: w}
}

type logWriter struct {
	bar *Bar
	w   io.Writer
}

func (l logWriter) Write(p []byte) (int, error) {
	l.bar.mu.Lock()
	defer l.bar.mu.Unlock()
	l.bar.clear()
	return l.w.Write(p)
}

// clear takes the line off the terminal. Progress is never worth an error: if
// the terminal is gone, the command goes on.
func (b *Bar) clear() {
	if b.drawn {
		_ = b.drawing.Clear()
		b.drawn = false
	}
}

func (b *Bar) draw() {
	if b.closed {
		return
	}
	m := unknown
	switch {
	case b.totalBytes > 0:
		m = ofBytes
	case b.totalObjects > 0:
		m = ofObjects
	}
	if b.drawing == nil || m != b.measure {
		b.clear()
		b.measure, b.drawing = m, b.newDrawing(m)
	}
	done, total := b.bytes.Load(), b.totalBytes
	if m == ofObjects {
		done, total = b.objects.Load(), b.totalObjects
	}
	if m != unknown {
		// The library draws nothing more once its end is reached, but a total
		// may still grow and the command ends with Close: stop just short of it.
		total = max(total, 2)
		done = min(done, total-1)
		if b.drawing.GetMax64() != total {
			b.drawing.ChangeMax64(total)
		}
	}
	b.drawing.Describe(b.describe(m))
	// Set64 fails only for a count above the total, which min has ruled out.
	_ = b.drawing.Set64(done)
	b.drawn = true
}

// describe is the part of the line before the bar. The objects stand here,
// since the library measures one thing only.
func (b *Bar) describe(m measure) string {
	if m == ofObjects {
		return b.title
	}
	s := b.title + " " + count(b.objects.Load())
	if b.totalObjects > 0 {
		s += "/" + count(b.totalObjects)
	}
	return s + " objects"
}

// count keeps the line within 80 columns: a longer one would be broken by the
// terminal, and only its last part could be taken off again.
func count(n int64) string {
	if n < 100_000 {
		return humanize.Comma(n)
	}
	return strings.ReplaceAll(humanize.SIWithDigits(float64(n), 1, ""), " ", "")
}

func (b *Bar) newDrawing(m measure) *progressbar.ProgressBar {
	total := int64(-1)
	switch m {
	case ofBytes:
		total = b.totalBytes
	case ofObjects:
		total = b.totalObjects
	}
	o := []progressbar.Option{
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetDescription(b.describe(m)),
		progressbar.OptionShowCount(),
		progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetTheme(progressbar.ThemeASCII),
		progressbar.OptionSetPredictTime(m != unknown),
		// No goroutine of the library's own: all drawing happens under b.mu.
		progressbar.OptionSetSpinnerChangeInterval(0),
	}
	if m == ofObjects {
		o = append(o, progressbar.OptionShowIts(), progressbar.OptionSetItsString("objects"))
	} else {
		o = append(o, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
	}
	return progressbar.NewOptions64(total, o...)
}
