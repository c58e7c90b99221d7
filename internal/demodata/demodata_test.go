package demodata

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// stored is a bucket in memory.
type stored struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (s *stored) put(_ context.Context, key string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[string][]byte{}
	}
	if _, there := s.objects[key]; there {
		return fmt.Errorf("put twice")
	}
	s.objects[key] = bytes.Clone(body)
	return nil
}

// testSpec has an object of every kind.
func testSpec() Spec {
	s := Small(3, 20, 4<<10)
	s.Prefixes[0].Extra = slices.Concat(Broken, []Kind{Empty, Success, FolderMarker})
	s.Prefixes = append(s.Prefixes, Prefix{AppID: 30000, Objects: 1, MeanSizeBytes: 300 << 10, Large: true})
	return s
}

func generate(t *testing.T, s Spec) (*Manifest, map[string][]byte) {
	t.Helper()
	var to stored
	m, err := s.Generate(t.Context(), to.put)
	if err != nil {
		t.Fatal(err)
	}
	return m, to.objects
}

func TestManifestIsTheTruth(t *testing.T) {
	m, objects := generate(t, testSpec())
	if len(m.Objects) != 3*20+len(Broken)+3+1 || len(objects) != len(m.Objects) {
		t.Fatalf("%d objects in the manifest, %d stored", len(m.Objects), len(objects))
	}
	if !slices.IsSortedFunc(m.Objects, func(a, b Object) int { return cmp.Compare(a.Key, b.Key) }) {
		t.Error("the manifest is not in key order")
	}
	kinds := map[Kind]int{}
	for _, o := range m.Objects {
		kinds[o.Kind]++
		body := objects[o.Key]
		if int64(len(body)) != o.SizeBytes {
			t.Errorf("%s: %d bytes stored, %d in the manifest", o.Key, len(body), o.SizeBytes)
		}
		text, err := gunzip(body)
		switch {
		case o.Kind.Good():
			if err != nil {
				t.Errorf("%s (%v): %v", o.Key, o.Kind, err)
				continue
			}
			checkText(t, o, text)
		case o.Kind.Reason() != "":
			if err == nil {
				t.Errorf("%s (%v) is read without an error", o.Key, o.Kind)
			}
		case len(body) != 0:
			t.Errorf("%s (%v) holds %d bytes", o.Key, o.Kind, len(body))
		}
		if !o.Kind.Good() && (o.Content != Multiset{} || o.UncompressedBytes != 0) {
			t.Errorf("%s (%v) counts records: %+v", o.Key, o.Kind, o)
		}
	}
	for kind := Plain; kind <= Success; kind++ {
		if kinds[kind] == 0 {
			t.Errorf("no object of kind %v", kind)
		}
	}
	if kinds[NoFinalNewline] != 6 || kinds[TwoMembers] != 6 {
		t.Errorf("%d objects without a final newline and %d of two members, want 6 and 6", kinds[NoFinalNewline], kinds[TwoMembers])
	}
	if got := m.Refused("10001/"); len(got) != len(Broken) {
		t.Errorf("%d objects to be refused, want %d", len(got), len(Broken))
	}
}

func checkText(t *testing.T, o Object, text []byte) {
	t.Helper()
	if int64(len(text)) != o.UncompressedBytes {
		t.Errorf("%s: %d bytes of text, %d in the manifest", o.Key, len(text), o.UncompressedBytes)
	}
	if ends := bytes.HasSuffix(text, []byte("\n")); ends == (o.Kind == NoFinalNewline) {
		t.Errorf("%s (%v): ends with a newline: %v", o.Key, o.Kind, ends)
	}
	var content Multiset
	if err := content.AddLines(bytes.NewReader(text)); err != nil || content != o.Content {
		t.Errorf("%s: content %+v (%v), %+v in the manifest", o.Key, content, err, o.Content)
	}
}

func gunzip(body []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// TestBrokenKindsDifferInOnePlace: a checksum or length that is wrong is the
// only thing wrong, so a reader that looks at nothing else is found out.
func TestBrokenKindsDifferInOnePlace(t *testing.T) {
	_, whole := generate(t, Small(1, 1, 4<<10))
	for _, body := range whole {
		for _, kind := range []Kind{BadCRC, BadLength} {
			broken := kind.damage(bytes.Clone(body))
			for i := range body {
				if wrong := broken[i] != body[i]; wrong != (i == len(body)-map[Kind]int{BadCRC: 7, BadLength: 4}[kind]) {
					t.Errorf("%v: byte %d of %d differs: %v", kind, i, len(body), wrong)
				}
			}
		}
	}
}

func TestSameSpecSameBytes(t *testing.T) {
	m1, o1 := generate(t, testSpec())
	m2, o2 := generate(t, testSpec())
	if !slices.Equal(m1.Objects, m2.Objects) {
		t.Error("two manifests of one spec differ")
	}
	for key := range o1 {
		if !bytes.Equal(o1[key], o2[key]) {
			t.Errorf("%s differs between two runs", key)
		}
	}
	other := testSpec()
	other.Seed++
	_, o3 := generate(t, other)
	for key := range o1 {
		if len(o1[key]) > 1000 && bytes.Equal(o1[key], o3[key]) {
			t.Errorf("%s is the same under another seed", key)
		}
	}
}

// TestRecordsAreValidJSON: whatever is odd about a record, it is one object,
// and has the fields that reports ask for.
func TestRecordsAreValidJSON(t *testing.T) {
	_, objects := generate(t, Small(2, 30, 20<<10))
	fields := map[string]int{}
	records := 0
	for key, body := range objects {
		text, err := gunzip(body)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var record map[string]any
			if err := json.Unmarshal(line, &record); err != nil {
				t.Fatalf("%s: %v in %s", key, err, line)
			}
			records++
			for name := range record {
				fields[name]++
			}
			if app := fmt.Sprint(record["app_id"]); app != strings.Split(key, "/")[0] {
				t.Fatalf("%s holds a record of application %s", key, app)
			}
		}
	}
	always, sometimes := 0, 0
	for _, n := range fields {
		if n == records {
			always++
		} else {
			sometimes++
		}
	}
	if always < 20 || sometimes < 4 {
		t.Errorf("%d fields in every record and %d in some, want at least 20 and 4: %v", always, sometimes, fields)
	}
}

