package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/demodata"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test"
)

// lake is a bucket of demo data on the real server.
type lake struct {
	t      *testing.T
	bucket string
	store  *s3store.Client
	truth  *demodata.Manifest
}

// newLake fills a bucket with three hot prefixes, broken and empty objects
// among them, and one with few objects.
func newLake(t *testing.T) *lake {
	t.Helper()
	server := s3test.Start(t)
	server.Setenv(t)
	l := &lake{t: t, bucket: server.Bucket(t)}
	spec := demodata.Small(3, 20, 4<<10)
	spec.Prefixes[0].Extra = demodata.Broken
	spec.Prefixes[1].Extra = demodata.LeftAlone[:1]
	spec.Prefixes[2].Extra = []demodata.Kind{demodata.Success, demodata.Truncated}
	spec.Prefixes = append(spec.Prefixes, demodata.Prefix{AppID: 10009, Objects: 3, MeanSizeBytes: 2 << 10})
	var err error
	if l.truth, err = spec.Generate(context.Background(), demodata.ToBucket(server.Client(), l.bucket)); err != nil {
		t.Fatal(err)
	}
	if l.store, err = s3store.Open(context.Background(), s3store.Options{}); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lake) list() map[string]s3store.Object {
	l.t.Helper()
	all := map[string]s3store.Object{}
	err := l.store.List(context.Background(), l.bucket, s3store.ListOptions{}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			all[o.Key] = o
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

// data is what engines see: everything but the state.
func (l *lake) data() map[string]s3store.Object {
	all := l.list()
	maps.DeleteFunc(all, func(key string, _ s3store.Object) bool { return strings.HasPrefix(key, "_") })
	return all
}

// content is the multiset of the records in all objects that are whole gzip.
func (l *lake) content() (m demodata.Multiset) {
	l.t.Helper()
	for key := range l.data() {
		body, _, err := l.store.ReadAll(context.Background(), l.bucket, key, 1<<30)
		if err != nil {
			l.t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			continue // broken: compared by its ETag
		}
		if err := m.AddLines(bytes.NewReader(text)); err != nil {
			l.t.Fatal(err)
		}
	}
	return m
}

// result is what a run of the program did.
type result struct {
	code           int
	stdout, stderr string
}

func (r result) lines(t *testing.T, kind string) (all []map[string]any) {
	t.Helper()
	sc := bufio.NewScanner(strings.NewReader(r.stdout))
	for sc.Scan() {
		var line map[string]any
		if err := json.Unmarshal(sc.Bytes(), &line); err != nil {
			t.Fatalf("stdout has %q, which is no JSON: %v", sc.Text(), err)
		}
		if line["type"] == kind {
			all = append(all, line)
		}
	}
	return all
}

func (r result) summary(t *testing.T) map[string]any {
	t.Helper()
	s := r.lines(t, "summary")
	if len(s) != 1 {
		t.Fatalf("%d summaries in %q (stderr %s)", len(s), r.stdout, r.stderr)
	}
	return s[0]
}

func s3compact(args ...string) result {
	var out, log bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &log}
	code := p.run(append([]string{"s3compact"}, args...))
	return result{code, out.String(), log.String()}
}

// checkCompacted compares the bucket with the truth after all hot groups were compacted.
func (l *lake) checkCompacted(before map[string]s3store.Object) {
	l.t.Helper()
	if got, want := l.content(), l.truth.Good("").Content; got != want {
		l.t.Errorf("the records are %+v, want %+v", got, want)
	}
	after := l.data()
	for _, o := range l.truth.Objects {
		_, there := after[o.Key]
		hot := o.AppID != 10009
		switch {
		case o.Kind.Good() && hot && there:
			l.t.Errorf("%s was joined but is still there", o.Key)
		case (!o.Kind.Good() || !hot) && after[o.Key] != before[o.Key]:
			l.t.Errorf("%s (%s) was touched", o.Key, o.Kind)
		}
	}
}

func TestCompactOfAPlanByFourShardsAtOnce(t *testing.T) {
	l := newLake(t)
	before := l.data()
	plan := filepath.Join(t.TempDir(), "plan.jsonl")
	printed := s3compact("hotspots", "--listing", "s3://"+l.bucket+"/", "--output", "json")
	if printed.code != exitDone {
		t.Fatalf("hotspots: %+v", printed)
	}
	// What is printed is a plan as well as what --plan writes.
	if err := os.WriteFile(plan, []byte(printed.stdout), 0o600); err != nil {
		t.Fatal(err)
	}

	dry := s3compact("compact", "--plan", plan, "--dry-run", "--min-age", "0s", "--output", "json")
	if dry.code != exitDone {
		t.Fatalf("dry run: %+v", dry)
	}
	if s := dry.summary(t); s["groups"] != 3.0 || s["outputs"] != 3.0 || s["objects_deleted"] != 0.0 || s["objects_in"] != 60.0+float64(len(demodata.Broken)+1) {
		t.Errorf("the dry run says %v", s)
	}
	if !maps.Equal(before, l.list()) {
		t.Fatal("a dry run changed the bucket")
	}

	results := make([]result, 4)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			results[i] = process("compact", "--plan", plan, "--yes", "--min-age", "0s", "--output", "json", "--shard", fmt.Sprintf("%d/4", i))
		})
	}
	wg.Wait()
	var groups, in, deleted, refused float64
	reasons := map[string]string{}
	for _, r := range results {
		if r.code != exitDone && r.code != exitRefused {
			t.Fatalf("a shard failed: %+v", r)
		}
		s := r.summary(t)
		groups += s["groups_done"].(float64)
		in += s["objects_in"].(float64)
		deleted += s["objects_deleted"].(float64)
		refused += s["objects_refused"].(float64)
		if (r.code == exitRefused) != (s["objects_refused"].(float64) > 0) {
			t.Errorf("exit code %d with %v refused", r.code, s["objects_refused"])
		}
		for _, line := range r.lines(t, "refused") {
			reasons[line["key"].(string)] = line["reason"].(string)
		}
	}
	if groups != 3 || in != 60 || deleted != 60 || int(refused) != len(l.truth.Refused("")) {
		t.Errorf("four shards did %v groups, %v objects in, %v deleted, %v refused", groups, in, deleted, refused)
	}
	for _, o := range l.truth.Refused("") {
		if reasons[o.Key] != o.Kind.Reason() {
			t.Errorf("%s was refused as %q, want %q", o.Key, reasons[o.Key], o.Kind.Reason())
		}
	}
	l.checkCompacted(before)

	// Once more, as one shard: nothing is done, the refusals are told again.
	settled := l.data()
	again := s3compact("--log-level", "warn", "compact", "--plan", plan, "--yes", "--min-age", "0s", "--output", "json")
	if s := again.summary(t); again.code != exitRefused || s["objects_in"] != 0.0 || s["objects_refused"] != refused || !maps.Equal(settled, l.data()) {
		t.Errorf("a second run: %+v", again)
	}

	verified := s3compact("verify", "--state", "s3://"+l.bucket+"/_s3compact/", "--output", "json")
	if s := verified.summary(t); verified.code != exitDone || s["outputs"] != 3.0 || s["outputs_bad"] != 0.0 || s["members"] != 60.0 {
		t.Errorf("verify: %+v", verified)
	}
}

