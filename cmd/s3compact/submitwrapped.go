package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/inventory"
)

// wrapped is the command that submit hands to the children, read as they will
// read it, so that a mistake shows here once and not in each of them.
type wrapped struct {
	name      string
	words     []string          // as they were given, the name first
	flags     map[string]string // by name; "true" for a flag without a value
	arguments []string
}

// locationFlags name what each child must reach.
var locationFlags = []string{"plan", "inventory", "listing", "state", "dest", "to", "schema"}

// submittable are the commands that run as jobs.
var submittable = []string{"compact", "convert"}

// readWrapped reads the command and refuses what children can't carry out.
func readWrapped(app *cli.App, words []string) (wrapped, error) {
	w := wrapped{words: words}
	if len(words) == 0 {
		return w, usageError("submit: name the command to run: %s, or a pipeline: s3://…/pipeline.yaml", strings.Join(submittable, " or "))
	}
	if w.name = words[0]; !slices.Contains(submittable, w.name) {
		return w, usageError("submit: %q does not run as a job: write %s, and the flags of submit before it", w.name, strings.Join(submittable, " or "))
	}
	ordered, err := orderArgs(app, append([]string{app.Name}, words...))
	if err != nil {
		return w, err
	}
	w.read(findCommand(app.Commands, w.name), ordered[2:])
	return w, w.check()
}

// read takes the ordered words of the command, without its name, apart.
func (w *wrapped) read(command *cli.Command, rest []string) {
	w.flags = map[string]string{}
	for len(rest) > 0 && rest[0] != "--" {
		name, value, hasValue := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		rest = rest[1:]
		f := findFlag(command.Flags, name)
		if f != nil {
			name = f.Names()[0]
		}
		_, isBool := f.(*cli.BoolFlag)
		switch {
		case hasValue:
		case f == nil || isBool: // orderArgs lets only --help pass without being a flag
			value = "true"
		default:
			value, rest = rest[0], rest[1:]
		}
		w.flags[name] = value
	}
	if len(rest) > 0 {
		w.arguments = rest[1:]
	}
}

func (w *wrapped) check() error {
	if w.flags["help"] != "" {
		return usageError("submit: for the flags of %s see: s3compact %s --help", w.name, w.name)
	}
	if w.flags["shard"] != "" {
		return usageError("submit: leave --shard out of %s: each child of the array finds its own", w.name)
	}
	if w.name == "compact" {
		if w.flags["yes"] != "true" && w.flags["dry-run"] != "true" {
			return usageError("submit: compact deletes originals and nobody can answer a child: give compact --yes")
		}
		if w.flags["plan"] == "" && len(w.arguments) == 0 {
			return usageError("submit: name what to compact: --plan s3://… or s3://bucket/prefix/")
		}
	}
	if w.name == "convert" && w.flags["plan"] == "" && w.flags["inventory"] == "" && len(w.arguments) == 0 {
		return usageError("submit: name what to convert: s3://bucket/prefix/")
	}
	for _, flag := range locationFlags {
		if v := w.flags[flag]; v != "" && !inventory.IsS3(v) {
			return usageError("submit: --%s %s is on this machine, where no child can reach it: put it on S3 and name it s3://…", flag, v)
		}
	}
	for _, a := range w.arguments {
		if !inventory.IsS3(a) {
			return usageError("submit: %s is on this machine, where no child can reach it: name an s3:// location", a)
		}
	}
	return nil
}