func TestReferencePrefix(t *testing.T) {
	s := Default(1)
	i := slices.IndexFunc(s.Prefixes, func(p Prefix) bool { return p.AppID == ReferenceAppID })
	s.Prefixes = s.Prefixes[i : i+1]
	m, _ := generate(t, s)
	got := m.Good("14184/")
	if len(m.Objects) != 502 || got.Objects != 502 {
		t.Errorf("%d objects, %d of them good; want 502", len(m.Objects), got.Objects)
	}
	if off := math.Abs(float64(got.SizeBytes)/33.7e6 - 1); off > 0.01 {
		t.Errorf("%d bytes, %.2f %% off 33.7 MB", got.SizeBytes, 100*off)
	}
	text := int64(0)
	for _, o := range m.Objects {
		text += o.UncompressedBytes
	}
	if ratio := float64(text) / float64(got.SizeBytes); ratio < 5.5 || ratio > 7 {
		t.Errorf("compressed %.2f to one, want about 6", ratio)
	}
}

func TestDefaultSpec(t *testing.T) {
	for _, scale := range []float64{0.01, 1, 3} {
		items, err := Default(scale).items()
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[Kind]int{}
		for _, it := range items {
			kinds[it.kind]++
		}
		for _, k := range slices.Concat(Broken, LeftAlone) {
			if kinds[k] != 1 {
				t.Errorf("scale %v: %d objects of kind %v, want 1", scale, kinds[k], k)
			}
		}
		if scale == 1 && (len(items) < 1450 || len(items) > 1600) {
			t.Errorf("%d objects, want about 1,500", len(items))
		}
	}
}

func TestSpecsThatCannotBeMade(t *testing.T) {
	twice := Small(1, 3, 1000)
	twice.Prefixes = append(twice.Prefixes, twice.Prefixes...)
	many := Small(1, 3, 1000)
	many.Prefixes[0].TwoMembers = 4
	for name, s := range map[string]Spec{"one application twice": twice, "more odd objects than objects": many} {
		if m, err := s.Generate(t.Context(), new(stored).put); err == nil {
			t.Errorf("%s: made %d objects", name, len(m.Objects))
		}
	}
}

func TestFailedPutEndsTheRun(t *testing.T) {
	full := errors.New("full")
	_, err := testSpec().Generate(t.Context(), func(context.Context, string, []byte) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("Generate = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := testSpec().Generate(ctx, new(stored).put); !errors.Is(err, context.Canceled) {
		t.Errorf("Generate with a cancelled context = %v", err)
	}
}

func TestMultiset(t *testing.T) {
	sum := func(text string, wrap func(io.Reader) io.Reader) Multiset {
		var m Multiset
		if err := m.AddLines(wrap(strings.NewReader(text))); err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain := func(r io.Reader) io.Reader { return r }
	want := sum("a\nb\nb\n", plain)
	if want.Records != 3 {
		t.Errorf("%d records, want 3", want.Records)
	}
	for _, equal := range []string{"b\na\nb\n", "b\nb\na"} {
		for _, wrap := range []func(io.Reader) io.Reader{plain, iotest.OneByteReader, iotest.DataErrReader} {
			if got := sum(equal, wrap); got != want {
				t.Errorf("%q: %+v, want %+v", equal, got, want)
			}
		}
	}
	for _, other := range []string{"", "a\nb\n", "a\na\nb\n", "ab\nb\n", "a\nb\nb\n\n", "a\nb\nB\n"} {
		if got := sum(other, plain); got == want {
			t.Errorf("%q has the same fingerprint", other)
		}
	}
	long := strings.Repeat("x", 1<<20)
	if got := sum(long+"\n"+long, plain); got.Records != 2 {
		t.Errorf("%d records in two long lines", got.Records)
	}
	broken := errors.New("broken")
	if err := new(Multiset).AddLines(iotest.ErrReader(broken)); err != broken {
		t.Errorf("AddLines = %v", err)
	}
}

func TestKindNames(t *testing.T) {
	for k := Plain; k <= Success; k++ {
		text, err := k.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Kind
		if err := back.UnmarshalText(text); err != nil || back != k {
			t.Errorf("%v read back is %v, %v", k, back, err)
		}
	}
	if err := new(Kind).UnmarshalText([]byte("no such")); err == nil {
		t.Error("an unknown name is read")
	}
}