func TestCompactOfAPrefixAndAgain(t *testing.T) {
	l := newLake(t)
	before := l.data()
	first := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s", "--output", "json")
	if first.code != exitRefused {
		t.Fatalf("%+v", first)
	}
	l.checkCompacted(before)
	second := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s", "--output", "json")
	if second.code != exitRefused || second.summary(t)["objects_in"] != 0.0 || len(second.lines(t, "refused")) != len(first.lines(t, "refused")) {
		t.Errorf("again: %+v", second)
	}
	one := s3compact("compact", "s3://"+l.bucket+"/10002/", "--yes", "--min-age", "0s", "--output", "json")
	if one.code != exitDone || one.summary(t)["objects_refused"] != 0.0 {
		t.Errorf("one clean prefix: %+v", one)
	}
}

func TestCompactAsks(t *testing.T) {
	l := newLake(t)
	before := l.list()
	ask := func(answer string, terminal bool, args ...string) (int, string) {
		var out, log bytes.Buffer
		p := &program{stdin: strings.NewReader(answer), stdout: &out, stderr: &log, stdinTerminal: terminal}
		return p.run(append([]string{"s3compact", "compact", "s3://" + l.bucket + "/", "--min-age", "0s"}, args...)), log.String()
	}
	if code, log := ask("", false); code != exitUsage || !strings.Contains(log, "--yes") {
		t.Errorf("without a terminal: exit %d, %s", code, log)
	}
	if code, log := ask("n\n", true); code != exitUsage || !strings.Contains(log, "67 objects") {
		t.Errorf("answered no: exit %d, %s", code, log)
	}
	if !maps.Equal(before, l.list()) {
		t.Fatal("something was done without a yes")
	}
	if code, log := ask("y\n", true); code != exitRefused {
		t.Errorf("answered yes: exit %d, %s", code, log)
	}
}

