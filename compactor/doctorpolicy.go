package compactor

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

// statement is what matters here of a statement of a bucket's policy.
type statement struct {
	Sid       string
	Effect    string
	Principal json.RawMessage
	Action    oneOrMany
	NotAction oneOrMany
	Resource  oneOrMany
	Condition map[string]map[string]json.RawMessage
}

// oneOrMany is a string, or an array of them.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*o = oneOrMany{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	*o = many
	return nil
}

// policy names the statements that deny what compaction does: whether they hit
// these credentials is for IAM to say. It also names the services that may
// write below the prefix, such as what delivers access logs and inventories of
// other buckets.
func (d *doctor) policy(ctx context.Context) error {
	for _, b := range dedupe(d.r.o.Bucket, d.r.outBucket) {
		text, err := d.s.Policy(ctx, b)
		if err != nil {
			if err := d.untold(ctx, "policy", "s3:GetBucketPolicy", err); err != nil {
				return err
			}
			continue
		}
		if text == "" {
			d.tell("policy", Fine, "bucket %s has no policy", b)
			continue
		}
		all, err := statementsOf(text)
		if err != nil {
			d.tell("policy", Unknown, "the policy of bucket %s can't be read: %v", b, err)
			continue
		}
		if b == d.r.o.Bucket {
			d.deliveries(all)
		}
		denials := denialsOf(all)
		for _, s := range denials {
			d.tell("policy", Warning, "the policy of bucket %s denies %s in statement %s: see that its conditions let the worker through", b, strings.Join(s.Action, ", "), ruleName(s.Sid))
		}
		if len(denials) == 0 {
			d.tell("policy", Fine, "the policy of bucket %s denies nothing that is needed, but over plain HTTP", b)
		}
	}
	return nil
}

// deliveries tells of services that may write below the prefix.
func (d *doctor) deliveries(all []statement) {
	for _, s := range all {
		var by struct{ Service oneOrMany }
		if s.Effect != "Allow" || !matchesAction(s.Action, "s3:PutObject") || json.Unmarshal(s.Principal, &by) != nil {
			continue // not by a service
		}
		for _, arn := range s.Resource {
			_, resource, _ := strings.Cut(arn, ":s3:::") // in any partition
			prefix, inBucket := strings.CutPrefix(resource, d.r.o.Bucket+"/")
			if prefix, _, _ = strings.Cut(prefix, "*"); inBucket && len(by.Service) > 0 && d.within(s3store.Keys{Prefix: prefix}) {
				d.tell("policy", Warning, "the policy of bucket %s lets %s write under %q: where access logs, inventories or trails are delivered, compact other prefixes only", d.r.o.Bucket, strings.Join(by.Service, ", "), prefix)
			}
		}
	}
}

// statementsOf reads a policy.
func statementsOf(policy string) ([]statement, error) {
	var p struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return nil, err
	}
	var all []statement
	if err := json.Unmarshal(p.Statement, &all); err != nil {
		var one statement
		if err := json.Unmarshal(p.Statement, &one); err != nil {
			return nil, err
		}
		all = []statement{one}
	}
	return all, nil
}

// denialsOf are the statements that deny an action that compaction needs, each
// with those actions. What is denied over plain HTTP alone is no denial.
func denialsOf(all []statement) (denials []statement) {
	for _, s := range all {
		if s.Effect != "Deny" || plainHTTPOnly(s.Condition) {
			continue
		}
		var hit oneOrMany
		for _, a := range workerActions() {
			if matchesAction(s.Action, a) || len(s.NotAction) > 0 && !matchesAction(s.NotAction, a) {
				hit = append(hit, a)
			}
		}
		if len(hit) > 0 {
			denials = append(denials, statement{Sid: s.Sid, Action: hit})
		}
	}
	return denials
}

func plainHTTPOnly(c map[string]map[string]json.RawMessage) bool {
	keys := 0
	secure := false
	for _, operator := range c {
		for key := range operator {
			keys++
			secure = secure || strings.EqualFold(key, "aws:SecureTransport")
		}
	}
	return keys == 1 && secure
}

// matchesAction says whether a list of actions with wildcards names one.
func matchesAction(patterns []string, action string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(strings.ToLower(p), strings.ToLower(action)); err == nil && ok {
			return true
		}
	}
	return false
}
