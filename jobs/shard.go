package jobs

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// MaxShards bounds the number of shards. AWS Batch allows 10,000 children of
// an array job (API reference, ArrayProperties), Kubernetes 100,000 completions
// of an indexed job.
const MaxShards = 100_000

// Shard is a deterministic share of some work: the part Index, counted from
// zero, of Count parts. The whole is Shard{0, 1}; the zero value is no shard.
type Shard struct{ Index, Count int }

// String is the form that ParseShard reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// Whole says that there is one shard only, which does everything.
func (s Shard) Whole() bool { return s.Count == 1 }

// OwnsHash says whether the group with this prefix belongs to the shard when
// there is no plan to divide: the first 8 bytes of the SHA-256 of the prefix,
// as a big-endian number, modulo Count, is Index. Every group belongs to
// exactly one of Count shards, in every version of the tool.
func (s Shard) OwnsHash(prefix string) bool {
	sum := sha256.Sum256([]byte(prefix))
	return binary.BigEndian.Uint64(sum[:8])%uint64(s.Count) == uint64(s.Index)
}

// The environment of array jobs. AWS Batch sets its two variables in each
// child (User Guide, "Array job environment variables"); Kubernetes sets
// JOB_COMPLETION_INDEX in each pod of an indexed job but does not tell the
// number of completions; Slurm sets all three (sbatch, "Output environment
// variables").
const (
	envBatchIndex      = "AWS_BATCH_JOB_ARRAY_INDEX"
	envBatchSize       = "AWS_BATCH_JOB_ARRAY_SIZE"
	envCompletionIndex = "JOB_COMPLETION_INDEX"
	envShardCount      = "S3COMPACT_SHARD_COUNT"
	envSlurmID         = "SLURM_ARRAY_TASK_ID"
	envSlurmMin        = "SLURM_ARRAY_TASK_MIN"
	envSlurmCount      = "SLURM_ARRAY_TASK_COUNT"
)

// ParseShard reads the shard of this process from a flag, I/N with I counted
// from zero. Where the flag is empty it asks the environment, through lookup
// (os.LookupEnv), for AWS Batch's array job, then Kubernetes' indexed job, then
// Slurm's job array; without any of them the shard is the whole. An environment
// that is set by half is an error: a process that took it for the whole would
// do the work of all others.
func ParseShard(flag string, lookup func(string) (string, bool)) (Shard, error) {
	if flag != "" {
		return parseFlag(flag)
	}
	for _, source := range []struct {
		index, first, count string
		hint                string
	}{
		{envBatchIndex, "", envBatchSize, "AWS Batch sets both in the children of an array job"},
		{envCompletionIndex, "", envShardCount, "give the container " + envShardCount + " = the job's completions; Kubernetes sets the index of a job with completionMode Indexed"},
		{envSlurmID, envSlurmMin, envSlurmCount, "Slurm sets them all in a job array without gaps, such as --array=0-99"},
	} {
		s, found, err := fromEnvironment(source.index, source.first, source.count, lookup)
		if err != nil {
			return Shard{}, fmt.Errorf("read the shard from the environment: %w (%s; or give --shard I/N)", err, source.hint)
		}
		if found {
			return s, nil
		}
	}
	return Shard{0, 1}, nil
}

func parseFlag(flag string) (Shard, error) {
	index, count, ok := strings.Cut(flag, "/")
	i, errIndex := strconv.Atoi(index)
	n, errCount := strconv.Atoi(count)
	if !ok || errIndex != nil || errCount != nil {
		return Shard{}, fmt.Errorf("shard %q: write I/N, such as 0/4 for the first of four", flag)
	}
	s := Shard{i, n}
	if err := s.check(); err != nil {
		return Shard{}, fmt.Errorf("shard %q: %w", flag, err)
	}
	return s, nil
}

func (s Shard) check() error {
	switch {
	case s.Count < 1 || s.Count > MaxShards:
		return fmt.Errorf("%d shards: the number of shards is from 1 to %d", s.Count, MaxShards)
	case s.Index < 0 || s.Index >= s.Count:
		return fmt.Errorf("index %d: the shards of %d count from 0 to %d", s.Index, s.Count, s.Count-1)
	}
	return nil
}

// fromEnvironment reads one scheduler's variables; an empty one counts as not
// set. first, where the scheduler has it, is subtracted from the index.
func fromEnvironment(index, first, count string, lookup func(string) (string, bool)) (Shard, bool, error) {
	names := []string{index, count}
	if first != "" {
		names = append(names, first)
	}
	var (
		values  = map[string]int{}
		missing []string
	)
	for _, name := range names {
		v, _ := lookup(name)
		if v == "" {
			missing = append(missing, name)
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil {
			return Shard{}, false, fmt.Errorf("%s=%q is not a number", name, v)
		}
		values[name] = n
	}
	if len(missing) == len(names) {
		return Shard{}, false, nil
	}
	if len(missing) > 0 {
		return Shard{}, false, fmt.Errorf("only some of %s are set; missing: %s", strings.Join(names, ", "), strings.Join(missing, ", "))
	}
	s := Shard{values[index], values[count]}
	if first != "" {
		s.Index -= values[first]
	}
	if err := s.check(); err != nil {
		return Shard{}, false, fmt.Errorf("%s=%d, %s=%d: %w", index, values[index], count, values[count], err)
	}
	return s, true, nil
}
