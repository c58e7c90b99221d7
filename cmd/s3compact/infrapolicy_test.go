package main

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/jobs"
	"github.com/s3compact/s3compact/jobs/infra"
	"github.com/s3compact/s3compact/parquetconv"
	"github.com/s3compact/s3compact/parquetconv/glue"
)

func permissionsFor(t *testing.T, text, bucket string, kmsKeys ...string) []infra.Statement {
	t.Helper()
	p, err := jobs.ParsePipeline([]byte("version: 1\nname: a\n" + text))
	if err != nil {
		t.Fatal(err)
	}
	all, err := permissionsOf(p, "s3://files/p.yaml", bucket, kmsKeys)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func resourcesOf(all []infra.Statement) map[string][]string {
	m := map[string][]string{}
	for _, s := range all {
		m[s.Sid] = s.Resource
	}
	return m
}

// TestInfraPolicyIsDoctors: what compact is allowed is what doctor prints for
// the same bucket, prefix, state and dest, word for word.
func TestInfraPolicyIsDoctors(t *testing.T) {
	l := newLake(t)
	for name, c := range map[string]struct {
		pipeline, prefix string
		flags            []string
	}{
		"prefix":     {"compact:\n  prefix: s3://BUCKET/10002/\n", "10002/", nil},
		"listing":    {"hotspots:\n  listing: s3://BUCKET/10002/\ncompact:\n", "10002/", nil},
		"report":     {"hotspots:\n  inventory: s3://reports/BUCKET/daily/\ncompact:\n", "", nil},
		"one report": {"hotspots:\n  inventory: s3://reports/some/prefix/BUCKET/daily/2026-10-04T01-00Z/manifest.json\ncompact:\n", "", nil},
		"elsewhere": {"compact:\n  prefix: s3://BUCKET/10002/\n  state: s3://BUCKET/_other/\n  dest: s3://BUCKET/joined/\n", "10002/",
			[]string{"--state", "s3://BUCKET/_other/", "--dest", "s3://BUCKET/joined/"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := func(s string) string { return strings.ReplaceAll(s, "BUCKET", l.bucket) }
			args := []string{"doctor", "s3://" + l.bucket + "/" + c.prefix, "--read-only", "--sample", "1", "--output", "policy"}
			for _, f := range c.flags {
				args = append(args, in(f))
			}
			r := s3compact(args...)
			var doctors struct{ Statement []infra.Statement }
			if err := json.Unmarshal([]byte(r.stdout), &doctors); err != nil {
				t.Fatalf("%v: %+v", err, r)
			}
			got := permissionsFor(t, in(c.pipeline), "")
			if d := cmp.Diff(doctors.Statement, got[:min(len(got), len(doctors.Statement))]); d != "" {
				t.Errorf("doctor's policy and the pipeline's (-doctor +infra):\n%s", d)
			}
		})
	}
}

func TestInfraPolicyOfSteps(t *testing.T) {
	const table = "  to: s3://tables/app/\n"
	for name, c := range map[string]struct {
		pipeline, bucket string
		keys             []string
		want             map[string][]string // of these statements
	}{
		"convert": {"convert:\n  sources: [s3://logs/app/, 's3://logs/it*/one.gz', s3://more/]\n  schema: s3://tables/s.yaml\n  state: s3://tables/_state/\n" + table, "", nil, map[string][]string{
			"ReadBuckets":  {"arn:aws:s3:::files", "arn:aws:s3:::logs", "arn:aws:s3:::more", "arn:aws:s3:::tables"},
			"ReadObjects":  {"arn:aws:s3:::files/p.yaml", "arn:aws:s3:::logs/_s3compact/*", "arn:aws:s3:::logs/app/*", "arn:aws:s3:::logs/it${*}/one.gz*", "arn:aws:s3:::more/*", "arn:aws:s3:::more/_s3compact/*", "arn:aws:s3:::tables/s.yaml"},
			"TableBuckets": {"arn:aws:s3:::tables"},
			"Table":        {"arn:aws:s3:::tables/_state/*", "arn:aws:s3:::tables/app/*"},
		}},
		"convert of a report": {"convert:\n  inventory: s3://reports/logs/daily/\n  register: glue://db/t\n" + table, "", []string{"k"}, map[string][]string{
			"ReadObjects": {"arn:aws:s3:::files/p.yaml", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs/_s3compact/*", "arn:aws:s3:::reports/logs/daily/*"},
			"Catalogue":   {"arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/db", "arn:aws:glue:*:*:table/db/t"},
			"Keys":        {"arn:aws:kms:*:*:key/k"},
		}},
		"hotspots": {"hotspots:\n  inventory: s3://reports/logs/daily/\n  plan: s3://plans/a.jsonl\n", "", nil, map[string][]string{
			"ReadBuckets":  {"arn:aws:s3:::files", "arn:aws:s3:::plans", "arn:aws:s3:::reports"},
			"ReadObjects":  {"arn:aws:s3:::files/p.yaml", "arn:aws:s3:::reports/logs/daily/*"},
			"PipelinePlan": {"arn:aws:s3:::plans/a.jsonl"},
		}},
		"compact of a plan": {"compact:\n  plan: s3://plans/a.jsonl\n", "logs", nil, map[string][]string{
			"ReadObjects":         {"arn:aws:s3:::files/p.yaml", "arn:aws:s3:::plans/a.jsonl"},
			"OriginalsAndOutputs": {"arn:aws:s3:::logs/*"},
		}},
		"local": {"convert:\n  sources: [/logs]\n  to: /table\n", "", nil, map[string][]string{
			"ReadObjects": {"arn:aws:s3:::files/p.yaml"}, "Table": nil,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := resourcesOf(permissionsFor(t, c.pipeline, c.bucket, c.keys...))
			for sid, want := range c.want {
				if d := cmp.Diff(want, got[sid]); d != "" {
					t.Errorf("%s (-want +got):\n%s", sid, d)
				}
			}
			if _, keys := got["Keys"]; keys != (len(c.keys) > 0) {
				t.Errorf("keys: %v", got["Keys"])
			}
		})
	}
}

// storeActions are the actions of IAM that the calls of convert take. Source:
// Amazon S3 API reference, "Permissions" of each operation.
var storeActions = map[string][]string{
	"List": {"s3:ListBucket"}, "Head": {"s3:GetObject", "s3:ListBucket"}, "Get": {"s3:GetObject"}, "ReadAll": {"s3:GetObject"},
	"Put": {"s3:PutObject"}, "Delete": {"s3:DeleteObject", "s3:GetObject"},
	"CreateUpload": {"s3:PutObject"}, "UploadPart": {"s3:PutObject"}, "CompleteUpload": {"s3:PutObject"},
	"AbortUpload": {"s3:AbortMultipartUpload"}, "ListUploads": {"s3:ListBucketMultipartUploads"},
}

// TestInfraPolicyAllowsWhatConvertCalls: the table's statements allow each call
// that convert makes, and nothing else; likewise those of the catalogue.
func TestInfraPolicyAllowsWhatConvertCalls(t *testing.T) {
	needed := map[string]bool{}
	for _, m := range methods(reflect.TypeFor[parquetconv.Store]()) {
		actions, known := storeActions[m]
		if !known {
			t.Errorf("convert calls %s: say in storeActions which actions it takes, and allow them", m)
		}
		for _, a := range actions {
			needed[a] = true
		}
	}
	allowed := map[string]bool{}
	for _, a := range slices.Concat(tableActions, tableBucketActions) {
		allowed[a] = true
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(needed)), slices.Sorted(maps.Keys(allowed))); d != "" {
		t.Errorf("actions of S3 (-needed +allowed):\n%s", d)
	}
	var catalogue []string
	for _, m := range methods(reflect.TypeFor[glue.Client]()) {
		catalogue = append(catalogue, "glue:"+m)
	}
	if d := cmp.Diff(catalogue, glueActions); d != "" {
		t.Errorf("actions of Glue (-needed +allowed):\n%s", d)
	}
}

// methods are the names of an interface's methods, sorted.
func methods(t reflect.Type) (names []string) {
	for i := range t.NumMethod() {
		names = append(names, t.Method(i).Name)
	}
	return names
}
