package receipt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// PlansPrefix is where the plans that were carried out lie below a state's prefix.
func PlansPrefix(state string) string { return state + "plans/" }

// PipelinePlansPrefix is where the plans lie, below a state's prefix, that the
// hotspots of a pipeline have made for its compact.
func PipelinePlansPrefix(state, pipeline string) string {
	return state + "pipelines/" + pipeline + "/"
}

// PlanKey is the key of a plan that was carried out, as it was given.
func PlanKey(state, id string) string { return PlansPrefix(state) + planName(id) + ".jsonl" }

// ShardRun tells of one run of a plan's shard. There is one object for the last
// run that began and one for the last that came to its end; they are for
// people and for status, no worker relies on them.
type ShardRun struct {
	Version int       `json:"version"`
	PlanID  string    `json:"plan_id"`
	Shard   int       `json:"shard"`  // from 0
	Shards  int       `json:"shards"` // in which the plan was divided
	Tool    string    `json:"tool"`
	Time    time.Time `json:"time"`              // the server's clock
	Summary any       `json:"summary,omitempty"` // of a run that came to its end
}

// ShardEvent is what an object of a shard's run tells.
type ShardEvent string

// A run began; a run came to its end with every group of the shard finished or refused.
const (
	Started  ShardEvent = "started"
	Finished ShardEvent = "finished"
)

// ShardKey is the key of a shard's run.
func ShardKey(state, planID string, shard, shards int, e ShardEvent) string {
	return fmt.Sprintf("%s%s/%05d-of-%05d.%s.json", PlansPrefix(state), planName(planID), shard, shards, e)
}

// planWord is an id that is used in keys as it is.
var planWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// planName is the plan's id in keys; one that a person wrote is hashed unless it is a plain word.
func planName(id string) string {
	if planWord.MatchString(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

var planKeys = regexp.MustCompile(`^([A-Za-z0-9_-]+)(?:\.jsonl|/(\d{5})-of-(\d{5})\.(started|finished)\.json)$`)

// PlanObject is what a key below PlansPrefix stands for: the plan itself where Event is "".
type PlanObject struct {
	Name          string // of the plan in keys
	Shard, Shards int
	Event         ShardEvent
}

// ParsePlanObject reads a key below PlansPrefix, without that prefix.
func ParsePlanObject(rest string) (o PlanObject, ok bool) {
	m := planKeys.FindStringSubmatch(rest)
	if m == nil {
		return o, false
	}
	o.Name, o.Event = m[1], ShardEvent(m[4])
	if o.Event != "" {
		o.Shard, _ = strconv.Atoi(m[2]) // digits, by the expression
		o.Shards, _ = strconv.Atoi(m[3])
	}
	return o, o.Event == "" || o.Shard < o.Shards
}
