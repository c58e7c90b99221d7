// Command report asks one question of access logs, as a person would ask it of
// a query engine, and says what the answer cost: requests, bytes, seconds. It
// reads gzip JSON lines or Parquet, whichever the location holds.
//
//	report --title "small objects" s3://logs/
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
)

func main() {
	title := flag.String("title", "report", "what is asked, for the heading")
	quiet := flag.Bool("quiet", false, "print what it cost, not the answer")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: report [--title TEXT] [--quiet] s3://bucket/prefix/")
		os.Exit(2)
	}
	if err := run(*title, flag.Arg(0), !*quiet, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// readersAtOnce is how many objects are read side by side.
const readersAtOnce = 16

// usage is the answer's row of one application.
type usage struct {
	requests, bytes, errors int64
}

// answer is built up by many readers.
type answer struct {
	mu         sync.Mutex // guards what follows
	apps       map[int64]usage
	unreadable int

	readBytes atomic.Int64
}

func (a *answer) merge(part map[int64]usage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for app, u := range part {
		sum := a.apps[app]
		sum.requests += u.requests
		sum.bytes += u.bytes
		sum.errors += u.errors
		a.apps[app] = sum
	}
}

func run(title, location string, show bool, w io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	at, err := s3store.ParseLocation(location)
	if err != nil {
		return err
	}
	store, err := s3store.Open(ctx, s3store.Options{Concurrency: readersAtOnce})
	if err != nil {
		return err
	}
	start := time.Now()
	objects, err := list(ctx, store, at)
	if err != nil {
		return err
	}
	a := &answer{apps: map[int64]usage{}}
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(readersAtOnce)
	for _, o := range objects {
		eg.Go(func() error {
			if strings.HasSuffix(o.Key, ".parquet") {
				return a.readParquet(ectx, store, at.Bucket, o)
			}
			return a.readJSON(ectx, store, at.Bucket, o)
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	spent := time.Since(start)
	if show {
		if err := a.print(w); err != nil {
			return err
		}
	}
	r := store.Requests()
	fmt.Fprintf(w, "%-28s %6d objects  %9s read  %6d requests  $%.6f  %6.2f s", title, len(objects), humanize.IBytes(uint64(a.readBytes.Load())), r.Total(), price.Default().Requests(r), spent.Seconds())
	if a.unreadable > 0 {
		fmt.Fprintf(w, "  (%d objects unreadable)", a.unreadable)
	}
	fmt.Fprintln(w)
	return nil
}

// list is what an engine would read: no hidden names, no empty objects.
func list(ctx context.Context, store *s3store.Client, at s3store.Location) (objects []s3store.Object, err error) {
	err = store.List(ctx, at.Bucket, s3store.ListOptions{Prefix: at.Key}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			name := o.Key[strings.LastIndexByte(o.Key, '/')+1:]
			if o.SizeBytes > 0 && !strings.HasPrefix(o.Key, "_") && !strings.Contains(o.Key, "/_") && !strings.HasPrefix(name, ".") {
				objects = append(objects, o)
			}
		}
		return nil
	})
	return objects, err
}

func (a *answer) print(w io.Writer) error {
	apps := slices.SortedFunc(maps.Keys(a.apps), func(x, y int64) int { return cmp.Compare(a.apps[y].bytes, a.apps[x].bytes) })
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "app\trequests\tbytes sent\tserver errors\t\n")
	for _, app := range apps {
		u := a.apps[app]
		fmt.Fprintf(t, "%d\t%s\t%s\t%.2f %%\t\n", app, humanize.Comma(u.requests), humanize.IBytes(uint64(u.bytes)), 100*float64(u.errors)/float64(u.requests))
	}
	return t.Flush()
}
