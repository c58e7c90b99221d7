package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3compact/s3compact/internal/s3test/slow"
	"github.com/s3compact/s3compact/internal/s3test/versitygw"
)

// listingLatency is the round trip to the servers that are listed.
const listingLatency = 20 * time.Millisecond

// listedBucket is a bucket behind a proxy that is a round trip away.
type listedBucket struct {
	endpoint string
	env      []string     // credentials
	count    func() int64 // requests since the last call; nil: nobody counts
}

// listingTrials list a tree of folders and one huge folder, serially and with
// s3compact's parallel listing: from a server that answers from memory, and from
// versitygw, which reads the folder of a page anew for it.
func (b *bench) listingTrials(ctx context.Context) ([]trial, error) {
	var trials []trial
	for _, server := range []struct {
		name  string
		keys  int
		goal  float64 // versitygw's own work sets bounds that are not ours
		start func(ctx context.Context, keys []string) (listedBucket, error)
	}{{"", 400_000, 8, b.fromMemory}, {", versitygw", 100_000, 0, b.fromVersitygw}} {
		for _, shape := range []struct {
			name string
			keys func(int) []string
		}{{"a tree of folders", treeKeys}, {"one flat folder", flatKeys}} {
			n := server.keys
			if b.size == quick {
				n /= quickShare
			}
			t := trial{
				Section: "listing", Input: fmt.Sprintf("%s, %d keys%s", shape.name, n, server.name),
				Work: float64(n), Unit: "keys", Goal: server.goal, Few: true, MostCount: 1.5, CountSlack: 100,
			}
			if !b.wants(&t) {
				continue // it would take as long to make as to list
			}
			keys := shape.keys(n)
			bucket, err := server.start(ctx, keys)
			if err != nil {
				return nil, err
			}
			if t.Contenders, err = b.listers(bucket, listedGroups(keys)); err != nil {
				return nil, err
			}
			trials = append(trials, t)
		}
	}
	return trials, nil
}

func (b *bench) listers(bucket listedBucket, truth groups) ([]contender, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env := append([]string{"env"}, bucket.env...)
	plan, table := filepath.Join(b.tmp, "plan.jsonl"), filepath.Join(b.tmp, "groups.tsv")
	own := func(name string, more ...string) contender {
		argv := append(slices.Clone(env),
			b.s3compact, "hotspots", "--listing", "s3://"+listBucket+"/", "--endpoint-url", bucket.endpoint, "--group-by", "depth=1",
			"--small-size", "none", "--min-objects", "1", "--plan", plan)
		return contender{
			Name: name, Ours: true, ByWall: true, Answer: plan, Count: bucket.count, Run: append(argv, more...),
			Check: func() error { return truth.equal(readPlan(plan)) },
		}
	}
	// A serial listing, too: the goal is judged by the faster one.
	serial := own("s3compact hotspots --listing, 1 request at a time", "--concurrency", "1")
	serial.Ours = false
	return []contender{
		{
			Name: "AWS SDK, serial", ByWall: true, Answer: table, Count: bucket.count, Run: append(slices.Clone(env), self, listCommand, bucket.endpoint, table),
			Check: func() error { return truth.equal(readTable(table)) },
		},
		own("s3compact hotspots --listing"),
		serial,
	}, nil
}

// fromMemory starts a server that holds the keys in memory.
func (b *bench) fromMemory(_ context.Context, keys []string) (listedBucket, error) {
	s, err := startListServer(keys)
	if err != nil {
		return listedBucket{}, err
	}
	b.closers = append(b.closers, s.close)
	return b.farAway(s.endpoint, []string{"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_REGION=us-east-1"}, s.count)
}

// fromVersitygw starts versitygw over files of the keys' sizes, without content.
func (b *bench) fromVersitygw(ctx context.Context, keys []string) (listedBucket, error) {
	binary, err := versitygw.Binary(ctx, func(s string) { say("%s", s) })
	if err != nil {
		return listedBucket{}, err
	}
	s, err := versitygw.StartWithProcess(ctx, binary)
	if err != nil {
		return listedBucket{}, err
	}
	b.closers = append(b.closers, func() { runtime.KeepAlive(s) }) // it ends when nobody holds it
	say("making %d files for versitygw", len(keys))
	for _, key := range keys {
		name := filepath.Join(s.Dir, "data", listBucket, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return listedBucket{}, err
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			return listedBucket{}, err
		}
		if err := os.Truncate(name, keyBytes(key)); err != nil {
			return listedBucket{}, err
		}
	}
	return b.farAway(s.Endpoint, s.Env(), nil)
}

// farAway puts a server behind a proxy.
func (b *bench) farAway(endpoint string, env []string, count func() int64) (listedBucket, error) {
	proxy, err := slow.Start(endpoint, listingLatency)
	if err != nil {
		return listedBucket{}, err
	}
	b.closers = append(b.closers, func() { _ = proxy.Close() }) // nothing is sent any more
	return listedBucket{endpoint: proxy.Endpoint, env: append(env, "AWS_EC2_METADATA_DISABLED=true"), count: count}, nil
}

// count is the number of requests since the last call.
func (s *listServer) count() int64 { return s.requests.Swap(0) }

// treeKeys are keys in folders by application, day and hour, with few
// applications that have most of them.
func treeKeys(n int) []string {
	rng := rand.New(rand.NewPCG(20, 1))
	keys := make([]string, n)
	for i := range keys {
		app := int(300 * rng.Float64() * rng.Float64() * rng.Float64())
		second := rng.IntN(14 * 86400)
		keys[i] = fmt.Sprintf("%d/2026/10/%02d/%02d/%016x.json.gz", 10_000+137*app, 1+second/86400, second%86400/3600, rng.Uint64())
	}
	return keys
}

// flatKeys are keys in one folder, with names by time and at random.
func flatKeys(n int) []string {
	rng := rand.New(rand.NewPCG(20, 2))
	keys := make([]string, n)
	at := time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC)
	for i := range keys {
		at = at.Add(time.Duration(rng.ExpFloat64() * 2 * float64(time.Second)))
		keys[i] = fmt.Sprintf("logs/%s-%08x.json.gz", at.Format("2006-01-02-15-04-05"), rng.Uint32())
	}
	return keys
}

// listedGroups are the groups by first segment.
func listedGroups(keys []string) groups {
	var s groupSums
	for _, key := range keys {
		s.add(key, keyBytes(key))
	}
	return s.groups()
}

// groupSums sum keys up by first segment.
type groupSums map[string]*[2]int64 // objects, bytes

func (s *groupSums) add(key string, bytes int64) {
	if *s == nil {
		*s = groupSums{}
	}
	prefix := key[:strings.IndexByte(key, '/')+1]
	sum := (*s)[prefix]
	if sum == nil {
		sum = new([2]int64)
		(*s)[prefix] = sum
	}
	sum[0]++
	sum[1] += bytes
}

func (s groupSums) groups() groups {
	var g groups
	for prefix, sum := range s {
		g = append(g, prefix+"\t"+strconv.FormatInt(sum[0], 10)+"\t"+strconv.FormatInt(sum[1], 10))
	}
	slices.Sort(g)
	return g
}

// listCommand is the first argument that makes this program the process that
// lists serially, as most tools do: with the SDK's paginator.
const listCommand = "list"

func runList(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("list ENDPOINT OUT")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &args[0], true })
	var sums groupSums
	for pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(listBucket)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			sums.add(aws.ToString(o.Key), aws.ToInt64(o.Size))
		}
	}
	return os.WriteFile(args[1], []byte(strings.Join(sums.groups(), "\n")+"\n"), 0o644)
}
