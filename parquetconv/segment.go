package parquetconv

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/s3compact/s3compact/internal/inflate"
	"github.com/s3compact/s3compact/validate"
)

// splitter reads the stored bytes of a big gzip original and cuts them into
// segments where members seem to begin. Those that seem to be whole members
// are inflated at once, before it is known whether they are: they are where
// the segments before them end with a member.
type splitter struct {
	rd       *reader
	body     io.Reader
	segments chan *segment // in their order
	serial   atomic.Bool   // nothing more is to be inflated here
	sum      bool          // crc64 is wanted

	// Valid when segments is closed.
	crc64 uint64 // of the stored bytes
	err   error  // of body
}

// segment is a piece of a gzip original.
type segment struct {
	stored   []byte
	inflated chan struct{} // closed when used and text are there; nil where nothing is inflated
	used     int           // bytes of stored: the members whose text is there
	text     []byte
}

// split begins to read body. stop ends that; it must be called.
func (rd *reader) split(ctx context.Context, at *original, body io.Reader) (sp *splitter, stop func()) {
	sp = &splitter{rd: rd, body: body, segments: make(chan *segment, 1), sum: at.crc64 != "" && at.pieces == nil}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { sp.run(ctx, &running) })
	return sp, func() {
		cancel()
		running.Wait()
	}
}

func (sp *splitter) run(ctx context.Context, running *sync.WaitGroup) {
	defer close(sp.segments)
	var ahead []byte // read behind the last cut
	atMember := true // as far as the segments before tell
	for {
		b := append(sp.rd.storedBuffers.get(sp.rd.budget.segmentBytes), ahead...)
		n, err := io.ReadFull(sp.body, b[len(b):cap(b)])
		if sp.sum {
			sp.crc64 = validate.CRC64Update(sp.crc64, b[len(b):len(b)+n])
		}
		b = b[:len(b)+n]
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			sp.err = err
			return
		}
		seg, whole := &segment{stored: b}, end
		ahead = ahead[:0]
		if at := lastMember(b); at > 0 && !end {
			ahead = append(ahead, b[at:]...)
			seg.stored, whole = b[:at], true
		}
		if len(b) == 0 {
			return
		}
		if whole && atMember && !sp.serial.Load() {
			seg.inflated = make(chan struct{})
			running.Go(func() { sp.rd.inflateSegment(ctx, seg) })
		}
		atMember = whole
		select {
		case sp.segments <- seg:
		case <-ctx.Done():
			return
		}
		if end {
			return
		}
	}
}

// lastMember is where the last gzip member seems to begin in b, 0 where none does behind its beginning.
func lastMember(b []byte) int {
	const headerBytes, stepBytes = 10, 64 << 10
	magic := []byte{0x1f, 0x8b, 8}
	for end := len(b) - headerBytes + len(magic); end > 0; end -= stepBytes {
		found := 0
		for at := max(1, end-stepBytes-len(magic)+1); at < end; at++ {
			n := bytes.Index(b[at:end], magic)
			if n < 0 {
				break
			}
			at += n
			// Flags that are not reserved, and an operating system that there is.
			if b[at+3]&0xe0 == 0 && (b[at+9] <= 13 || b[at+9] == 255) {
				found = at
			}
		}
		if found > 0 {
			return found
		}
	}
	return 0
}

// textPerStored is about as much text as a stored byte of logs inflates to.
const textPerStored = 8

// inflateSegment inflates the members of a segment, up to what is not as it
// should be: it may not be a member that begins there.
func (rd *reader) inflateSegment(ctx context.Context, seg *segment) {
	defer close(seg.inflated)
	if rd.takeCPU(ctx) != nil {
		return
	}
	defer rd.giveCPU()
	d := rd.inflaters.Get().(*inflate.Decoder)
	defer rd.inflaters.Put(d)
	text := rd.textBuffers.get(min(textPerStored*len(seg.stored), rd.budget.segmentText) + inflate.SlackBytes)
	for seg.used < len(seg.stored) {
		longer, n, err := d.AppendGzip(text, seg.stored[seg.used:], rd.budget.segmentText-len(text))
		if err != nil {
			break
		}
		text, seg.used = longer, seg.used+n
	}
	seg.text = text
}

// segmentReader reads on where a segment could not be inflated.
type segmentReader struct {
	ctx   context.Context
	from  *splitter
	ahead []byte
}

func (r *segmentReader) Read(b []byte) (int, error) {
	for len(r.ahead) == 0 {
		seg, ok, err := receive(r.ctx, r.from.segments)
		switch {
		case err != nil:
			return 0, err
		case !ok && r.from.err != nil:
			return 0, r.from.err
		case !ok:
			return 0, io.EOF
		}
		r.ahead = seg.stored
	}
	n := copy(b, r.ahead)
	r.ahead = r.ahead[n:]
	return n, nil
}

// buffers keeps the big buffers that are not in use. There are never more than
// were in use at once: a pool of package sync would give them up at each
// collection of garbage, and growing one costs as much as filling it.
type buffers struct {
	mu   sync.Mutex
	rest [][]byte
}

// get is an empty buffer of at least a capacity.
func (p *buffers) get(capacity int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.rest)
	if n == 0 {
		return make([]byte, 0, capacity)
	}
	b := p.rest[n-1]
	p.rest = p.rest[:n-1]
	if cap(b) < capacity {
		return make([]byte, 0, capacity)
	}
	return b[:0]
}

func (p *buffers) put(b []byte) {
	if cap(b) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, b)
}
