package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed peers/query.py
var queryProgram string

// The reference query's bounds on groups: GROUP BY … HAVING COUNT(*) >= 8 AND
// SUM(size) < 1 GiB.
const (
	minObjects = 8
	maxBytes   = 1 << 30
)

// orcTrials asks for the groups of the reports: the reference query (by first
// segment) on the two key lengths, in both orders and compressions, from the
// writers of C++ and of Java; then 30 M rows, by first segment and by folder.
func (b *bench) orcTrials(ctx context.Context) ([]trial, error) {
	program := filepath.Join(b.tmp, "query.py")
	if err := os.WriteFile(program, []byte(queryProgram), 0o644); err != nil {
		return nil, err
	}
	start, err := tinyInventory.make(ctx, full)
	if err != nil {
		return nil, err
	}
	start = filepath.Join(start, "shuffled-zlib")
	var trials []trial
	for _, d := range inventories {
		folder, err := d.make(ctx, b.size)
		if err != nil {
			return nil, err
		}
		large := d.Folders > 0
		for _, v := range d.Variants {
			t := trial{
				Section: "orc", Input: fmt.Sprintf("%s, %s, %s", d.describe(b.size), v[0], map[string]string{"zlib": "ZLIB", "snappy": "Snappy"}[v[1]]),
				Work: float64(d.rows(b.size)) / 1e6, Unit: "M rows", Goal: 1.25,
			}
			if v[0] == "sorted" {
				t.Goal = 3
			}
			report := filepath.Join(folder, v[0]+"-"+v[1])
			groupings := []string{"depth1"}
			if large {
				t.Section, t.Goal, t.Few, t.MostBytes = "large", 0, true, 512<<20
				groupings = append(groupings, "dir")
			}
			for _, g := range groupings {
				t := t
				if large {
					t.Input += ", by " + map[string]string{"depth1": "first segment", "dir": "folder"}[g]
				}
				q := query{program: program, grouping: g, start: start, report: report, truth: filepath.Join(folder, g+".tsv")}
				if t.Contenders, err = b.queryContenders(ctx, q, large); err != nil {
					return nil, err
				}
				trials = append(trials, t)
			}
		}
		if d.name != "k45" {
			continue
		}
		java, missing := makeJava(ctx, b.size, folder)
		why := ""
		if missing != nil {
			why = whyMissing("the files of Apache ORC's Java writer", missing)
		}
		for _, order := range []string{"shuffled", "sorted"} {
			t := trial{Section: "orc", Input: fmt.Sprintf("%s, %s, ZLIB, by the Java writer", d.describe(b.size), order), Work: float64(d.rows(b.size)) / 1e6, Unit: "M rows", Goal: 1.25}
			if order == "sorted" {
				t.Goal = 3
			}
			if why != "" {
				t.Contenders = []contender{{Name: "everybody", Missing: why}}
				trials = append(trials, t)
				continue
			}
			q := query{program: program, grouping: "depth1", start: start, report: filepath.Join(java, order+"-zlib"), truth: filepath.Join(folder, "depth1.tsv")}
			if t.Contenders, err = b.queryContenders(ctx, q, false); err != nil {
				return nil, err
			}
			trials = append(trials, t)
		}
	}
	return trials, nil
}

// query is one question about a report.
type query struct {
	program       string // peers/query.py
	grouping      string // "depth1" or "dir"
	start, report string // folders of the report that is all start-up, and of the one in question
	truth         string // file with all groups
}

