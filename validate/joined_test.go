package validate

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewlineMember(t *testing.T) {
	if len(NewlineMember) != 21 {
		t.Errorf("%d bytes, want 21", len(NewlineMember))
	}
	r, err := gzip.NewReader(bytes.NewReader(NewlineMember))
	if err != nil {
		t.Fatal(err)
	}
	if !r.ModTime.IsZero() || r.OS != 255 || r.Name != "" || r.Comment != "" || r.Extra != nil {
		t.Errorf("header %+v, want no time, no fields and OS 255", r.Header)
	}
	r.Multistream(false)
	if data, err := io.ReadAll(r); err != nil || string(data) != "\n" {
		t.Errorf("holds %q, %v, want a newline", data, err)
	}
	got := prove(t, NewProver(), NewlineMember)
	if got.Err != nil || !got.Gzip.EndsWithNewline || got.Gzip.Members != 1 {
		t.Errorf("%v, %+v, want a proof of one member that ends with a newline", got.Err, got.Gzip)
	}
}

func TestNeedsNewline(t *testing.T) {
	for data, want := range map[string]bool{"": false, "{}\n": false, "\n": false, "{}": true, "{}\r": true, "{}\n ": true} {
		if got := prove(t, NewProver(), gzipped(t, data)); got.Err != nil || got.Gzip.NeedsNewline() != want {
			t.Errorf("%q: %v, needs a newline: %v, want %v", data, got.Err, got.Gzip.NeedsNewline(), want)
		}
	}
}

// checkJoin joins objects as an output is joined and compares the proof added up from theirs with that of the output.
func checkJoin(t testing.TB, objects ...[]byte) {
	t.Helper()
	p := NewProver()
	var joined Joined
	var output []byte
	var lines strings.Builder
	for i, object := range objects {
		g, err := p.Gzip(object)
		if err != nil {
			t.Fatalf("object %d: %v", i, err)
		}
		joined.Add(g)
		output = append(output, object...)
		data := decompress(t, object)
		lines.Write(data)
		if g.NeedsNewline() {
			joined.AddNewline()
			output = append(output, NewlineMember...)
			lines.WriteByte('\n')
		}
	}
	g, err := p.Gzip(output)
	if err != nil {
		t.Fatalf("output: %v", err)
	}
	want := Joined{SizeBytes: g.SizeBytes, CRC64: g.CRC64, UncompressedBytes: g.UncompressedBytes, CRC32: g.CRC32}
	if diff := cmp.Diff(want, joined); diff != "" {
		t.Errorf("proof of the output (-) and of its members (+) differ:\n%s", diff)
	}
	if got := string(decompress(t, output)); got != lines.String() {
		t.Errorf("output holds %d bytes, not those %d of its members in order", len(got), lines.Len())
	}
}

// decompress reads a gzip object with the standard library.
func decompress(t testing.TB, stored []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestJoined(t *testing.T) {
	with, without, nothing := gzipped(t, "{\"a\":1}\n"), gzipped(t, "{\"b\":2}"), gzipped(t, "")
	for name, objects := range map[string][][]byte{
		"one":                 {with},
		"final newlines":      {with, with, with},
		"no final newlines":   {without, without},
		"nothing between":     {without, nothing, without, nothing},
		"several members":     {join(with, without), join(without, nothing), with},
		"large and small":     {logObject(t, 200_000), without, logObject(t, 40_000)},
		"ends inside a line":  {join(with, gzipped(t, "{\"c\":")), with},
		"nothing but nothing": {nothing, nothing},
	} {
		t.Run(name, func(t *testing.T) { checkJoin(t, objects...) })
	}
}

func TestJoinedAddDoesNotAllocate(t *testing.T) {
	g, err := NewProver().Gzip(gzipped(t, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	var j Joined
	if n := testing.AllocsPerRun(100, func() { j.Add(g); j.AddNewline() }); n != 0 {
		t.Errorf("%v allocations for each member, want none", n)
	}
}
