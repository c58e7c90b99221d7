package compactor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/s3compact/s3compact/internal/receipt"
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
	if why, err := r.lifecycleRefusal(ctx); why != nil || err != nil {
		return why, err
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

// lifecycleRefusal is the lifecycle rule that takes the state away. That one removes
// the claim, which a state elsewhere does not share the fate of, is told.
func (r *run) lifecycleRefusal(ctx context.Context) (*groupRefusal, error) {
	for _, b := range dedupe(r.o.State.Bucket, r.o.Bucket) {
		rules, err := r.store.Lifecycle(ctx, b)
		switch {
		case errors.Is(err, s3store.ErrUnsupported): // such an endpoint has no rules
			continue
		case s3store.Untold(err):
			r.o.Log.Warn("the lifecycle of a bucket can't be read: make sure that no rule removes or archives the state, nor the claim on the data's bucket", "bucket", b, "state", r.o.State.String(), "error", err)
			continue
		case err != nil:
			return nil, err
		}
		if b == r.o.State.Bucket {
			if why := stateExpires(rules, r.o.State); why != nil {
				return why, nil
			}
		}
		if b == r.o.Bucket {
			if what := claimExpires(rules, b); what != "" {
				r.o.Log.Warn(what)
			}
		}
	}
	return nil, nil
}

// claimExpires is what a rule that removes the claim means; "" for none. Without it
// another state could compact the bucket as well, and convert would load outputs for other data.
func claimExpires(rules []s3store.LifecycleRule, bucket string) string {
	for _, rule := range rules {
		if rule.Meets(receipt.ClaimKey) && rule.Expires() {
			return fmt.Sprintf("the lifecycle rule %q removes s3://%s/%s, which says that this state compacts the bucket: limit the rule to other prefixes; until then use no other --state, and run compact, which writes it anew, before each convert, which finds the receipts by it", rule.ID, bucket, receipt.ClaimKey)
		}
	}
	return ""
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
