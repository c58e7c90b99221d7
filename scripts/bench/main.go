// Command bench measures s3compact beside its peers, in one run, on inputs that
// it makes itself and keeps in .cache/bench. docs/benchmarks.md says what is
// measured and how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/s3compact/s3compact/internal/buildcache"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case launchCommand:
			return launch(args[1:])
		case inflateCommand:
			return runInflateCommand(args[1:])
		case fetchCommand:
			return runFetch(ctx, args[1:])
		case queryCommand:
			if len(args) != 3 {
				return errors.New("query FOLDER TABLE")
			}
			return runQuery(ctx, args[1], args[2])
		case listCommand:
			return runList(ctx, args[1:])
		}
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	isQuick := flags.Bool("quick", false, "small inputs and two repeats: shows that everything works, the numbers mean little")
	only := flags.String("only", "", "run only the trials whose \"section: input\" matches this `REGEXP`")
	repeats := flags.Int("repeats", 7, "run each contender `N` times")
	write := flags.String("write", "", "put the tables into this `FILE` of Markdown, between its marks")
	jsonFile := flags.String("json", "", "write all results to this `FILE`")
	program := flags.String("program", "", "measure this s3compact `FILE`, an earlier one for example, instead of building one")
	makeOnly := flags.Bool("make", false, "make the inputs and the peers, run nothing")
	list := flags.Bool("list", false, "like -make, and list the trials and the commands of each contender")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	filter, err := regexp.Compile(*only)
	switch {
	case err != nil:
		return fmt.Errorf("-only: %w", err)
	case flags.NArg() > 0:
		return fmt.Errorf("arguments %q: there are only flags", flags.Args())
	case *repeats < 1:
		return errors.New("-repeats: 1 or more")
	case *write != "" && (*isQuick || *only != ""):
		return errors.New("-write is for whole runs of the full size: leave -quick and -only away")
	}
	b := &bench{size: full, only: filter}
	if *isQuick {
		b.size, *repeats = quick, min(*repeats, 2)
	}
	if b.tmp, err = os.MkdirTemp("", "s3compact-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.tmp) }() // in the folder for temporary files
	defer func() {
		for _, c := range b.closers {
			c()
		}
	}()
	if b.s3compact = *program; *program == "" {
		if err := b.build(ctx); err != nil {
			return err
		}
	}
	trials, err := b.trials(ctx)
	if err != nil {
		return err
	}
	if *list {
		for _, t := range trials {
			fmt.Printf("%s: %s\n", t.Section, t.Input)
			for _, c := range t.Contenders {
				fmt.Printf("\t%s: %.160q\n", c.Name, c.Run)
			}
		}
	}
	if *list || *makeOnly {
		return nil
	}
	r, err := b.run(ctx, trials, *repeats)
	if err != nil {
		return err
	}
	r.markdown(os.Stdout)
	if *jsonFile != "" {
		if err := writeJSON(*jsonFile, r); err != nil {
			return err
		}
	}
	if *write != "" {
		return r.writeInto(*write)
	}
	return nil
}

// bench is one run of the benchmarks.
type bench struct {
	size      size
	only      *regexp.Regexp
	tmp       string // folder for answers
	s3compact string // the program
	closers   []func()
}

// build builds s3compact as make build does.
func (b *bench) build(ctx context.Context) error {
	root, err := buildcache.Root()
	if err != nil {
		return err
	}
	version, err := output(ctx, "git", "-C", root, "describe", "--tags", "--always", "--dirty")
	if err != nil {
		version = "devel"
	}
	b.s3compact = filepath.Join(b.tmp, "s3compact")
	return commandIn(ctx, root, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+oneLine(version), "-o", b.s3compact, "./cmd/s3compact")
}

// trials makes the inputs of all trials that are wanted.
func (b *bench) trials(ctx context.Context) ([]trial, error) {
	var wanted []trial
	for _, section := range []struct {
		names []string // of the sections that it makes
		make  func(context.Context) ([]trial, error)
	}{{[]string{"inflate"}, b.inflateTrials}, {[]string{"orc", "large"}, b.orcTrials}, {[]string{"listing"}, b.listingTrials}, {[]string{"compact"}, b.compactTrials}, {[]string{"convert"}, b.convertTrials}} {
		if !slices.ContainsFunc(section.names, func(name string) bool { return !b.passesOver(name) }) {
			continue
		}
		trials, err := section.make(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range trials {
			if b.wants(&t) {
				wanted = append(wanted, t)
			}
		}
	}
	if len(wanted) == 0 && !b.wantsCost() {
		return nil, fmt.Errorf("-only %s matches no trial: -list shows them", b.only)
	}
	return wanted, nil
}

// passesOver says whether -only begins with ^ and the name of other sections,
// whose inputs need not be made.
func (b *bench) passesOver(section string) bool {
	anchored, ok := strings.CutPrefix(b.only.String(), "^")
	if !ok {
		return false
	}
	word := anchored
	if i := strings.IndexFunc(anchored, func(c rune) bool { return c < 'a' || c > 'z' }); i >= 0 {
		word = anchored[:i]
		if strings.IndexByte("?*{|", anchored[i]) >= 0 {
			return false
		}
	}
	return !strings.HasPrefix(section, word) && !strings.HasPrefix(word, section)
}

// wants says whether -only asks for a trial.
func (b *bench) wants(t *trial) bool { return b.only.MatchString(t.Section + ": " + t.Input) }

func (b *bench) wantsCost() bool { return b.only.MatchString(costInput) }

// run carries the trials out, one process at a time.
func (b *bench) run(ctx context.Context, trials []trial, repeats int) (*report, error) {
	r := &report{Machine: describeMachine(ctx, b.s3compact), Size: b.size}
	for i := range trials {
		t := &trials[i]
		say("%d of %d: %s: %s", i+1, len(trials), t.Section, t.Input)
		results, err := t.repeat(ctx, repeats)
		if err != nil {
			return nil, err
		}
		r.Results = append(r.Results, results...)
		if b.size == full {
			r.Verdicts = append(r.Verdicts, t.judge(results)...)
			r.Verdicts = append(r.Verdicts, t.judgeBase(r.Results)...)
		}
	}
	if b.wantsCost() {
		var err error
		if r.Cost, err = b.measureCost(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", costInput, err)
		}
		if b.size == full {
			r.Verdicts = append(r.Verdicts, r.Cost.verdicts()...)
		}
	}
	return r, nil
}

func runInflateCommand(args []string) error {
	if len(args) != 3 {
		return errors.New("inflate NAME CORPUS ROUNDS")
	}
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return runInflate(args[0], args[1], rounds)
}
