package jobs

import (
	"fmt"
	"strings"
	"testing"
)

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestParseShard(t *testing.T) {
	batch := map[string]string{envBatchIndex: "3", envBatchSize: "8"}
	kubernetes := map[string]string{envCompletionIndex: "1", envShardCount: "5"}
	slurm := map[string]string{envSlurmID: "12", envSlurmMin: "10", envSlurmCount: "4"}
	merge := func(ms ...map[string]string) map[string]string {
		all := map[string]string{}
		for _, m := range ms {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	for _, c := range []struct {
		name, flag string
		env        map[string]string
		want       Shard
		err        string // a part of the error
	}{
		{"nothing: the whole", "", nil, Shard{0, 1}, ""},
		{"the flag", "2/4", nil, Shard{2, 4}, ""},
		{"the flag before the environment", "2/4", batch, Shard{2, 4}, ""},
		{"the flag before a broken environment", "0/1", map[string]string{envBatchIndex: "1"}, Shard{0, 1}, ""},
		{"AWS Batch", "", batch, Shard{3, 8}, ""},
		{"AWS Batch before the others", "", merge(batch, kubernetes, slurm), Shard{3, 8}, ""},
		{"Kubernetes", "", kubernetes, Shard{1, 5}, ""},
		{"Kubernetes before Slurm", "", merge(kubernetes, slurm), Shard{1, 5}, ""},
		{"Slurm from its lowest id", "", slurm, Shard{2, 4}, ""},
		{"empty variables are not set", "", merge(slurm, map[string]string{envBatchIndex: "", envBatchSize: ""}), Shard{2, 4}, ""},

		{"index alone, AWS Batch", "", map[string]string{envBatchIndex: "1"}, Shard{}, "missing: " + envBatchSize},
		{"size alone, AWS Batch", "", map[string]string{envBatchSize: "4"}, Shard{}, "missing: " + envBatchIndex},
		{"half of one scheduler hides no other", "", merge(slurm, map[string]string{envBatchIndex: "1"}), Shard{}, "missing: " + envBatchSize},
		{"index alone, Kubernetes", "", map[string]string{envCompletionIndex: "1"}, Shard{}, "missing: " + envShardCount},
		{"count alone, Kubernetes", "", map[string]string{envShardCount: "4"}, Shard{}, "missing: " + envCompletionIndex},
		{"no count, Slurm", "", map[string]string{envSlurmID: "1", envSlurmMin: "0"}, Shard{}, "missing: " + envSlurmCount},
		{"no lowest id, Slurm", "", map[string]string{envSlurmID: "1", envSlurmCount: "4"}, Shard{}, "missing: " + envSlurmMin},
		{"Slurm with gaps", "", map[string]string{envSlurmID: "9", envSlurmMin: "1", envSlurmCount: "3"}, Shard{}, "without gaps"},
		{"not a number", "", map[string]string{envBatchIndex: "one", envBatchSize: "2"}, Shard{}, `AWS_BATCH_JOB_ARRAY_INDEX="one" is not a number`},
		{"index beyond the size", "", map[string]string{envBatchIndex: "2", envBatchSize: "2"}, Shard{}, "count from 0 to 1"},

		{"one-based flag", "4/4", nil, Shard{}, "count from 0 to 3"},
		{"negative", "-1/4", nil, Shard{}, "count from 0 to 3"},
		{"no count", "3", nil, Shard{}, "write I/N"},
		{"empty count", "3/", nil, Shard{}, "write I/N"},
		{"three numbers", "1/2/3", nil, Shard{}, "write I/N"},
		{"no shards", "0/0", nil, Shard{}, "from 1 to 100000"},
		{"too many shards", "0/100001", nil, Shard{}, "from 1 to 100000"},
		{"too large for a number", "0/99999999999999999999", nil, Shard{}, "write I/N"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseShard(c.flag, lookupIn(c.env))
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Fatalf("error %v, want one with %q", err, c.err)
			case got != c.want:
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestShardStringIsReadBack(t *testing.T) {
	s := Shard{7, 90}
	got, err := ParseShard(s.String(), lookupIn(nil))
	if err != nil || got != s {
		t.Errorf("%v read back: %v, %v", s, got, err)
	}
}

func TestOwnsHashGivesEachGroupToOneShard(t *testing.T) {
	for _, count := range []int{1, 2, 3, 16, 100} {
		owned := make([]int, count)
		const groups = 5000
		for g := range groups {
			prefix := fmt.Sprintf("logs/app=%d/", g)
			owners := 0
			for i := range count {
				if (Shard{i, count}).OwnsHash(prefix) {
					owned[i]++
					owners++
				}
			}
			if owners != 1 {
				t.Fatalf("%s has %d owners of %d shards", prefix, owners, count)
			}
		}
		for i, n := range owned {
			if mean := groups / count; n > 3*mean+10 {
				t.Errorf("shard %d/%d owns %d groups, the mean is %d", i, count, n, mean)
			}
		}
	}
}

// The hash is part of what workers of different versions agree on. The numbers
// are those of: printf '14184/' | sha256sum | head -c 16, taken modulo 7.
func TestOwnsHashIsStable(t *testing.T) {
	for prefix, want := range map[string]int{"": 1, "14184/": 4, "logs/dt=2024-01-01/": 4} {
		for i := range 7 {
			if (Shard{i, 7}).OwnsHash(prefix) != (i == want) {
				t.Errorf("%q: shard %d/7 owns it: %v, want shard %d", prefix, i, i != want, want)
			}
		}
	}
}