func TestCompactRefusesBadCalls(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	header := `{"type":"plan","version":%d,"id":"x","bucket":"` + bucket + `","thresholds":{"group_by":"dir","min_objects":8,"match":"*","target_size":1073741824},"totals":{"hotspots":%d}}` + "\n"
	empty := write("empty.jsonl", fmt.Sprintf(header, 1, 0))
	newer := write("newer.jsonl", fmt.Sprintf(header, 2, 0))
	cut := write("cut.jsonl", fmt.Sprintf(header, 1, 2)+`{"type":"hotspot","prefix":"a/"}`+"\n")
	slash := write("slash.jsonl", fmt.Sprintf(header, 1, 1)+`{"type":"hotspot","prefix":"a"}`+"\n")
	lost := write("lost.jsonl", strings.ReplaceAll(fmt.Sprintf(header, 1, 1), bucket, "no-such-bucket-here")+`{"type":"hotspot","prefix":"a/"}`+"\n")
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"nothing to do", []string{"--plan", empty, "--yes"}, exitDone, ""},
		{"no source", []string{"--yes"}, exitUsage, "compact what?"},
		{"both sources", []string{"s3://b/p/", "--plan", empty, "--yes"}, exitUsage, "not both"},
		{"two prefixes", []string{"s3://b/p/", "s3://b/q/", "--yes"}, exitUsage, "compact what?"},
		{"selection beside a plan", []string{"--plan", empty, "--min-objects", "3", "--yes"}, exitUsage, "--min-objects"},
		{"a plan of another version", []string{"--plan", newer, "--yes"}, exitUsage, "version 2"},
		{"a cut plan", []string{"--plan", cut, "--yes"}, exitUsage, "cut"},
		{"a plan with a prefix without its slash", []string{"--plan", slash, "--yes"}, exitUsage, "slash"},
		{"no plan there", []string{"--plan", filepath.Join(dir, "none"), "--yes"}, exitFailed, "none"},
		{"a missing bucket in a plan", []string{"--plan", lost, "--yes"}, exitFailed, "no-such-bucket-here"},
		{"a missing bucket", []string{"s3://no-such-bucket-here/a/", "--yes"}, exitFailed, "no-such-bucket-here"},
		{"no closing slash", []string{"s3://" + bucket + "/a", "--yes"}, exitUsage, "slash"},
		{"not S3", []string{"/tmp/x/", "--yes"}, exitUsage, "s3://"},
		{"a state that engines read", []string{"s3://" + bucket + "/a/", "--state", "s3://" + bucket + "/state/", "--yes"}, exitUsage, "begins with _"},
		{"a misspelt flag after the argument", []string{"s3://" + bucket + "/a/", "--yse"}, exitUsage, "--yse"},
		{"a bad size", []string{"s3://" + bucket + "/a/", "--small-size", "many", "--yes"}, exitUsage, "--small-size"},
		{"a boundless concurrency", []string{"s3://" + bucket + "/a/", "--concurrency", "9223372036854775807", "--yes"}, exitUsage, "from 1 to 4096"},
		{"a bad shard", []string{"s3://" + bucket + "/a/", "--shard", "4/4", "--yes"}, exitUsage, "shard"},
		{"a bad content", []string{"s3://" + bucket + "/a/", "--content", "xml", "--yes"}, exitUsage, "--content"},
		{"a bad output", []string{"s3://" + bucket + "/a/", "--output", "xml", "--yes"}, exitUsage, "--output"},
		{"a form of gzip", []string{"s3://" + bucket + "/a/", "--gzip", "zstd", "--yes"}, exitUsage, "multi or single"},
		{"a bad verification", []string{"s3://" + bucket + "/a/", "--verify", "hope", "--yes"}, exitUsage, "--verify"},
		{"a bad duration", []string{"s3://" + bucket + "/a/", "--min-age", "soon", "--yes"}, exitUsage, "min-age"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s3compact(append([]string{"compact"}, c.args...)...)
			if r.code != c.code || !strings.Contains(r.stderr, c.says) {
				t.Errorf("exit %d, says %q; want exit %d and %q", r.code, r.stderr, c.code, c.says)
			}
		})
	}
	client, err := s3store.Open(context.Background(), s3store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &lake{t: t, bucket: bucket, store: client}
	if left := slices.Collect(maps.Keys(l.list())); len(left) > 0 {
		t.Errorf("bad calls wrote %v", left)
	}
}