func (b *bench) queryContenders(ctx context.Context, q query, large bool) ([]contender, error) {
	truth, err := readTruth(q.truth)
	if err != nil {
		return nil, err
	}
	py, err := python(ctx)
	if err != nil {
		return nil, err
	}
	plan, table := filepath.Join(b.tmp, "plan.jsonl"), filepath.Join(b.tmp, "groups.tsv")
	var cs []contender
	for _, concurrency := range []int{1, 0} {
		c := contender{Name: "s3compact hotspots", Ours: true, Answer: plan, Check: func() error { return truth.equal(readPlan(plan)) }}
		command := func(report string) []string {
			argv := []string{
				b.s3compact, "hotspots", "--inventory", report, "--group-by", strings.Replace(q.grouping, "depth", "depth=", 1),
				"--small-size", "none", "--max-total", "1GiB", "--min-objects", strconv.Itoa(minObjects), "--plan", plan,
			}
			if concurrency > 0 {
				argv = append(argv, "--concurrency", strconv.Itoa(concurrency))
			}
			return argv
		}
		if concurrency == 1 {
			c.Name += ", 1 reader"
		}
		c.Start, c.Run = command(q.start), command(q.report)
		cs = append(cs, c)
	}
	if q.grouping == "depth1" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		command := func(report string) []string { return []string{self, queryCommand, report, table} }
		cs = append(cs, contender{
			Name: "inventory/orc, key and size", Ours: true, Part: "the reader on the columns that peers read",
			Start: command(q.start), Run: command(q.report), Answer: table, Check: func() error { return truth.equal(readTable(table)) },
		})
	}
	engines := []struct {
		engine  string
		threads int
		name    string
		large   bool // also asked of large reports
	}{
		{"chdb", 1, "chDB, 1 thread", true}, {"chdb", 0, "chDB", true},
		{"duckdb", 1, "DuckDB over pyarrow, 1 thread", false}, {"duckdb", 0, "DuckDB over pyarrow", true},
		{"pyarrow", 1, "pyarrow by stripe, 1 thread", false}, {"pyarrow", 0, "pyarrow by stripe", false},
	}
	for _, e := range engines {
		if large && !e.large {
			continue
		}
		command := func(report string) []string {
			return []string{py, q.program, e.engine, strconv.Itoa(e.threads), report, q.grouping, strconv.Itoa(minObjects), strconv.Itoa(maxBytes), table}
		}
		cs = append(cs, contender{
			Name: e.name, Start: command(q.start), Run: command(q.report),
			Answer: table, Check: func() error { return truth.equal(readTable(table)) },
		})
	}
	return cs, nil
}

// groups are an answer or the truth: "prefix<TAB>objects<TAB>bytes", sorted.
type groups []string

// readTruth reads the groups that the query must find.
func readTruth(path string) (groups, error) {
	all, err := readTable(path)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(line string) bool {
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			return false // equal to no answer
		}
		objects, _ := strconv.ParseInt(f[1], 10, 64)
		bytes, _ := strconv.ParseInt(f[2], 10, 64)
		return objects < minObjects || bytes >= maxBytes
	}), nil
}

// readTable reads an answer of peers/query.py, or the truth.
func readTable(path string) (groups, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var g groups
	for line := range bytes.Lines(b) {
		g = append(g, strings.TrimRight(string(line), "\r\n"))
	}
	slices.Sort(g)
	return g, nil
}

// readPlan reads the hotspots of a plan.
func readPlan(path string) (groups, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var g groups
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h struct {
			Type    string `json:"type"`
			Prefix  string `json:"prefix"`
			Objects int64  `json:"objects"`
			Bytes   int64  `json:"bytes"`
		}
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if h.Type == "hotspot" {
			g = append(g, fmt.Sprintf("%s\t%d\t%d", h.Prefix, h.Objects, h.Bytes))
		}
	}
	slices.Sort(g)
	return g, lines.Err()
}

// equal says where an answer differs from the truth.
func (want groups) equal(got groups, err error) error {
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if len(want) == 0 {
		return errors.New("the truth has no groups, so the answer shows nothing")
	}
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Errorf("wrong answer: %d groups, expected %d; the first difference is at %q, expected %q", len(got), len(want), at(got, i), at(want, i))
		}
	}
	return nil
}

func at(g groups, i int) string {
	if i < len(g) {
		return g[i]
	}
	return "nothing"
}
