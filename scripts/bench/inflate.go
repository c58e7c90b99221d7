package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/s3compact/s3compact/internal/buildcache"
	"github.com/s3compact/s3compact/internal/demodata"
)

//go:embed peers/corpus.py
var corpusProgram string

// corpusVersion changes whenever the inflate benchmark's inputs do.
const corpusVersion = "v1"

// inflateBytes is how much a contender inflates in a run.
const inflateBytes = 1000e6

// inflateTrials inflate gzip log members with their CRC-32, the key columns of
// ORC files, and a mix of all sorts of files.
func (b *bench) inflateTrials(ctx context.Context) ([]trial, error) {
	logs, err := makeLogs(ctx)
	if err != nil {
		return nil, err
	}
	corpora := []struct {
		name, input string
		args        func() ([]string, error)
	}{
		{"logs", "log members of 40 KB, gzip with CRC-32", func() ([]string, error) { return []string{"gzip", logs}, nil }},
		{"orc-keys-45", "ORC keys of 45 bytes, unsorted", func() ([]string, error) { return b.keyColumn(ctx, "k45") }},
		{"orc-keys-123", "ORC keys of 123 bytes, unsorted", func() ([]string, error) { return b.keyColumn(ctx, "k123") }},
		{"mix", "mix of text, source, programs, tables", func() ([]string, error) { return mixShares(ctx, logs) }},
	}
	var trials []trial
	for _, c := range corpora {
		file, err := makeCorpus(ctx, c.name, b.size, c.args)
		if err != nil {
			return nil, err
		}
		total, err := inflatedBytes(file)
		if err != nil {
			return nil, err
		}
		rounds := max(1, int(inflateBytes/float64(total)))
		if b.size == quick {
			rounds = max(1, rounds/10)
		}
		t := trial{
			Section: "inflate", Input: c.input, Work: float64(rounds) * float64(total) / 1e6, Unit: "MB", Goal: 1, Least: 0.85,
			Against: func(c contender) bool { return strings.HasPrefix(c.Name, "libdeflate") },
		}
		if t.Contenders, err = b.inflateContenders(ctx, file, rounds); err != nil {
			return nil, err
		}
		trials = append(trials, t)
	}
	return trials, nil
}

func (b *bench) inflateContenders(ctx context.Context, file string, rounds int) ([]contender, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var cs []contender
	for _, d := range goInflaters {
		command := func(rounds int) []string { return []string{self, inflateCommand, d.name, file, strconv.Itoa(rounds)} }
		cs = append(cs, contender{Name: d.name, Ours: d.ours, Start: command(0), Run: command(rounds)})
	}
	for _, l := range cInflaters {
		program, missing := l.make(ctx)
		if missing != nil {
			cs = append(cs, contender{Name: l.name, Missing: whyMissing(l.name, missing)})
			continue
		}
		command := func(rounds int) []string { return []string{program, file, strconv.Itoa(rounds)} }
		cs = append(cs, contender{Name: l.name, Start: command(0), Run: command(rounds)})
	}
	return cs, nil
}

// makeCorpus makes an input as peers/corpus.py describes it.
func makeCorpus(ctx context.Context, name string, s size, args func() ([]string, error)) (string, error) {
	py, err := python(ctx)
	if err != nil {
		return "", err
	}
	return buildcache.Make(ctx, path.Join("bench", "corpus-"+corpusVersion, string(s), name), func(ctx context.Context, tmp string) error {
		say("making the corpus %s/%s", s, name)
		a, err := args()
		if err != nil {
			return err
		}
		return command(ctx, py, append([]string{"-c", corpusProgram, tmp}, a...)...)
	})
}

// makeLogs returns a folder of access logs, gzip, 40 KB each.
func makeLogs(ctx context.Context) (string, error) {
	return buildcache.Make(ctx, path.Join("bench", "corpus-"+corpusVersion, "log-objects"), func(ctx context.Context, tmp string) error {
		if err := os.MkdirAll(tmp, 0o755); err != nil {
			return err
		}
		spec := demodata.Spec{
			Seed: 40, Start: time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC), Days: 7,
			Prefixes: []demodata.Prefix{
				{AppID: 10027, Objects: 70, MeanSizeBytes: 40_000}, {AppID: 14184, Objects: 70, MeanSizeBytes: 40_000}, {AppID: 19403, Objects: 60, MeanSizeBytes: 40_000},
			},
		}
		_, err := spec.Generate(ctx, func(_ context.Context, key string, body []byte) error {
			return os.WriteFile(filepath.Join(tmp, strings.ReplaceAll(key, "/", "_")), body, 0o644)
		})
		return err
	})
}

// keyColumn is the key column of an unsorted ZLIB inventory.
func (b *bench) keyColumn(ctx context.Context, name string) ([]string, error) {
	for _, d := range inventories {
		if d.name != name {
			continue
		}
		folder, err := d.make(ctx, b.size)
		if err != nil {
			return nil, err
		}
		files, err := filepath.Glob(filepath.Join(folder, "shuffled-zlib", "*.orc"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("no data file in %s", folder)
		}
		return []string{"orc-keys", files[0]}, nil
	}
	return nil, fmt.Errorf("no inventory %s", name)
}

// mixShares are the parts of the mix, in the spirit of the Silesia corpus:
// everything comes from what is pinned (the Go toolchain, the packages of the
// Python environment) or made from a seed.
func mixShares(ctx context.Context, logs string) ([]string, error) {
	out, err := output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	goroot := strings.TrimSpace(out)
	py, err := python(ctx)
	if err != nil {
		return nil, err
	}
	packages := filepath.Join(filepath.Dir(filepath.Dir(py)), "lib", "python3*", "site-packages")
	inventory, err := inventories[0].make(ctx, quick)
	if err != nil {
		return nil, err
	}
	return []string{
		"mix",
		"1:" + goroot + "/src/testdata/*.txt",                  // English prose
		"9:" + goroot + "/src/**/*.go",                         // source
		"4:" + packages + "/pandas/**/*.py",                    // source
		"3:" + packages + "/pyarrow/include/**/*.h",            // source
		"2:" + goroot + "/src/**/*.s",                          // tables of assembly
		"8:" + goroot + "/pkg/tool/**/*",                       // programs
		"8:" + packages + "/pyarrow/*.so*",                     // programs
		"4:" + logs + "/*",                                     // JSON
		"2:" + packages + "/tzdata/zoneinfo/**/*",              // small binary tables
		"4:" + filepath.Join(inventory, "sorted-snappy/*.orc"), // columns, compressed lightly
		"1:random",
	}, nil
}
