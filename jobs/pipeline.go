package jobs

import (
	"fmt"
	"regexp"
	"slices"
)

// MaxPipelineBytes bounds a pipeline file.
const MaxPipelineBytes = 1 << 20

// Pipeline is a pipeline file: the steps from small objects to tables, each
// with the flags of its command. A step that the file leaves out is nil.
type Pipeline struct {
	Name                       string // of its jobs and plans; see pipelineName
	Hotspots, Compact, Convert *Step
	Batch                      *Step // the flags of submit
}

// Step is one section of a pipeline file.
type Step struct {
	Name string // of the section, and but for batch of the command
	// Flags are in the order of the file, and their names are those of the
	// command's flags: whether it has them is not known here.
	Flags     []PipelineFlag
	Arguments []string // of prefix or sources
	Line      int      // of the section, from 1
}

// PipelineFlag is a flag of a step. A list in the file is a flag that is given
// more than once.
type PipelineFlag struct {
	Name   string
	Values []string // one or more, as they are written: a boolean is true or false
	Line   int      // from 1
}

// pipelineName leaves room in the 63 characters of a Kubernetes name for what
// is put around it.
var pipelineName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// flagName is what a key can be that becomes a flag.
var flagName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// argumentKeys are the keys of the sections that hold arguments.
var argumentKeys = map[string]string{"compact": "prefix", "convert": "sources"}

// Steps are those to run, in their order.
func (p *Pipeline) Steps() []*Step {
	return slices.DeleteFunc([]*Step{p.Hotspots, p.Compact, p.Convert}, func(s *Step) bool { return s == nil })
}

// Flag is the flag of that name, or nil.
func (s *Step) Flag(name string) *PipelineFlag {
	if i := slices.IndexFunc(s.Flags, func(f PipelineFlag) bool { return f.Name == name }); i >= 0 {
		return &s.Flags[i]
	}
	return nil
}

// Value is the last value of a flag, or nothing where it is not given.
func (s *Step) Value(name string) string {
	if f := s.Flag(name); f != nil {
		return f.Values[len(f.Values)-1]
	}
	return ""
}

// Words are the flags as --flag=value and the arguments behind them, as the
// command takes them.
func (s *Step) Words() []string {
	var words []string
	for _, f := range s.Flags {
		for _, v := range f.Values {
			words = append(words, "--"+f.Name+"="+v)
		}
	}
	return append(words, s.Arguments...)
}

// ParsePipeline reads a pipeline file strictly: what it does not know is an
// error that names line and column.
func ParsePipeline(b []byte) (*Pipeline, error) {
	if len(b) > MaxPipelineBytes {
		return nil, fmt.Errorf("%d bytes: a pipeline file has %d at most", len(b), MaxPipelineBytes)
	}
	root, err := parseYAML(b)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{}
	sections := map[string]**Step{"hotspots": &p.Hotspots, "compact": &p.Compact, "convert": &p.Convert, "batch": &p.Batch}
	versioned := false
	for _, e := range root {
		switch step := sections[e.key]; {
		case step != nil:
			*step, err = readStep(e)
		case e.key == "version":
			versioned, err = true, checkVersion(e)
		case e.key == "name":
			p.Name, err = readName(e)
		default:
			err = e.errorf("unknown section %q: a pipeline has version, name, hotspots, compact, convert and batch", e.key)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.check(versioned); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Pipeline) check(versioned bool) error {
	switch {
	case !versioned:
		return fmt.Errorf("no version: a pipeline file has a line version: 1")
	case p.Name == "":
		return fmt.Errorf("no name: a pipeline file has a line such as name: app-logs")
	case len(p.Steps()) == 0:
		return fmt.Errorf("no step: a pipeline has one or more of the sections hotspots, compact and convert")
	}
	return nil
}

func checkVersion(e yamlEntry) error {
	v, err := e.scalar()
	if err == nil && v != "1" {
		err = e.errorf("version %s: this program reads version 1", v)
	}
	return err
}

func readName(e yamlEntry) (string, error) {
	name, err := e.scalar()
	if err == nil && !pipelineName.MatchString(name) {
		err = e.errorf("name %q: write 1 to 40 small letters, digits and hyphens, no hyphen first or last", name)
	}
	return name, err
}

// readStep reads a section; one with nothing in it is a step without flags.
func readStep(section yamlEntry) (*Step, error) {
	s := &Step{Name: section.key, Line: section.line}
	entries, err := section.entries()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		values, err := e.scalars()
		switch {
		case err != nil:
			return nil, err
		case e.key == argumentKeys[s.Name]:
			if s.Arguments, err = readArguments(e, values); err != nil {
				return nil, err
			}
		case !flagName.MatchString(e.key):
			return nil, e.errorf("%s: %q is no name of a flag: write it without its hyphens in front, in small letters", s.Name, e.key)
		default:
			s.Flags = append(s.Flags, PipelineFlag{e.key, values, e.line})
		}
	}
	return s, nil
}

func readArguments(e yamlEntry, values []string) ([]string, error) {
	for _, v := range values {
		if v == "" || v[0] == '-' {
			return nil, e.errorf("%s: %q is no location: write s3://bucket/prefix/ or a path", e.key, v)
		}
	}
	if e.key == "prefix" && len(values) > 1 {
		return nil, e.errorf("prefix: one location, not %d", len(values))
	}
	return values, nil
}
