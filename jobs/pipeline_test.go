package jobs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wholePipeline = `version: 1
name: app-logs
hotspots:
  inventory: s3://reports/logs/daily/
  match: "*.gz"   # a comment
compact:
  gzip: multi
  keep-originals: true
  storage-classes: [GLACIER_IR, STANDARD_IA]
convert:
  sources:
    - s3://logs/app/
    - 's3://logs/web/'
  to: s3://tables/app/
  max-rejects: 0010
batch:
  queue: spot
  array-size: 100
`

func TestParsePipeline(t *testing.T) {
	got, err := ParsePipeline([]byte(wholePipeline))
	if err != nil {
		t.Fatal(err)
	}
	want := &Pipeline{
		Name: "app-logs",
		Hotspots: &Step{Name: "hotspots", Line: 3, Flags: []PipelineFlag{
			{"inventory", []string{"s3://reports/logs/daily/"}, 4},
			{"match", []string{"*.gz"}, 5},
		}},
		Compact: &Step{Name: "compact", Line: 6, Flags: []PipelineFlag{
			{"gzip", []string{"multi"}, 7},
			{"keep-originals", []string{"true"}, 8},
			{"storage-classes", []string{"GLACIER_IR", "STANDARD_IA"}, 9},
		}},
		Convert: &Step{Name: "convert", Line: 10, Arguments: []string{"s3://logs/app/", "s3://logs/web/"}, Flags: []PipelineFlag{
			{"to", []string{"s3://tables/app/"}, 14},
			{"max-rejects", []string{"0010"}, 15},
		}},
		Batch: &Step{Name: "batch", Line: 16, Flags: []PipelineFlag{
			{"queue", []string{"spot"}, 17},
			{"array-size", []string{"100"}, 18},
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("pipeline (-want +got):\n%s", d)
	}
	words := []string{"--gzip=multi", "--keep-originals=true", "--storage-classes=GLACIER_IR", "--storage-classes=STANDARD_IA"}
	if d := cmp.Diff(words, got.Compact.Words()); d != "" {
		t.Errorf("words of compact (-want +got):\n%s", d)
	}
	words = []string{"--to=s3://tables/app/", "--max-rejects=0010", "s3://logs/app/", "s3://logs/web/"}
	if d := cmp.Diff(words, got.Convert.Words()); d != "" {
		t.Errorf("words of convert (-want +got):\n%s", d)
	}
	if v := got.Compact.Value("storage-classes"); v != "STANDARD_IA" {
		t.Errorf("the last value is %q", v)
	}
	if got.Compact.Flag("plan") != nil || got.Compact.Value("plan") != "" {
		t.Error("a flag that is not given was found")
	}
}

func TestPipelineMayLeaveStepsOut(t *testing.T) {
	for text, want := range map[string]string{
		"version: 1\nname: a\nhotspots: {listing: s3://b/}\ncompact:\n": "hotspots compact",
		"name: a\nconvert:\n  sources: logs/\nversion: 1\n":             "convert",
		"version: 1\nname: a\ncompact:\n  prefix: s3://b/p/\n":          "compact",
	} {
		p, err := ParsePipeline([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, s := range p.Steps() {
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: steps %v, want %s", text, got, want)
		}
	}
}

func TestParsePipelineRefuses(t *testing.T) {
	const head = "version: 1\nname: a\n"
	for _, c := range []struct{ name, text, err string }{
		{"nothing", "", "the file is empty"},
		{"a comment alone", "# nothing\n", "the file is empty"},
		{"no mapping", "- a\n", "line 1, column 1: keys with their values"},
		{"no YAML", "version: 1\nname: [a\n", "line 2, column "},
		{"two documents", head + "convert: {to: t}\n---\nversion: 1\n", "a second document"},
		{"no version", "name: a\nconvert: {to: t}\n", "no version"},
		{"a later version", "name: a\nversion: 2\n", "line 2, column 1: version 2: this program reads version 1"},
		{"no name", "version: 1\nconvert: {to: t}\n", "no name"},
		{"a name with capitals", "version: 1\nname: App\n", `line 2, column 1: name "App"`},
		{"a name with a hyphen first", "version: 1\nname: -a\n", `name "-a"`},
		{"a name that is too long", "version: 1\nname: " + strings.Repeat("a", 41) + "\n", "1 to 40"},
		{"a list for a name", "version: 1\nname: [a, b]\n", "line 2, column 1: name: one value"},
		{"no step", head + "batch: {queue: q}\n", "no step"},
		{"an unknown section", head + "compcat: {gzip: multi}\n", `line 3, column 1: unknown section "compcat"`},
		{"a section twice", head + "compact: {gzip: multi}\ncompact: {gzip: single}\n", "line 4, column 1: mapping key"},
		{"a flag twice", head + "compact:\n  gzip: multi\n  gzip: single\n", "line 5, column 3: mapping key"},
		{"a list for a section", head + "compact: [gzip]\n", "line 3, column 10: keys with their values"},
		{"a text for a section", head + "compact: yes\n", "line 3, column 10: keys with their values"},
		{"a mapping for a flag", head + "compact:\n  gzip: {multi: true}\n", "gzip: a plain value"},
		{"a list in a list", head + "convert:\n  sources: [[a]]\n", "sources: a plain value"},
		{"a text of many lines", head + "compact:\n  match: |\n    *.gz\n", "match: a plain value"},
		{"an alias", head + "compact:\n  gzip: &g multi\n  verify: *g\n", "gzip: a plain value"},
		{"merged keys", head + "compact:\n  <<: {gzip: multi}\n", "line 4, column "},
		{"a flag without a value", head + "compact:\n  state:\n", "line 4, column 3: state has no value"},
		{"an empty list", head + "convert:\n  sources: []\n", "line 4, column 3: sources: the list is empty"},
		{"hyphens before a flag", head + "compact:\n  --gzip: multi\n", `line 4, column 3: compact: "--gzip" is no name of a flag`},
		{"a flag with its value in the key", head + "compact:\n  \"plan=x\": multi\n", `"plan=x" is no name of a flag`},
		{"two prefixes", head + "compact:\n  prefix: [s3://b/a/, s3://b/b/]\n", "line 4, column 3: prefix: one location"},
		{"a flag for a source", head + "convert:\n  sources: --yes\n", `sources: "--yes" is no location`},
		{"too long", head + strings.Repeat("#", MaxPipelineBytes), "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParsePipeline([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v of %+v, want one with %q", err, p, c.err)
			}
		})
	}
}

// FuzzParsePipeline: no file makes it panic, and what it accepts has a name, a
// step and flags with values.
func FuzzParsePipeline(f *testing.F) {
	f.Add([]byte(wholePipeline))
	f.Add([]byte("version: 1\nname: a\ncompact:\n"))
	f.Add([]byte("d\n---"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePipeline(b)
		if err != nil {
			return
		}
		if p.Name == "" || len(p.Steps()) == 0 {
			t.Fatalf("accepted: %+v", p)
		}
		for _, s := range p.Steps() {
			for _, flag := range s.Flags {
				if len(flag.Values) == 0 || flag.Line < s.Line {
					t.Fatalf("flag %+v of the section at line %d", flag, s.Line)
				}
			}
		}
	})
}
