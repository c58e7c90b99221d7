package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/s3compact/s3compact/internal/s3store"
)

// commonFlags are accepted by every command.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "endpoint-url", Usage: "endpoint `URL` other than AWS's: of S3 (path style); for submit, of AWS Batch", Category: "connection"},
		&cli.StringFlag{Name: "region", Usage: "AWS `REGION`", Category: "connection"},
		&cli.StringFlag{Name: "profile", Usage: "`NAME` of a profile of the shared AWS configuration", Category: "connection"},
		&cli.StringFlag{Name: "request-payer", Usage: "`WHO` pays for requests to a bucket whose requester pays: requester", Category: "connection"},
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "least `LEVEL` that is logged: debug, info, warn, error", Category: "output"},
		&cli.BoolFlag{Name: "no-progress", Usage: "no progress bar on a terminal", Category: "output"},
	}
}

// addEnvVar gives a flag its environment variable, S3COMPACT_ and the name.
func addEnvVar(f cli.Flag) {
	name := "S3COMPACT_" + strings.ToUpper(strings.ReplaceAll(f.Names()[0], "-", "_"))
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = []string{name}
	case *cli.BoolFlag:
		f.EnvVars = []string{name}
	case *cli.IntFlag:
		f.EnvVars = []string{name}
	case *cli.Int64Flag:
		f.EnvVars = []string{name}
	case *cli.StringSliceFlag:
		f.EnvVars = []string{name}
	case *cli.DurationFlag:
		f.EnvVars = []string{name}
	default:
		panic(fmt.Sprintf("flag --%s has a type without an environment variable", f.Names()[0]))
	}
}

// openStore makes the S3 client from the common flags.
func openStore(ctx context.Context, c *cli.Context, concurrency int) (*s3store.Client, error) {
	return openStoreAt(ctx, c, c.String("endpoint-url"), concurrency)
}

// openStoreAt is openStore for an endpoint; "" is the one of the environment.
func openStoreAt(ctx context.Context, c *cli.Context, endpointURL string, concurrency int) (*s3store.Client, error) {
	pays, err := requestPayer(c)
	if err != nil {
		return nil, err
	}
	return s3store.Open(ctx, s3store.Options{
		EndpointURL:  endpointURL,
		Region:       c.String("region"),
		Profile:      c.String("profile"),
		Concurrency:  concurrency,
		UserAgent:    "s3compact-" + toolVersion(),
		RequestPayer: pays,
	})
}

// requestPayer says whether requests are to say that whoever asks pays.
func requestPayer(c *cli.Context) (bool, error) {
	switch v := c.String("request-payer"); v {
	case "":
		return false, nil
	case "requester":
		return true, nil
	default:
		return false, usageError("--request-payer %q: write requester, or leave it out", v)
	}
}

// sizeFlag reads "128MiB", "1GB" or plain bytes from a string flag. The word
// none, where it is allowed, is 0.
func sizeFlag(c *cli.Context, name string, noneAllowed bool) (int64, error) {
	v := c.String(name)
	if v == "none" && noneAllowed {
		return 0, nil
	}
	n, err := humanize.ParseBytes(v)
	if err != nil || n > math.MaxInt64 || n == 0 {
		hint := "write a size above zero and below 8 EiB, such as 128MiB or 1GB"
		if noneAllowed {
			hint += ", or none"
		}
		return 0, usageError("--%s %q: %s", name, v, hint)
	}
	return int64(n), nil
}

// stopped is err, or the cause for which ctx ended: a request that failed
// because the run was told to stop is no failure of its own. A wrong call stays one.
func stopped(ctx context.Context, err error) error {
	if u := (*usage)(nil); err == nil || ctx.Err() == nil || errors.As(err, &u) {
		return err
	}
	return context.Cause(ctx)
}

// outputFlag chooses the form of the results.
func outputFlag(forms ...string) cli.Flag {
	return &cli.StringFlag{Name: "output", Value: forms[0], Usage: "`FORM` of the results on stdout: " + strings.Join(forms, ", "), Category: "output"}
}

func checkOutput(c *cli.Context, forms ...string) error {
	for _, f := range forms {
		if c.String("output") == f {
			return nil
		}
	}
	return usageError("--output %q: write one of %s", c.String("output"), strings.Join(forms, ", "))
}

// durationOf rounds a duration for people.
func durationOf(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

// lookupEnv reads the environment that array jobs set.
func lookupEnv(name string) (string, bool) { return os.LookupEnv(name) }
