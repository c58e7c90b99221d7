// Command bench measures s3compact beside its peers, in one run, on inputs that
// it makes itself and keeps in .cache/bench.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, _ []string) error {
	for _, d := range inventories {
		path, err := d.make(ctx, full)
		if err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}
