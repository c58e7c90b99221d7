package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// orderArgs puts flags before arguments, since the CLI library stops looking
// for flags at the first argument, and finds unknown commands and flags, which
// it would take for arguments. The first element is the program's name.
func orderArgs(app *cli.App, args []string) ([]string, error) {
	rest := args[1:]
	var (
		path      []string // the command, and its subcommand
		flags     []string
		arguments []string
		commands  = app.Commands
		command   *cli.Command
		early     []string // flags before the command: read once it is known
	)
	for len(rest) > 0 && commands != nil {
		a := rest[0]
		if strings.HasPrefix(a, "-") && a != "-" {
			if isHelp(a) || command == nil && isVersion(a) {
				return append(append([]string{args[0]}, path...), a), nil
			}
			n := earlyFlag(a, rest)
			early = append(early, rest[:n]...)
			rest = rest[n:]
			continue
		}
		c := findCommand(commands, a)
		if c == nil {
			name := strings.Join(append(path, a), " ")
			return nil, usageError("unknown command %q; see: %s --help", name, strings.Join(append([]string{"s3compact"}, path...), " "))
		}
		command, commands = c, c.Subcommands
		if len(c.Subcommands) == 0 {
			commands = nil
		}
		path = append(path, a)
		rest = rest[1:]
	}
	if command == nil || len(command.Subcommands) > 0 {
		if len(early) > 0 {
			return nil, usageError("%s: no command given; see: s3compact --help", early[0])
		}
		return append([]string{args[0]}, path...), nil
	}
	rest = append(early, rest...)
	for len(rest) > 0 {
		a := rest[0]
		switch {
		case a == "--":
			arguments = append(arguments, rest[1:]...)
			rest = nil
			continue
		case takesCommand(command) && !strings.HasPrefix(a, "-"):
			arguments = append(arguments, rest...)
			rest = nil
			continue
		case !strings.HasPrefix(a, "-") || a == "-":
			arguments = append(arguments, a)
			rest = rest[1:]
			continue
		case isHelp(a):
			return append(append([]string{args[0]}, path...), "--help"), nil
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		f := findFlag(command.Flags, name)
		if f == nil {
			return nil, usageError("unknown flag %s for %s; see: s3compact %s --help", strings.SplitN(a, "=", 2)[0], strings.Join(path, " "), strings.Join(path, " "))
		}
		n := 1
		if _, isBool := f.(*cli.BoolFlag); !isBool && !hasValue {
			if len(rest) < 2 {
				return nil, usageError("flag --%s needs a value", name)
			}
			n = 2
		}
		flags = append(flags, rest[:n]...)
		rest = rest[n:]
	}
	out := append([]string{args[0]}, path...)
	out = append(out, flags...)
	if len(arguments) > 0 {
		out = append(append(out, "--"), arguments...)
	}
	return out, nil
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
