package main

import "github.com/urfave/cli/v2"

// commands lists every command, one file each.
func (p *program) commands() []*cli.Command {
	return []*cli.Command{
		p.hotspotsCommand(),
		p.compactCommand(),
		p.verifyCommand(),
		p.restoreCommand(),
		p.statusCommand(),
		p.doctorCommand(),
		p.closeCommand(),
		p.convertCommand(),
		p.schemaCommand(),
		p.ddlCommand(),
		p.runCommand(),
		p.submitCommand(),
		p.infraCommand(),
	}
}
