package s3store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Keys are the keys that a bucket's rule applies to.
type Keys struct {
	Prefix string
	Suffix string
	Tagged bool // only objects with certain tags
	// LargerThanBytes and SmallerThanBytes bound the objects' sizes, both exclusive; 0: no bound.
	LargerThanBytes, SmallerThanBytes int64
}

// Meets says whether the rule may apply to an untagged object whose key begins
// with prefix, whatever its size.
func (k Keys) Meets(prefix string) bool {
	return !k.Tagged && k.Overlaps(prefix)
}

// Overlaps says whether a key that begins with prefix may be one of the rule's.
func (k Keys) Overlaps(prefix string) bool {
	return strings.HasPrefix(prefix, k.Prefix) || strings.HasPrefix(k.Prefix, prefix)
}

// LifecycleRule is an enabled rule of a bucket's lifecycle.
// API: LifecycleRule of the S3 API reference.
type LifecycleRule struct {
	ID string
	Keys
	ExpireDays int       // current objects expire so many days after they were written; 0: never by age
	ExpireOn   time.Time // or on this day; zero: on none
	Moves      []Move    // to other storage classes
	// NoncurrentDays is when old versions are removed; 0: never.
	NoncurrentDays int
	// AbortUploadDays is when uploads that were not completed are dropped; 0: never.
	AbortUploadDays int
}

// Expires says whether the rule removes current objects.
func (r LifecycleRule) Expires() bool { return r.ExpireDays > 0 || !r.ExpireOn.IsZero() }

// Move is a transition of current objects to another storage class.
type Move struct {
	StorageClass string
	Days         int       // after they were written, unless On is set
	On           time.Time // zero: by age
}

// Lifecycle reads the bucket's enabled lifecycle rules, none where it has no
// lifecycle. API: GetBucketLifecycleConfiguration.
func (c *Client) Lifecycle(ctx context.Context, bucket string) ([]LifecycleRule, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketLifecycleConfigurationOutput, error) {
		return c.api.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket})
	})
	if codeOf(err) == "NoSuchLifecycleConfiguration" {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("read the lifecycle of", bucket, "", err)
	}
	var rules []LifecycleRule
	for i := range out.Rules {
		if r := &out.Rules[i]; r.Status == types.ExpirationStatusEnabled {
			rules = append(rules, lifecycleRule(r))
		}
	}
	return rules, nil
}

func lifecycleRule(in *types.LifecycleRule) LifecycleRule {
	r := LifecycleRule{ID: aws.ToString(in.ID), Keys: lifecycleKeys(in)}
	if e := in.Expiration; e != nil {
		r.ExpireDays, r.ExpireOn = int(aws.ToInt32(e.Days)), aws.ToTime(e.Date)
	}
	for _, t := range in.Transitions {
		r.Moves = append(r.Moves, Move{StorageClass: string(t.StorageClass), Days: int(aws.ToInt32(t.Days)), On: aws.ToTime(t.Date)})
	}
	if e := in.NoncurrentVersionExpiration; e != nil {
		r.NoncurrentDays = int(aws.ToInt32(e.NoncurrentDays))
	}
	if a := in.AbortIncompleteMultipartUpload; a != nil {
		r.AbortUploadDays = int(aws.ToInt32(a.DaysAfterInitiation))
	}
	return r
}

// lifecycleKeys reads a rule's filter; a rule of the older form has a prefix in its place.
func lifecycleKeys(in *types.LifecycleRule) Keys {
	f := in.Filter
	if f == nil {
		return Keys{Prefix: aws.ToString(in.Prefix)} //nolint:staticcheck // rules of the older form are still in use
	}
	if a := f.And; a != nil {
		return Keys{
			Prefix: aws.ToString(a.Prefix), Tagged: len(a.Tags) > 0,
			LargerThanBytes: aws.ToInt64(a.ObjectSizeGreaterThan), SmallerThanBytes: aws.ToInt64(a.ObjectSizeLessThan),
		}
	}
	return Keys{
		Prefix: aws.ToString(f.Prefix), Tagged: f.Tag != nil,
		LargerThanBytes: aws.ToInt64(f.ObjectSizeGreaterThan), SmallerThanBytes: aws.ToInt64(f.ObjectSizeLessThan),
	}
}

// Notification is where a bucket sends its events.
type Notification struct {
	ID     string
	Target string   // ARN of a queue, topic or function; "EventBridge"
	Events []string // such as s3:ObjectCreated:*
	Keys
}

// EventBridge is the target of a bucket whose events all go to Amazon EventBridge.
const EventBridge = "EventBridge"

// Tells says whether the notification is sent for one of the events, each as a
// prefix of event names, such as "s3:ObjectCreated:".
func (n Notification) Tells(event string) bool {
	return slices.ContainsFunc(n.Events, func(e string) bool { return strings.HasPrefix(e, event) })
}

