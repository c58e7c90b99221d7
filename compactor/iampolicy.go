package compactor

import (
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
)

// IAMPolicy is a policy in the language of AWS IAM.
type IAMPolicy struct {
	Version   string         `json:"Version"`
	Statement []IAMStatement `json:"Statement"`
}

// IAMStatement allows actions on resources.
type IAMStatement struct {
	Sid      string   `json:"Sid"`
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource []string `json:"Resource"`
}

// The actions that workers need, by what they are for. ListBucket has no
// condition on s3:prefix: without it a HEAD of a missing key is answered 403,
// which is no answer to whether the key exists.
// Source: Service Authorization Reference, "Actions, resources, and condition
// keys for Amazon S3", and the permissions that the page of each API names.
var (
	listActions = []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}
	// settingActions are read at the start of a run.
	settingActions = []string{"s3:GetBucketObjectLockConfiguration", "s3:GetBucketOwnershipControls", "s3:GetBucketVersioning", "s3:GetLifecycleConfiguration"}
	// readActions show an object with what would be lost were it not seen: tags and locks.
	readActions = []string{"s3:GetObject", "s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:GetObjectTagging"}
	// writeActions make outputs, put originals back, and delete either on its ETag.
	writeActions = []string{"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject", "s3:PutObjectTagging"}
	// recordActions read and write what is only ever added.
	recordActions = []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}
	claimActions  = []string{"s3:DeleteObject", "s3:GetObject", "s3:PutObject"}
	// doctorActions read settings that only doctor asks for.
	doctorActions = []string{
		"s3:GetBucketLogging", "s3:GetBucketNotification", "s3:GetBucketPolicy", "s3:GetBucketPolicyStatus", "s3:GetBucketRequestPayment",
		"s3:GetEncryptionConfiguration", "s3:GetInventoryConfiguration", "s3:GetReplicationConfiguration",
	}
	keyActions = []string{"kms:Decrypt", "kms:GenerateDataKey"}
)

// workerActions are the actions of S3 that compact, restore and verify need.
func workerActions() []string {
	all := slices.Concat(listActions, settingActions, readActions, writeActions)
	slices.Sort(all)
	return slices.Compact(all)
}

// MinimalPolicy is the least that compact, restore, verify, status, close and
// doctor need for a prefix, its state and its dest. kmsKeys are ARNs, or ids of
// keys of the same account and region.
func MinimalPolicy(bucket, scope string, state s3store.Location, dest *s3store.Location, kmsKeys []string) IAMPolicy {
	out, outPrefix := bucket, scope
	if dest != nil {
		out, outPrefix = dest.Bucket, dest.Key+scope
	}
	buckets := distinct(BucketARN(bucket), BucketARN(out), BucketARN(state.Bucket))
	p := IAMPolicy{Version: "2012-10-17"}
	allow := func(sid string, actions []string, resources ...string) {
		p.Statement = append(p.Statement, IAMStatement{Sid: sid, Effect: "Allow", Action: actions, Resource: distinct(resources...)})
	}
	allow("Buckets", slices.Concat(listActions, settingActions), buckets...)
	allow("OriginalsAndOutputs", slices.Concat(readActions, writeActions), ObjectsARN(bucket, scope), ObjectsARN(out, outPrefix))
	allow("ReceiptsAndPlans", recordActions, ObjectsARN(state.Bucket, state.Key))
	allow("NotedUploads", []string{"s3:DeleteObject"}, ObjectsARN(state.Bucket, receipt.UploadsPrefix(state.Key)))
	allow("Claim", claimActions, ObjectARN(bucket, receipt.ClaimKey))
	allow("ClosedStates", []string{"s3:PutObject"}, ObjectsARN(bucket, receipt.ClosedPrefix))
	allow("Canaries", slices.Concat(readActions, writeActions),
		ObjectsARN(bucket, canaryPrefix), ObjectsARN(out, canaryPrefix), ObjectsARN(state.Bucket, canaryPrefix))
	allow("DoctorOnly", doctorActions, distinct(BucketARN(bucket), BucketARN(out))...)
	if len(kmsKeys) > 0 {
		p.Statement = append(p.Statement, KeysStatement(kmsKeys))
	}
	return p
}

// KeysStatement allows the use of KMS keys for objects. They are ARNs, or ids of
// keys of the same account and region.
func KeysStatement(kmsKeys []string) IAMStatement {
	resources := make([]string, len(kmsKeys))
	for i, k := range kmsKeys {
		if resources[i] = k; !strings.HasPrefix(k, "arn:") {
			resources[i] = "arn:aws:kms:*:*:key/" + k
		}
	}
	return IAMStatement{Sid: "Keys", Effect: "Allow", Action: keyActions, Resource: resources}
}

// BucketARN is a bucket as a resource of IAM.
func BucketARN(bucket string) string { return "arn:aws:s3:::" + bucket }

// ObjectARN is one object as a resource of IAM.
func ObjectARN(bucket, key string) string { return BucketARN(bucket) + "/" + escapeResource(key) }

// ObjectsARN is all objects below a prefix as a resource of IAM.
func ObjectsARN(bucket, prefix string) string { return ObjectARN(bucket, prefix) + "*" }

// canaryPrefix is where the canaries lie in each bucket.
const canaryPrefix = "_s3compact/canary/"

// escapeResource writes a key so that nothing in it is a wildcard or a variable.
// Source: IAM User Guide, "IAM policy elements: Variables and tags", "Special characters".
func escapeResource(key string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(key)
}

// distinct is the values in their order, each once.
func distinct(values ...string) []string {
	var all []string
	for _, v := range values {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}
