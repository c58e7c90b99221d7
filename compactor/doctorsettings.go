package compactor

import (
	"context"
	"fmt"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

// settings reads the buckets' settings, each on its own: one that can't be read
// hides no other.
func (d *doctor) settings(ctx context.Context) error {
	for _, check := range []func(context.Context) error{
		d.ownership, d.lock, d.lifecycle, d.notifications, d.replication, d.encryption,
		d.policy, d.public, d.payer, d.reports,
	} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *doctor) ownership(ctx context.Context) error {
	for _, b := range dedupe(d.r.o.Bucket, d.r.outBucket) {
		enforced, err := d.s.OwnerEnforced(ctx, b)
		switch {
		case err != nil:
			// compact reads it, too, and stops where it may not.
			if err := d.untold(ctx, "ownership", "s3:GetBucketOwnershipControls, which compact needs", err); err != nil {
				return err
			}
		case enforced:
			d.tell("ownership", Fine, "bucket %s enforces its owner, or the endpoint has no ACLs", b)
		default:
			why := ownerRefusal(b)
			d.tell("ownership", Refusal, "%s", why.detail)
		}
	}
	return nil
}

func (d *doctor) lock(ctx context.Context) error {
	locked, err := d.s.LockConfigured(ctx, d.r.o.Bucket)
	switch {
	case err != nil:
		return d.untold(ctx, "object_lock", "s3:GetBucketObjectLockConfiguration, which compact needs", err)
	case locked:
		d.tell("object_lock", Refusal, "%s: it is left as it is as a whole", lockRefusal(d.r.o.Bucket).detail)
	default:
		d.tell("object_lock", Fine, "bucket %s has none", d.r.o.Bucket)
	}
	return nil
}

// lifecycle tells what the rules do to the state, to originals and outputs, to
// uploads and to old versions.
func (d *doctor) lifecycle(ctx context.Context) error {
	o := d.r.o
	rules, err := d.s.Lifecycle(ctx, o.State.Bucket)
	switch {
	case err != nil:
		if err := d.untold(ctx, "lifecycle_state", "s3:GetLifecycleConfiguration", err); err != nil {
			return err
		}
	default:
		if why := stateExpires(rules, o.State); why != nil {
			d.tell("lifecycle_state", Refusal, "%s", why.detail)
		} else {
			d.tell("lifecycle_state", Fine, "no rule takes the state away")
		}
	}
	source := rules
	if err != nil || o.State.Bucket != o.Bucket {
		if source, err = d.s.Lifecycle(ctx, o.Bucket); err != nil {
			source = nil
			if err := d.untold(ctx, "lifecycle", "s3:GetLifecycleConfiguration", err); err != nil {
				return err
			}
		}
	}
	if err == nil {
		d.rules(source, o.Scope, o.Dest != nil)
		// Beside the claim the state shares its fate, which was told.
		if what := claimExpires(source, o.Bucket); what != "" && o.State != DefaultState(o.Bucket) {
			d.tell("lifecycle_claim", Warning, "%s", what)
		}
	}
	if o.Dest != nil {
		dest, err := d.s.Lifecycle(ctx, d.r.outBucket)
		if err != nil {
			if err := d.untold(ctx, "lifecycle_dest", "s3:GetLifecycleConfiguration", err); err != nil {
				return err
			}
		}
		for _, rule := range dest {
			if rule.Overlaps(d.r.outPrefix+o.Scope) && rule.Expires() {
				d.tell("lifecycle_dest", Warning, "rule %s removes %s %s: outputs go there, and their records with them, whatever becomes of the originals' own rule", ruleName(rule.ID), below(rule.Keys), when(rule))
			}
		}
	}
	return d.versioning(ctx, source)
}

// rules tells what the rules on the originals' bucket mean.
func (d *doctor) rules(rules []s3store.LifecycleRule, scope string, elsewhere bool) {
	quiet := true
	warn := func(format string, a ...any) { quiet = false; d.tell("lifecycle", Warning, format, a...) }
	for _, r := range rules {
		if !r.Overlaps(scope) {
			continue
		}
		name, what := ruleName(r.ID), below(r.Keys)
		switch {
		case elsewhere:
		case r.Expires() && r.LargerThanBytes > 0:
			warn("rule %s removes %s %s: an output may be so large although its originals were not, and would be removed", name, what, when(r))
		case r.Expires() && r.SmallerThanBytes > 0:
			warn("rule %s removes %s %s: an output that is larger is kept, although its originals would have been removed", name, what, when(r))
		case r.ExpireDays > 0:
			warn("rule %s removes %s %d days after they were written: an output's age begins anew, so its records stay up to %d days longer", name, what, r.ExpireDays, r.ExpireDays)
		}
		for _, m := range r.Moves {
			if !elsewhere && m.On.IsZero() {
				warn("rule %s moves %s to %s after %d days: an output's age begins anew, so it moves later than its originals would have", name, what, m.StorageClass, m.Days)
			}
		}
		if r.AbortUploadDays > 0 && r.Overlaps(scope) {
			d.tell("lifecycle_uploads", Fine, "rule %s drops uploads that were not completed within %d days; a run that is stopped for so long reads its last attempt again", name, r.AbortUploadDays)
		}
	}
	if quiet {
		d.tell("lifecycle", Fine, "no rule removes or moves objects under this prefix by their age or size")
	}
}

// when is the time of an expiry, in words.
func when(r s3store.LifecycleRule) string {
	if r.ExpireDays > 0 {
		return fmt.Sprintf("%d days after they were written", r.ExpireDays)
	}
	return "on " + r.ExpireOn.Format("2006-01-02")
}

func (d *doctor) versioning(ctx context.Context, rules []s3store.LifecycleRule) error {
	v, err := d.s.Versioning(ctx, d.r.o.Bucket)
	if err != nil {
		return d.untold(ctx, "versioning", "s3:GetBucketVersioning, which compact needs", err)
	}
	if v.Status == "" {
		d.tell("versioning", Fine, "bucket %s keeps no old versions", d.r.o.Bucket)
		return nil
	}
	until := "no rule of the lifecycle removes them, so they stay billed"
	for _, r := range rules {
		if r.NoncurrentDays > 0 && !r.Tagged && strings.HasPrefix(d.r.o.Scope, r.Prefix) {
			until = fmt.Sprintf("rule %s removes them after %d days", ruleName(r.ID), r.NoncurrentDays)
		}
	}
	d.tell("versioning", Warning, "versioning is %s: deleted originals leave delete markers and stay as old versions; %s", strings.ToLower(v.Status), until)
	return nil
}

// notifications names who is told of outputs and of deleted originals.
func (d *doctor) notifications(ctx context.Context) error {
	all, err := d.s.Notifications(ctx, d.r.outBucket)
	if err != nil {
		return d.untold(ctx, "notifications", "s3:GetBucketNotification", err)
	}
	quiet := true
	for _, n := range all {
		if !n.Overlaps(d.r.outPrefix+d.r.o.Scope) || !maySuffix(n.Suffix) {
			continue
		}
		target := n.Target
		if n.ID != "" {
			target = fmt.Sprintf("%q (%s)", n.ID, n.Target)
		}
		if n.Tells("s3:ObjectCreated:") {
			quiet = false
			d.tell("notifications", Warning, "%s is told of new objects: each output triggers it, and its records would be handled a second time", target)
		}
		if n.Tells("s3:ObjectRemoved:") && d.r.outBucket == d.r.o.Bucket {
			quiet = false
			d.tell("notifications", Warning, "%s is told of deleted objects: each original that is deleted triggers it", target)
		}
	}
	if quiet {
		d.tell("notifications", Fine, "nobody is told of outputs or of deleted originals")
	}
	return nil
}

// maySuffix says whether a gzip object's name may end so: with the ending, or
// with more in front of it.
func maySuffix(suffix string) bool {
	const ending = ".gz"
	return strings.HasSuffix(suffix, ending) || strings.HasSuffix(ending, suffix)
}

func (d *doctor) replication(ctx context.Context) error {
	rules, err := d.s.Replication(ctx, d.r.o.Bucket)
	if err != nil {
		return d.untold(ctx, "replication", "s3:GetReplicationConfiguration", err)
	}
	quiet := true
	for _, r := range rules {
		if !d.within(r.Keys) {
			continue
		}
		quiet = false
		deletes := "deletes are not replicated, so the copies of the originals stay beside those of the outputs"
		if r.DeleteMarkers {
			deletes = "deletes are replicated, too"
		}
		d.tell("replication", Warning, "rule %s copies %s to %s: outputs are copied as well; %s", ruleName(r.ID), below(r.Keys), r.Destination, deletes)
	}
	if quiet {
		d.tell("replication", Fine, "no rule copies objects under this prefix")
	}
	return nil
}

func (d *doctor) encryption(ctx context.Context) error {
	for _, b := range dedupe(d.r.o.Bucket, d.r.outBucket) {
		e, err := d.s.DefaultEncryption(ctx, b)
		switch {
		case err != nil:
			if err := d.untold(ctx, "encryption", "s3:GetEncryptionConfiguration", err); err != nil {
				return err
			}
		case strings.HasPrefix(e.Algorithm, "aws:kms"):
			switch {
			case e.KMSKeyID == "":
			case strings.Contains(e.KMSKeyID, "alias/"):
				d.tell("encryption", Warning, "bucket %s names its key by an alias, which no policy of IAM can: allow its users kms:Decrypt and kms:GenerateDataKey on the key itself", b)
			default:
				d.keys[e.KMSKeyID] = true
			}
			if e.BucketKey {
				d.tell("encryption", Fine, "bucket %s encrypts with %s under a bucket key", b, e.Algorithm)
			} else {
				d.tell("encryption", Warning, "bucket %s encrypts with %s without a bucket key: each object that is read costs a call of KMS, more than its GET", b, e.Algorithm)
			}
		case e.Algorithm == "":
			d.tell("encryption", Fine, "bucket %s names no default encryption", b)
		default:
			d.tell("encryption", Fine, "bucket %s encrypts with %s", b, e.Algorithm)
		}
	}
	return nil
}

func (d *doctor) public(ctx context.Context) error {
	public, err := d.s.Public(ctx, d.r.outBucket)
	switch {
	case err != nil:
		return d.untold(ctx, "public", "s3:GetBucketPolicyStatus", err)
	case public:
		d.tell("public", Warning, "the policy of bucket %s lets anybody in: outputs, and receipts in it, are as public as originals", d.r.outBucket)
	default:
		d.tell("public", Fine, "the policy of bucket %s does not let just anybody in", d.r.outBucket)
	}
	return nil
}

func (d *doctor) payer(ctx context.Context) error {
	pays, err := d.s.RequesterPays(ctx, d.r.o.Bucket)
	switch {
	case err != nil:
		return d.untold(ctx, "requester_pays", "s3:GetBucketRequestPayment", err)
	case pays && d.requestPayer:
		d.tell("requester_pays", Fine, "whoever asks pays, and requests say so (--request-payer)")
	case pays:
		d.tell("requester_pays", Warning, "whoever asks pays: workers of the bucket's own account are served, those of other accounts are refused without --request-payer requester")
	default:
		d.tell("requester_pays", Fine, "the bucket's owner pays for requests")
	}
	return nil
}

// reports finds inventories and access logs that are written below the prefix.
// What is not told is no finding of its own: both are rare.
func (d *doctor) reports(ctx context.Context) error {
	quiet := true
	overlaps := func(t s3store.Target) bool {
		return t.Bucket == d.r.o.Bucket && s3store.Keys{Prefix: t.Prefix}.Overlaps(d.r.o.Scope)
	}
	inventories, err := d.s.Inventories(ctx, d.r.o.Bucket)
	if err != nil {
		if err := d.untold(ctx, "reports", "s3:GetInventoryConfiguration", err); err != nil {
			return err
		}
		quiet = false
	}
	for _, t := range inventories {
		if overlaps(t) {
			quiet = false
			d.tell("reports", Warning, "inventory %q is written to s3://%s/%s, and its manifests name its files: compact other prefixes only", t.ID, t.Bucket, t.Prefix)
		}
	}
	log, on, err := d.s.AccessLog(ctx, d.r.o.Bucket)
	if err != nil {
		if err := d.untold(ctx, "reports", "s3:GetBucketLogging", err); err != nil {
			return err
		}
		quiet = false
	}
	if on && overlaps(log) {
		quiet = false
		d.tell("reports", Warning, "the bucket's access log is written to s3://%s/%s: compact other prefixes only", log.Bucket, log.Prefix)
	}
	if quiet {
		d.tell("reports", Fine, "the bucket's inventories and access log are not written below this prefix")
	}
	return nil
}
