package compactor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

// CheckBucket refuses what stands for a bucket without being its name: a log,
// a claim and authority belong to one bucket under one name, and directory
// buckets enforce and list by other rules.
// Source: Amazon S3 User Guide, naming rules of directory buckets, access
// points and Multi-Region Access Points.
func CheckBucket(name string) error {
	var what string
	switch {
	case strings.HasSuffix(name, ".mrap") || strings.HasPrefix(name, "arn:") && strings.Contains(name, "s3::"):
		what = "a Multi-Region Access Point, behind which there are several buckets"
	case strings.HasPrefix(name, "arn:"):
		what = "an ARN"
	case strings.HasSuffix(name, "--x-s3"):
		what = "a directory bucket, which has neither an order of keys nor the conditions that compaction relies on"
	case accessPointAlias.MatchString(name):
		what = "the alias of an access point"
	default:
		return nil
	}
	return fmt.Errorf("%s is %s: give the name of a general purpose bucket: %w", name, what, ErrUsage)
}

// accessPointAlias are the reserved endings of aliases: of access points, of
// Object Lambda, of S3 on Outposts and of access points of directory buckets.
var accessPointAlias = regexp.MustCompile(`(-s3alias|--ol-s3|--op-s3|--xa-s3)$`)

// bucketRefusal is what in the buckets' settings forbids that any group is compacted.
func (r *run) bucketRefusal(ctx context.Context) (*groupRefusal, error) {
	for _, b := range dedupe(r.o.Bucket, r.outBucket) {
		enforced, err := r.store.OwnerEnforced(ctx, b)
		if err != nil {
			return nil, err
		}
		if !enforced {
			return ownerRefusal(b), nil
		}
	}
	locked, err := r.store.LockConfigured(ctx, r.o.Bucket)
	if err != nil {
		return nil, err
	}
	if locked {
		return lockRefusal(r.o.Bucket), nil
	}
	switch rules, err := r.store.Lifecycle(ctx, r.o.State.Bucket); {
	case errors.Is(err, s3store.ErrUnsupported): // such an endpoint has no rules
	case s3store.Untold(err):
		r.o.Log.Warn("the lifecycle of the state's bucket can't be read: make sure that no rule removes or archives the state", "state", r.o.State.String(), "error", err)
	case err != nil:
		return nil, err
	default:
		if why := stateExpires(rules, r.o.State); why != nil {
			return why, nil
		}
	}
	versioned, err := r.store.Versioned(ctx, r.o.Bucket)
	if err != nil {
		return nil, err
	}
	if versioned && !r.o.Keep {
		r.o.Log.Warn("the bucket keeps old versions: deleted members leave delete markers and stay billed until a lifecycle rule removes them", "bucket", r.o.Bucket)
	}
	return nil, nil
}

func ownerRefusal(bucket string) *groupRefusal {
	return &groupRefusal{"acl", "bucket " + bucket + " does not enforce its owner, so objects may have ACLs of their own that an output would lose: set its object ownership to BucketOwnerEnforced"}
}

func lockRefusal(bucket string) *groupRefusal {
	return &groupRefusal{"locked", "bucket " + bucket + " has object lock"}
}

// stateExpires finds a lifecycle rule that takes a state's records away: one
// that removes them, or moves them to a class that can't be read at once.
func stateExpires(rules []s3store.LifecycleRule, state s3store.Location) *groupRefusal {
	for _, rule := range rules {
		if !rule.Meets(state.Key) {
			continue
		}
		does := ""
		if rule.Expires() {
			does = "removes"
		}
		for _, m := range rule.Moves {
			if archived[m.StorageClass] {
				does = "archives (" + m.StorageClass + ")"
			}
		}
		if does != "" {
			return &groupRefusal{"lifecycle", fmt.Sprintf("the lifecycle rule %q of bucket %s %s the receipts below %s, without which originals can't be told from outputs or restored: limit the rule to other prefixes, or use another --state", rule.ID, state.Bucket, does, state)}
		}
	}
	return nil
}

func dedupe(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return []string{a, b}
}
