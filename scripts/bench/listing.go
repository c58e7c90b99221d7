package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// listingLatency is how long each LIST takes.
const listingLatency = 20 * time.Millisecond

// listingTrials list a tree of folders and one huge folder, each LIST of which
// takes 20 ms, serially and with s3compact's parallel listing.
func (b *bench) listingTrials(context.Context) ([]trial, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// What the SDK and s3compact ask for; the server checks none of it.
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"} {
		if err := os.Setenv(k, v); err != nil {
			return nil, err
		}
	}
	keys := 400_000
	if b.size == quick {
		keys /= quickShare
	}
	var trials []trial
	for _, bucket := range []struct {
		input string
		make  func(int) []string
	}{{"a tree of folders", treeKeys}, {"one flat folder", flatKeys}} {
		s, err := startListServer(bucket.make(keys), listingLatency)
		if err != nil {
			return nil, err
		}
		b.closers = append(b.closers, s.close)
		truth := listedGroups(s.keys)
		plan, table := filepath.Join(b.tmp, "plan.jsonl"), filepath.Join(b.tmp, "groups.tsv")
		own := func(name string, more ...string) contender {
			return contender{
				Name: name, Ours: true, ByWall: true, Answer: plan, Count: s.count,
				Run: append([]string{
					b.s3compact, "hotspots", "--listing", "s3://" + listBucket + "/", "--endpoint-url", s.endpoint, "--group-by", "depth=1",
					"--small-size", "none", "--min-objects", "1", "--plan", plan,
				}, more...),
				Check: func() error { return truth.equal(readPlan(plan)) },
			}
		}
		// A serial listing too: the goal is judged by the faster one.
		serial := own("s3compact hotspots --listing, 1 request at a time", "--concurrency", "1")
		serial.Ours = false
		trials = append(trials, trial{
			Section: "listing", Input: fmt.Sprintf("%s, %d keys", bucket.input, keys), Work: float64(keys), Unit: "keys", Goal: 8, Few: true, MostCount: 1.5, CountSlack: 100,
			Contenders: []contender{
				{
					Name: "AWS SDK, serial", ByWall: true, Answer: table, Count: s.count, Run: []string{self, listCommand, s.endpoint, table},
					Check: func() error { return truth.equal(readTable(table)) },
				},
				own("s3compact hotspots --listing"),
				serial,
			},
		})
	}
	return trials, nil
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
