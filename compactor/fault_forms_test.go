package compactor

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// isText says whether an object of the application is plain text, by its key.
func isText(key string) bool { return strings.HasSuffix(key, ".json") }

// someText is a world of gzip and plain text.
func someText(s *scene) {
	s.appPut("app/log-000.json.gz", good("app/", 0))
	for i := 1; i < 3; i++ {
		s.appPut(fmt.Sprintf("app/log-%03d.json", i), []byte(record("app/", i, 1)+"\n"+record("app/", i, 2)+"\n"))
	}
	s.appPut("app/open.json", []byte(record("app/", 100, 1)))
	s.appPut("app/nul.json", []byte(record("app/", 101, 1)+"\x00"))
}

// formWorlds are those in which outputs are not the members' bytes as they were.
func formWorlds() (all []*world) {
	for name, change := range map[string]func(*world){
		"plain text": func(*world) {},
		"plain text, again": func(w *world) {
			w.before = func(s *scene) {
				s.play(s.worker(0))
				for i := range 2 {
					s.appPut(fmt.Sprintf("app/next-%03d.json", i), []byte(record("app/", 200+i, 1)+"\n"))
				}
			}
			w.victim = "app/next-001.json"
		},
		"plain text, restored": restoringWorld,
		"recompressed": func(w *world) {
			w.further(func(o *Options) { o.Recompress, o.AcceptContentOnly = 6, true })
		},
	} {
		w := &world{name: name, groups: []string{"app/"}, fill: someText, most: 1, victim: "app/log-001.json", server: model.Options{PageKeys: 3, MinPartBytes: 1}}
		w.change = func(o *Options) { o.PlainText, o.Selection.Match = true, "*" }
		change(w)
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b *world) int { return strings.Compare(a.name, b.name) })
	return all
}

// further changes the options further.
func (w *world) further(change func(*Options)) {
	before := w.change
	w.change = func(o *Options) { before(o); change(o) }
}

// holdsMember says whether an output's bytes hold a member: its bytes, what gives
// them back, the gzip of a plain one, or the text of a recompressed one.
func holdsMember(out *receipt.Output, body []byte, m *receipt.Member, original []byte) bool {
	want := original
	switch {
	case out.Gzip == receipt.Recompressed:
		text, err := unpack(body)
		if err != nil {
			return false
		}
		body = []byte(text)
		if m.Encoding == "" {
			if text, err = unpack(original); err != nil {
				return false
			}
			want = []byte(text)
		}
	case out.Gzip == receipt.SingleGzip:
		from, length := placed(m)
		if int64(len(body)) < from+length {
			return false
		}
		again, err := io.ReadAll(rebuilt(bytes.NewReader(body[from:from+length]), m))
		return err == nil && bytes.Equal(again, original)
	case m.PackedBytes > 0:
		if int64(len(body)) < m.Offset+m.PackedBytes {
			return false
		}
		text, err := unpack(body[m.Offset:][:m.PackedBytes])
		return err == nil && text == string(original)
	}
	return int64(len(body)) >= m.Offset+int64(len(want)) && bytes.Equal(body[m.Offset:][:len(want)], want)
}

// describedBy is the record of a member where its output was named first, which
// says how the output holds it.
func describedBy(log []*logged, out *receipt.Output, m *receipt.Member) *receipt.Member {
	if out.Commit == 0 || out.Commit > len(log) {
		return m
	}
	for i := range log[out.Commit-1].Members {
		if first := &log[out.Commit-1].Members[i]; first.Key == m.Key && first.Offset == m.Offset {
			return first
		}
	}
	return m
}

// gzipGone says that the stored bytes of an original are nowhere.
func gzipGone(s *scene) {
	for _, key := range s.server.Keys(dataBucket) {
		if v := s.server.Current(dataBucket, key); !hidden(key) && bytes.Contains(v.Body, good("app/", 0)) {
			return
		}
	}
	s.breaks("the bytes of app/log-000.json.gz can't be given back")
}
