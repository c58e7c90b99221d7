package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/inventory"
)

// selectionNames are the flags that say which groups are hotspots.
var selectionNames = []string{"group-by", "small-size", "min-objects", "max-total", "match", "target-size"}

// selectionFlags are shared by hotspots and compact; match is the default glob.
func selectionFlags(match string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "group-by", Value: "dir", Usage: "what may be joined: dir (one directory) or depth=`N` (all keys under the first N segments)", Category: "selection"},
		&cli.StringFlag{Name: "small-size", Value: "64MiB", Usage: "objects below this `SIZE` are small; none: every object is", Category: "selection"},
		&cli.Int64Flag{Name: "min-objects", Value: 8, Usage: "a hotspot has at least `N` small objects", Category: "selection"},
		&cli.StringFlag{Name: "max-total", Value: "none", Usage: "and they have less than this `SIZE` together; none: no bound", Category: "selection"},
		&cli.StringFlag{Name: "match", Value: match, Usage: "`GLOB` of the keys that count: without a slash it is held against the name, ** crosses directories", Category: "selection"},
		&cli.StringFlag{Name: "target-size", Value: "1GiB", Usage: "wanted `SIZE` of an output", Category: "selection"},
	}
}

// selectionOf reads the selection flags.
func selectionOf(c *cli.Context) (inventory.Selection, error) {
	g, err := inventory.ParseGrouping(c.String("group-by"))
	s := inventory.Selection{GroupBy: g, MinObjects: c.Int64("min-objects"), Match: c.String("match")}
	var errSmall, errTotal, errTarget error
	s.SmallSizeBytes, errSmall = sizeFlag(c, "small-size", true)
	s.MaxTotalBytes, errTotal = sizeFlag(c, "max-total", true)
	s.TargetSizeBytes, errTarget = sizeFlag(c, "target-size", false)
	if err := errors.Join(err, errSmall, errTotal, errTarget); err != nil {
		return s, usageError("%v", err)
	}
	if err := s.Validate(); err != nil {
		return s, usageError("%v", err)
	}
	return s, nil
}
