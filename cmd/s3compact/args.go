package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// orderArgs puts flags before arguments, since the CLI library stops looking
// for flags at the first argument, and finds unknown commands and flags, which
// it would take for arguments. The first element is the program's name.
func orderArgs(app *cli.App, args []string) ([]string, error) {
	if len(args) > 1 && args[1] == "help" {
		args = append(append([]string{args[0]}, args[2:]...), "--help")
	}
	call := &call{words: args[:1:1]}
	rest, err := call.find(app.Commands, args[1:])
	if err != nil || call.finished {
		return call.words, err
	}
	return call.words, call.order(rest)
}

// call is a command line that is being ordered.
type call struct {
	words    []string // the ordered line so far
	command  *cli.Command
	finished bool // nothing more is read: help, the version, or no command
}

// name is the command with its subcommand.
func (c *call) name() string { return strings.Join(c.words[1:], " ") }

// find reads up to the command and its subcommand. The rest begins with the
// flags that stood before them.
func (c *call) find(commands []*cli.Command, rest []string) ([]string, error) {
	var early []string
	for len(rest) > 0 && commands != nil {
		a := rest[0]
		switch {
		case isHelp(a) || c.command == nil && isVersion(a):
			c.words, c.finished = append(c.words, a), true
			return nil, nil
		case strings.HasPrefix(a, "-") && a != "-":
			n := earlyFlag(a, rest)
			early = append(early, rest[:n]...)
			rest = rest[n:]
			continue
		}
		found := findCommand(commands, a)
		if found == nil {
			return nil, usageError("unknown command %q%s; see: %s --help", strings.TrimSpace(c.name()+" "+a), didYouMean(a, commandNames(commands)), strings.TrimSpace("s3compact "+c.name()))
		}
		c.command, commands = found, found.Subcommands
		if len(commands) == 0 {
			commands = nil
		}
		c.words = append(c.words, a)
		rest = rest[1:]
	}
	if c.command == nil || len(c.command.Subcommands) > 0 {
		if len(early) > 0 {
			return nil, usageError("%s: no command given; see: s3compact --help", early[0])
		}
		c.finished = true
	}
	return append(early, rest...), nil
}

// order reads the command's flags and arguments.
func (c *call) order(rest []string) error {
	name := c.name()
	var flags, arguments []string
	for len(rest) > 0 {
		a := rest[0]
		switch {
		case a == "--":
			arguments, rest = append(arguments, rest[1:]...), nil
		case !strings.HasPrefix(a, "-") && takesCommand(c.command):
			arguments, rest = append(arguments, rest...), nil
		case !strings.HasPrefix(a, "-") || a == "-":
			arguments, rest = append(arguments, a), rest[1:]
		case isHelp(a):
			c.words = append(c.words, "--help")
			return nil
		default:
			n, err := flagWords(c.command, name, rest)
			if err != nil {
				return err
			}
			flags, rest = append(flags, rest[:n]...), rest[n:]
		}
	}
	c.words = append(c.words, flags...)
	if len(arguments) > 0 {
		c.words = append(append(c.words, "--"), arguments...)
	}
	return nil
}

// flagWords is the number of words that the flag at the head of rest takes: with its value 2.
func flagWords(command *cli.Command, name string, rest []string) (int, error) {
	flag, _, hasValue := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
	f := findFlag(command.Flags, flag)
	if f == nil {
		given := strings.SplitN(rest[0], "=", 2)[0]
		return 0, usageError("unknown flag %s for %s%s; see: s3compact %s --help", given, name, didYouMean(given, flagNames(command.Flags)), name)
	}
	if _, isBool := f.(*cli.BoolFlag); isBool || hasValue {
		return 1, nil
	}
	if len(rest) < 2 {
		return 0, usageError("flag --%s needs a value", flag)
	}
	return 2, nil
}

// earlyFlag is the number of arguments that a flag before the command takes;
// only the flags that every command has can stand there.
func earlyFlag(a string, rest []string) int {
	name, _, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
	f := findFlag(commonFlags(), name)
	if _, isBool := f.(*cli.BoolFlag); f == nil || isBool || hasValue || len(rest) < 2 {
		return 1
	}
	return 2
}

// takesCommand says that the first argument is a command, whose own flags and
// arguments follow it and are left as they are.
func takesCommand(c *cli.Command) bool { return c.Name == submitName }

func isHelp(a string) bool    { return a == "--help" || a == "-h" || a == "-help" }
func isVersion(a string) bool { return a == "--version" || a == "-v" }

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				return f
			}
		}
	}
	return nil
}
