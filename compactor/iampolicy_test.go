package compactor

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/s3store"
)

// operationActions are the actions of IAM that each operation of the S3 API
// takes, as it is called here. Source: Amazon S3 API reference, "Permissions"
// of each operation.
var operationActions = map[string][]string{
	"ListObjectsV2":                      {"s3:ListBucket"},
	"GetObject":                          {"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectRetention", "s3:GetObjectLegalHold"}, // tag count and lock headers are shown
	"HeadObject":                         {"s3:GetObject", "s3:ListBucket"},
	"GetObjectTagging":                   {"s3:GetObjectTagging"},
	"PutObject":                          {"s3:PutObject", "s3:PutObjectTagging"},
	"CreateMultipartUpload":              {"s3:PutObject", "s3:PutObjectTagging"},
	"UploadPart":                         {"s3:PutObject"},
	"UploadPartCopy":                     {"s3:PutObject", "s3:GetObject"},
	"CompleteMultipartUpload":            {"s3:PutObject"},
	"AbortMultipartUpload":               {"s3:AbortMultipartUpload"},
	"ListMultipartUploads":               {"s3:ListBucketMultipartUploads"},
	"DeleteObject":                       {"s3:DeleteObject", "s3:GetObject"}, // with If-Match
	"DeleteObjects":                      {"s3:DeleteObject", "s3:GetObject"},
	"GetBucketVersioning":                {"s3:GetBucketVersioning"},
	"GetBucketOwnershipControls":         {"s3:GetBucketOwnershipControls"},
	"GetObjectLockConfiguration":         {"s3:GetBucketObjectLockConfiguration"},
	"GetBucketLifecycleConfiguration":    {"s3:GetLifecycleConfiguration"},
	"GetBucketNotificationConfiguration": {"s3:GetBucketNotification"},
	"GetBucketReplication":               {"s3:GetReplicationConfiguration"},
	"GetBucketEncryption":                {"s3:GetEncryptionConfiguration"},
	"GetBucketPolicy":                    {"s3:GetBucketPolicy"},
	"GetBucketPolicyStatus":              {"s3:GetBucketPolicyStatus"},
	"GetBucketRequestPayment":            {"s3:GetBucketRequestPayment"},
	"ListBucketInventoryConfigurations":  {"s3:GetInventoryConfiguration"},
	"GetBucketLogging":                   {"s3:GetBucketLogging"},
}

// TestPolicyAllowsWhatIsCalled: the policy allows each action that a call of
// the S3 API takes, and none that no call takes.
func TestPolicyAllowsWhatIsCalled(t *testing.T) {
	files, err := filepath.Glob("../internal/s3store/*.go")
	if err != nil {
		t.Fatal(err)
	}
	called := regexp.MustCompile(`\bc\.api\.([A-Z]\w+)\(`)
	needed := map[string]bool{}
	operations := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range called.FindAllStringSubmatch(string(text), -1) {
			if m[1] == "Options" {
				continue // of the SDK's client: no operation
			}
			operations[m[1]] = true
			actions, known := operationActions[m[1]]
			if !known {
				t.Errorf("%s calls %s: say in operationActions which actions it takes, and allow them in MinimalPolicy", filepath.Base(file), m[1])
			}
			for _, a := range actions {
				needed[a] = true
			}
		}
	}
	for op := range operationActions {
		if !operations[op] {
			t.Errorf("no call of %s was found", op)
		}
	}
	allowed := map[string]bool{}
	for _, s := range MinimalPolicy("logs", "app/", DefaultState("logs"), nil, nil).Statement {
		for _, a := range s.Action {
			allowed[a] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(needed)), slices.Sorted(maps.Keys(allowed))); diff != "" {
		t.Errorf("needed and allowed differ: %s", diff)
	}
}

func TestPolicyResources(t *testing.T) {
	p := MinimalPolicy("logs", "app/*?$/", s3store.Location{Bucket: "meta", Key: "_state/"}, &s3store.Location{Bucket: "joined", Key: "x/"},
		[]string{"arn:aws:kms:eu-west-1:123456789012:key/k", "id"})
	want := map[string][]string{
		"Buckets":             {"arn:aws:s3:::logs", "arn:aws:s3:::joined", "arn:aws:s3:::meta"},
		"OriginalsAndOutputs": {"arn:aws:s3:::logs/app/${*}${?}${$}/*", "arn:aws:s3:::joined/x/app/${*}${?}${$}/*"},
		"ReceiptsAndPlans":    {"arn:aws:s3:::meta/_state/*"},
		"NotedUploads":        {"arn:aws:s3:::meta/_state/uploads/*"},
		"Claim":               {"arn:aws:s3:::logs/_s3compact/claim.json"},
		"ClosedStates":        {"arn:aws:s3:::logs/_s3compact/closed/*"},
		"Canaries":            {"arn:aws:s3:::logs/_s3compact/canary/*", "arn:aws:s3:::joined/_s3compact/canary/*", "arn:aws:s3:::meta/_s3compact/canary/*"},
		"DoctorOnly":          {"arn:aws:s3:::logs", "arn:aws:s3:::joined"},
		"Keys":                {"arn:aws:kms:eu-west-1:123456789012:key/k", "arn:aws:kms:*:*:key/id"},
	}
	got := map[string][]string{}
	for _, s := range p.Statement {
		got[s.Sid] = s.Resource
		if s.Effect != "Allow" {
			t.Errorf("%s: %s", s.Sid, s.Effect)
		}
		for _, a := range s.Action {
			// What is only ever added must not be deletable.
			if s.Sid == "ReceiptsAndPlans" && a == "s3:DeleteObject" {
				t.Error("receipts may be deleted")
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