// Notifications reads where the bucket sends its events.
// API: GetBucketNotificationConfiguration.
func (c *Client) Notifications(ctx context.Context, bucket string) ([]Notification, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketNotificationConfigurationOutput, error) {
		return c.api.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	})
	if err != nil {
		return nil, wrap("read the notifications of", bucket, "", err)
	}
	var all []Notification
	add := func(id, target *string, events []types.Event, f *types.NotificationConfigurationFilter) {
		n := Notification{ID: aws.ToString(id), Target: aws.ToString(target)}
		for _, e := range events {
			n.Events = append(n.Events, string(e))
		}
		if f != nil && f.Key != nil {
			for _, rule := range f.Key.FilterRules {
				switch strings.ToLower(string(rule.Name)) {
				case "prefix":
					n.Prefix = aws.ToString(rule.Value)
				case "suffix":
					n.Suffix = aws.ToString(rule.Value)
				}
			}
		}
		all = append(all, n)
	}
	for _, q := range out.QueueConfigurations {
		add(q.Id, q.QueueArn, q.Events, q.Filter)
	}
	for _, t := range out.TopicConfigurations {
		add(t.Id, t.TopicArn, t.Events, t.Filter)
	}
	for _, l := range out.LambdaFunctionConfigurations {
		add(l.Id, l.LambdaFunctionArn, l.Events, l.Filter)
	}
	if out.EventBridgeConfiguration != nil {
		all = append(all, Notification{Target: EventBridge, Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}})
	}
	return all, nil
}

// ReplicationRule is an enabled rule by which objects are copied elsewhere.
type ReplicationRule struct {
	ID          string
	Destination string // ARN of a bucket
	Keys
	DeleteMarkers bool // deletes are replicated too
}

// Replication reads the bucket's enabled replication rules.
// API: GetBucketReplication.
func (c *Client) Replication(ctx context.Context, bucket string) ([]ReplicationRule, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketReplicationOutput, error) {
		return c.api.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: &bucket})
	})
	if codeOf(err) == "ReplicationConfigurationNotFoundError" {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("read the replication of", bucket, "", err)
	}
	if out.ReplicationConfiguration == nil {
		return nil, nil
	}
	var rules []ReplicationRule
	for i := range out.ReplicationConfiguration.Rules {
		in := &out.ReplicationConfiguration.Rules[i]
		if in.Status != types.ReplicationRuleStatusEnabled {
			continue
		}
		r := ReplicationRule{ID: aws.ToString(in.ID), Keys: replicationKeys(in)}
		if in.Destination != nil {
			r.Destination = aws.ToString(in.Destination.Bucket)
		}
		// A rule of the older form, without a filter, replicates deletes.
		r.DeleteMarkers = in.Filter == nil
		if d := in.DeleteMarkerReplication; d != nil {
			r.DeleteMarkers = d.Status == types.DeleteMarkerReplicationStatusEnabled
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func replicationKeys(in *types.ReplicationRule) Keys {
	f := in.Filter
	switch {
	case f == nil:
		return Keys{Prefix: aws.ToString(in.Prefix)} //nolint:staticcheck // rules of the older form are still in use
	case f.And != nil:
		return Keys{Prefix: aws.ToString(f.And.Prefix), Tagged: len(f.And.Tags) > 0}
	}
	return Keys{Prefix: aws.ToString(f.Prefix), Tagged: f.Tag != nil}
}

// Target is where reports of AWS about a bucket are written.
type Target struct {
	ID     string // of an inventory configuration
	Bucket string // its name
	Prefix string
}

// Inventories reads where the bucket's inventories are written.
// API: ListBucketInventoryConfigurations.
func (c *Client) Inventories(ctx context.Context, bucket string) ([]Target, error) {
	in := &s3.ListBucketInventoryConfigurationsInput{Bucket: &bucket}
	var all []Target
	for {
		out, err := retrySkewed(ctx, c.clock, func() (*s3.ListBucketInventoryConfigurationsOutput, error) {
			return c.api.ListBucketInventoryConfigurations(ctx, in)
		})
		if err != nil {
			return nil, wrap("read the inventory configurations of", bucket, "", err)
		}
		for _, i := range out.InventoryConfigurationList {
			if i.Destination == nil || i.Destination.S3BucketDestination == nil {
				continue
			}
			d := i.Destination.S3BucketDestination
			arn := aws.ToString(d.Bucket)
			all = append(all, Target{ID: aws.ToString(i.Id), Bucket: arn[strings.LastIndexByte(arn, ':')+1:], Prefix: aws.ToString(d.Prefix)})
		}
		if !aws.ToBool(out.IsTruncated) || out.NextContinuationToken == nil {
			return all, nil
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

// AccessLog reads where the bucket's server access log is written; false where it has none.
// API: GetBucketLogging.
func (c *Client) AccessLog(ctx context.Context, bucket string) (Target, bool, error) {
	out, err := retrySkewed(ctx, c.clock, func() (*s3.GetBucketLoggingOutput, error) {
		return c.api.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &bucket})
	})
	if err != nil {
		return Target{}, false, wrap("read the access logging of", bucket, "", err)
	}
	if out.LoggingEnabled == nil {
		return Target{}, false, nil
	}
	return Target{Bucket: aws.ToString(out.LoggingEnabled.TargetBucket), Prefix: aws.ToString(out.LoggingEnabled.TargetPrefix)}, true, nil
}

// Untold says whether an error means that a bucket's setting can't be known
// from here: the caller may not read it, or the endpoint has no such setting.
func Untold(err error) bool {
	return errors.Is(err, ErrDenied) || errors.Is(err, ErrUnsupported)
}