// TestSignalsStopSafely stops the program while it works on more than it can do at once.
func TestSignalsStopSafely(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "s3compact")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for signal, want := range map[syscall.Signal]int{syscall.SIGTERM: exitResumable, syscall.SIGINT: exitInterrupted} {
		t.Run(signal.String(), func(t *testing.T) {
			l := newLake(t)
			before := l.data()
			cmd := exec.Command(binary, "compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s", "--output", "json", "--concurrency", "1")
			var out bytes.Buffer
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Wait until it is at work: its state is there.
			for range 2000 {
				if len(l.list()) > len(before) {
					break
				}
				time.Sleep(2 * time.Millisecond)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			code := cmd.ProcessState.ExitCode()
			if code != want {
				t.Errorf("exit code %s, want %d: %s", strconv.Itoa(code), want, out.String())
			}
			if got, want := l.content(), l.truth.Good("").Content; got.Records < want.Records {
				t.Errorf("records %d, before %d", got.Records, want.Records)
			}
			r := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s", "--output", "json")
			if r.code != exitRefused {
				t.Errorf("the rerun: %+v", r)
			}
			l.checkCompacted(before)
		})
	}
}

func TestDeadlineStopsResumably(t *testing.T) {
	l := newLake(t)
	r := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0s", "--deadline", "1ms")
	if r.code != exitResumable || !strings.Contains(r.stderr, "--deadline") {
		t.Errorf("%+v", r)
	}
}

func TestCompactTellsOutputsCompactedAgain(t *testing.T) {
	var b bytes.Buffer
	sum := compactor.Summary{ObjectsIn: 10, Groups: 1, Outputs: 2, OutputsAbsorbed: 3, ObjectsDeleted: 10}
	newCompactOutput(&program{stdout: &b}, false, false).summary(sum, spent{})
	if want := "into 2 outputs (0 B); compacted 3 outputs again; deleted 10,"; !strings.Contains(b.String(), want) {
		t.Errorf("%q is not in %q", want, b.String())
	}
}
