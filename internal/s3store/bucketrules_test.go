package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// settingsServer answers requests for a bucket's settings by the name of the
// setting in the query; what it has no answer for is refused.
func settingsServer(t *testing.T, answers map[string]string) *Client {
	return scripted(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		for name := range r.URL.Query() {
			if body, ok := answers[name]; ok {
				fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?>`+body)
				return
			}
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
	})
}

// failing answers every request with an error.
func failing(t *testing.T, status int, code string) *Client {
	return scripted(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>so it is</Message></Error>`, code)
	})
}

func TestLifecycleRules(t *testing.T) {
	c := settingsServer(t, map[string]string{"lifecycle": `<LifecycleConfiguration>
<Rule><ID>off</ID><Status>Disabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule>
<Rule><ID>old form</ID><Status>Enabled</Status><Prefix>old/</Prefix><Expiration><Days>7</Days></Expiration></Rule>
<Rule><ID>both</ID><Status>Enabled</Status><Filter><And><Prefix>app/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan><ObjectSizeLessThan>99</ObjectSizeLessThan></And></Filter><Expiration><Date>2030-01-02T00:00:00Z</Date></Expiration></Rule>
<Rule><ID>moves</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition><Transition><Date>2031-01-02T00:00:00Z</Date><StorageClass>STANDARD_IA</StorageClass></Transition><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
<Rule><ID>tag</ID><Status>Enabled</Status><Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>
</LifecycleConfiguration>`})
	got, err := c.Lifecycle(context.Background(), "b")
	if err != nil {
		t.Fatal(err)
	}
	want := []LifecycleRule{
		{ID: "old form", Keys: Keys{Prefix: "old/"}, ExpireDays: 7},
		{ID: "both", Keys: Keys{Prefix: "app/", Tagged: true, LargerThanBytes: 10, SmallerThanBytes: 99}, ExpireOn: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)},
		{ID: "moves", Moves: []Move{{StorageClass: "GLACIER", Days: 30}, {StorageClass: "STANDARD_IA", On: time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC)}}, NoncurrentDays: 3, AbortUploadDays: 2},
		{ID: "tag", Keys: Keys{Tagged: true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, expires := range []bool{true, true, false, false} {
		if got[i].Expires() != expires {
			t.Errorf("rule %s expires objects: %t", got[i].ID, !expires)
		}
	}
}

func TestKeysOfARule(t *testing.T) {
	for _, c := range []struct {
		rule, prefix string
		overlaps     bool
	}{{"", "", true}, {"", "a/", true}, {"a/", "", true}, {"a/", "a/b/", true}, {"a/b/", "a/", true}, {"a", "app/", true}, {"b/", "a/", false}, {"a/b/", "a/c/", false}} {
		k := Keys{Prefix: c.rule}
		if k.Overlaps(c.prefix) != c.overlaps || k.Meets(c.prefix) != c.overlaps {
			t.Errorf("%+v", c)
		}
		if k.Tagged = true; k.Meets(c.prefix) {
			t.Errorf("%+v: a rule for tagged objects meets an untagged one", c)
		}
	}
}

func TestOtherSettings(t *testing.T) {
	ctx := context.Background()
	c := settingsServer(t, map[string]string{
		"notification": `<NotificationConfiguration>
<QueueConfiguration><Id>q</Id><Queue>arn:aws:sqs:x:1:q</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>Prefix</Name><Value>app/</Value></FilterRule><FilterRule><Name>suffix</Name><Value>.gz</Value></FilterRule></S3Key></Filter></QueueConfiguration>
<TopicConfiguration><Id>t</Id><Topic>arn:aws:sns:x:1:t</Topic><Event>s3:ObjectRemoved:Delete</Event></TopicConfiguration>
<CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:aws:lambda:x:1:function:f</CloudFunction><Event>s3:ObjectCreated:Put</Event></CloudFunctionConfiguration>
<EventBridgeConfiguration/></NotificationConfiguration>`,
		"replication": `<ReplicationConfiguration><Role>r</Role>
<Rule><ID>old</ID><Prefix>app/</Prefix><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination></Rule>
<Rule><ID>new</ID><Priority>1</Priority><Filter><Prefix>x/</Prefix></Filter><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication></Rule>
<Rule><ID>and</ID><Priority>2</Priority><Filter><And><Prefix>y/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination><DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication></Rule>
<Rule><ID>off</ID><Filter/><Status>Disabled</Status><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination></Rule></ReplicationConfiguration>`,
		"encryption":     `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`,
		"policyStatus":   `<PolicyStatus><IsPublic>TRUE</IsPublic></PolicyStatus>`,
		"requestPayment": `<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>`,
		"inventory":      `<ListInventoryConfigurationsResult><InventoryConfiguration><Id>daily</Id><IsEnabled>true</IsEnabled><Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports</Bucket><Format>ORC</Format><Prefix>inv</Prefix></S3BucketDestination></Destination></InventoryConfiguration><IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>`,
		"logging":        `<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>s3/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>`,
		"versioning":     `<VersioningConfiguration><Status>Suspended</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>`,
	})
	check := func(name string, want, got any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	n, err := c.Notifications(ctx, "b")
	check("notifications", []Notification{
		{ID: "q", Target: "arn:aws:sqs:x:1:q", Events: []string{"s3:ObjectCreated:*"}, Keys: Keys{Prefix: "app/", Suffix: ".gz"}},
		{ID: "t", Target: "arn:aws:sns:x:1:t", Events: []string{"s3:ObjectRemoved:Delete"}},
		{ID: "f", Target: "arn:aws:lambda:x:1:function:f", Events: []string{"s3:ObjectCreated:Put"}},
		{Target: EventBridge, Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}},
	}, n, err)
	if len(n) == 4 && (!n[0].Tells("s3:ObjectCreated:") || n[0].Tells("s3:ObjectRemoved:") || !n[1].Tells("s3:ObjectRemoved:") || !n[3].Tells("s3:ObjectRemoved:")) {
		t.Error("notifications tell of other events")
	}
	r, err := c.Replication(ctx, "b")
	check("replication", []ReplicationRule{
		{ID: "old", Destination: "arn:aws:s3:::copy", Keys: Keys{Prefix: "app/"}, DeleteMarkers: true},
		{ID: "new", Destination: "arn:aws:s3:::copy", Keys: Keys{Prefix: "x/"}},
		{ID: "and", Destination: "arn:aws:s3:::copy", Keys: Keys{Prefix: "y/", Tagged: true}, DeleteMarkers: true},
	}, r, err)
	e, err := c.DefaultEncryption(ctx, "b")
	check("encryption", Encryption{Algorithm: "aws:kms", KMSKeyID: "key", BucketKey: true}, e, err)
	public, err := c.Public(ctx, "b")
	check("public", true, public, err)
	pays, err := c.RequesterPays(ctx, "b")
	check("requester pays", true, pays, err)
	i, err := c.Inventories(ctx, "b")
	check("inventories", []Target{{ID: "daily", Bucket: "reports", Prefix: "inv"}}, i, err)
	l, on, err := c.AccessLog(ctx, "b")
	check("access log", Target{Bucket: "logs", Prefix: "s3/"}, l, err)
	v, err := c.Versioning(ctx, "b")
	check("versioning", Versioning{Status: "Suspended", MFADelete: true}, v, err)
	versioned, err := c.Versioned(ctx, "b")
	check("versioned", true, versioned && on, err)
	if _, err := c.Policy(ctx, "b"); !errors.Is(err, ErrDenied) || !Untold(err) {
		t.Errorf("a setting that may not be read: %v", err)
	}
}

// TestSettingsThatAreNotThere: S3 answers 404 with a code of its own for each; that is no error.
func TestSettingsThatAreNotThere(t *testing.T) {
	ctx := context.Background()
	for _, setting := range []struct {
		code string
		ask  func(*Client) (there bool, err error)
	}{
		{"NoSuchLifecycleConfiguration", func(c *Client) (bool, error) { r, err := c.Lifecycle(ctx, "b"); return r != nil, err }},
		{"ReplicationConfigurationNotFoundError", func(c *Client) (bool, error) { r, err := c.Replication(ctx, "b"); return r != nil, err }},
		{"ServerSideEncryptionConfigurationNotFoundError", func(c *Client) (bool, error) { e, err := c.DefaultEncryption(ctx, "b"); return e != Encryption{}, err }},
		{"NoSuchBucketPolicy", func(c *Client) (bool, error) { p, err := c.Policy(ctx, "b"); return p != "", err }},
		{"NoSuchBucketPolicy", func(c *Client) (bool, error) { return c.Public(ctx, "b") }},
	} {
		if there, err := setting.ask(failing(t, http.StatusNotFound, setting.code)); err != nil || there {
			t.Errorf("%s: %t, %v", setting.code, there, err)
		}
		if _, err := setting.ask(failing(t, http.StatusNotFound, "NoSuchBucket")); !errors.Is(err, ErrNoBucket) || Untold(err) {
			t.Errorf("no bucket, where %s is expected: %v", setting.code, err)
		}
		if _, err := setting.ask(failing(t, http.StatusNotImplemented, "NotImplemented")); !Untold(err) {
			t.Errorf("unsupported, where %s is expected: %v", setting.code, err)
		}
	}
}
