package receipt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ClaimKey is the key, in the bucket of the data, that names the one state
// which compacts the bucket.
const ClaimKey = "_s3compact/claim.json"

// ClosedPrefix is where, in the bucket of the data, the states are named that have
// compacted it and were closed: their receipts still tell what outputs are made of.
const ClosedPrefix = "_s3compact/closed/"

// ClosedKey is the key that names a closed state, by its id.
func ClosedKey(stateID string) string { return ClosedPrefix + stateID + ".json" }

// Claim is the content of ClaimKey and of ClosedKey.
type Claim struct {
	Version int       `json:"version"`
	State   string    `json:"state"` // s3:// location
	StateID string    `json:"state_id"`
	Time    time.Time `json:"time"`
}

// Layout is an entry of a state's layout; the one with the highest number holds.
type Layout struct {
	Version   int               `json:"version"`
	StateID   string            `json:"state_id"` // random
	Bucket    string            `json:"bucket"`   // of the data
	Dest      string            `json:"dest,omitempty"`
	Groupings map[string]string `json:"groupings"` // prefix of the bucket to "dir" or "depth=N"
	Closed    bool              `json:"closed,omitempty"`
	Wait      bool              `json:"wait,omitempty"`
	Time      time.Time         `json:"time"`
}

// LayoutPrefix is where the layout's entries lie below a state's prefix.
func LayoutPrefix(state string) string { return state + "layout/" }

// LayoutKey is the key of the layout's entry of a number, from 1.
func LayoutKey(state string, number int) string {
	return fmt.Sprintf("%slayout/%08d.json", state, number)
}

// GroupsPrefix is where the groups' logs lie below a state's prefix.
func GroupsPrefix(state string) string { return state + "groups/" }

// LogPrefix is where one group's log lies.
func LogPrefix(state, gid string) string { return state + "groups/" + gid + "/" }

// UploadsPrefix is where the uploads are noted with which originals are put back.
func UploadsPrefix(state string) string { return state + "uploads/" }

const entrySuffix = ".jsonl.gz"

// EntryKey is the key of a log's entry of a number, from 1.
func EntryKey(state, gid string, number int) string {
	return fmt.Sprintf("%s%08d%s", LogPrefix(state, gid), number, entrySuffix)
}

// EntryNumber is the number in an entry's key.
func EntryNumber(key string) (int, bool) {
	name := key[strings.LastIndexByte(key, '/')+1:]
	digits, ok := strings.CutSuffix(name, entrySuffix)
	n := 0
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || !ok || fmt.Sprintf("%08d", n) != digits {
		return 0, false
	}
	return n, true
}

// GID names a group within a state: 128 bits of SHA-256 over the state's id,
// NUL and the group's prefix.
func GID(stateID, group string) string {
	sum := sha256.Sum256([]byte(stateID + "\x00" + group))
	return hex.EncodeToString(sum[:16])
}

var outputName = regexp.MustCompile(`\.s3c-([0-9a-f]{32})-([0-9a-f]{32})-(\d+)(\.[^/]*)?$`)

// ParseOutputName says whether a key has the form of an output's, and of which group and attempt.
func ParseOutputName(key string) (gid, nonce string, ok bool) {
	m := outputName.FindStringSubmatch(key)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// OutputName is the name (the last segment) of an output: the stem of its
// first member's name, the group, the attempt, its number in the attempt from
// 1, and the members' extension with its leading dot.
func OutputName(stem, gid, nonce string, n int, extension string) string {
	return fmt.Sprintf("%s.s3c-%s-%s-%d%s", stem, gid, nonce, n, extension)
}
