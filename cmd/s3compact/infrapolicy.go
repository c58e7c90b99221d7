package main

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
	"github.com/s3compact/s3compact/jobs"
	"github.com/s3compact/s3compact/jobs/infra"
	"github.com/s3compact/s3compact/parquetconv/glue"
)

// The actions that the steps need beside those of compact, whose policy doctor
// prints. Source: as for compactor.MinimalPolicy, and the Service Authorization
// Reference, "Actions, resources, and condition keys for AWS Glue".
var (
	tableBucketActions = []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}
	tableActions       = []string{"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"}
	planActions        = []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}
	glueActions        = []string{"glue:BatchCreatePartition", "glue:CreateTable", "glue:GetPartitions", "glue:GetTable", "glue:UpdateTable"}
)

// permissions gathers what a pipeline has to be allowed.
type permissions struct {
	pipeline *jobs.Pipeline
	bucket   string // of the originals where the pipeline does not tell it
	kmsKeys  []string

	listed, read, written, tableBuckets, table []string // resources
	statements                                 []infra.Statement
}

// permissionsOf is the least policy for the steps of a pipeline, whose file is
// at a location. Locations that are not on S3 need none. bucket is --bucket.
func permissionsOf(p *jobs.Pipeline, location, bucket string, kmsKeys []string) ([]infra.Statement, error) {
	a := &permissions{pipeline: p, bucket: bucket, kmsKeys: kmsKeys}
	if err := a.objects(location); err != nil {
		return nil, err
	}
	for _, step := range []func() error{a.compact, a.hotspots, a.convert} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	a.allow("ReadBuckets", []string{"s3:ListBucket"}, a.listed)
	a.allow("ReadObjects", []string{"s3:GetObject"}, a.read)
	a.allow("PipelinePlan", planActions, a.written)
	a.allow("TableBuckets", tableBucketActions, a.tableBuckets)
	a.allow("Table", tableActions, a.table)
	if len(kmsKeys) > 0 && p.Compact == nil {
		keys := compactor.KeysStatement(kmsKeys)
		a.allow(keys.Sid, keys.Action, keys.Resource)
	}
	return a.statements, nil
}

func (a *permissions) allow(sid string, actions, resources []string) {
	if len(resources) > 0 {
		slices.Sort(resources)
		a.statements = append(a.statements, infra.Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: slices.Compact(resources)})
	}
}

// objects are single objects that are read.
func (a *permissions) objects(locations ...string) error {
	for _, at := range locations {
		if at == "" || !inventory.IsS3(at) {
			continue
		}
		l, err := s3store.ParseLocation(at)
		if err != nil {
			return usageError("%v", err)
		}
		a.read = append(a.read, compactor.ObjectARN(l.Bucket, l.Key))
		a.listed = append(a.listed, compactor.BucketARN(l.Bucket)) // else what is missing is answered 403
	}
	return nil
}

// folder is what lies under a location and is read.
func (a *permissions) folder(bucket, prefix string) {
	a.read = append(a.read, compactor.ObjectsARN(bucket, prefix))
	a.listed = append(a.listed, compactor.BucketARN(bucket))
}

// reportFolder is the folder of a report in that of its configuration.
var reportFolder = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}Z$`)

// configurationOf is the folder of an inventory's configuration, which holds
// reports and their data, and the bucket that they are about.
// Source: Amazon S3 User Guide, "Locating your inventory list".
func configurationOf(location string) (folder s3store.Location, of string, err error) {
	l, err := s3store.ParseLocation(location)
	if err != nil {
		return l, "", usageError("inventory: %v", err)
	}
	key := strings.TrimSuffix(strings.TrimSuffix(l.Key, "manifest.json"), "/")
	if reportFolder.MatchString(path.Base(key)) {
		key = strings.TrimSuffix(key[:len(key)-len(path.Base(key))], "/")
	}
	folders := strings.Split(key, "/")
	if len(folders) > 1 {
		of = folders[len(folders)-2]
	}
	return s3store.Location{Bucket: l.Bucket, Key: key + "/"}, of, nil
}

// reports are the reports of an inventory.
func (a *permissions) reports(location string) error {
	if location == "" || !inventory.IsS3(location) {
		return nil
	}
	l, _, err := configurationOf(location)
	if err == nil {
		a.folder(l.Bucket, l.Key)
	}
	return err
}

// originals are the bucket and prefix that compact works on.
func (a *permissions) originals() (s3store.Location, error) {
	c, h := a.pipeline.Compact, a.pipeline.Hotspots
	switch {
	case a.bucket != "":
		return s3store.Location{Bucket: a.bucket}, nil
	case c != nil && len(c.Arguments) > 0:
		return directory("prefix", c.Arguments[0])
	case h != nil && h.Value("listing") != "":
		return directory("listing", h.Value("listing"))
	}
	for _, s := range a.pipeline.Steps() {
		if at := s.Value("inventory"); inventory.IsS3(at) {
			if _, of, err := configurationOf(at); err != nil || of != "" {
				return s3store.Location{Bucket: of}, err
			}
		}
	}
	return s3store.Location{}, usageError("infra: the pipeline does not tell which bucket it works on: give --bucket NAME")
}

// compact needs the policy that doctor prints, word for word.
func (a *permissions) compact() error {
	c := a.pipeline.Compact
	if c == nil {
		return nil
	}
	l, err := a.originals()
	if err != nil {
		return err
	}
	state := compactor.DefaultState(l.Bucket)
	if at := c.Value("state"); at != "" {
		if state, err = directory("state", at); err != nil {
			return err
		}
	}
	var dest *s3store.Location
	if at := c.Value("dest"); at != "" {
		d, err := directory("dest", at)
		if err != nil {
			return err
		}
		dest = &d
	}
	for _, s := range compactor.MinimalPolicy(l.Bucket, l.Key, state, dest, a.kmsKeys).Statement {
		a.statements = append(a.statements, infra.Statement(s))
	}
	return a.objects(c.Value("plan"))
}

func (a *permissions) hotspots() error {
	h := a.pipeline.Hotspots
	if h == nil {
		return nil
	}
	if at := h.Value("listing"); at != "" {
		l, err := directory("listing", at)
		if err != nil {
			return err
		}
		a.listed = append(a.listed, compactor.BucketARN(l.Bucket))
	}
	if at := h.Value("plan"); inventory.IsS3(at) {
		l, err := s3store.ParseLocation(at)
		if err != nil {
			return usageError("plan: %v", err)
		}
		a.written = append(a.written, compactor.ObjectARN(l.Bucket, l.Key))
		a.listed = append(a.listed, compactor.BucketARN(l.Bucket))
	}
	return a.reports(h.Value("inventory"))
}

func (a *permissions) convert() error {
	c := a.pipeline.Convert
	if c == nil {
		return nil
	}
	if err := a.sources(c); err != nil {
		return err
	}
	if err := a.reports(c.Value("inventory")); err != nil {
		return err
	}
	if err := a.objects(c.Value("schema"), c.Value("plan")); err != nil {
		return err
	}
	for _, flag := range []string{"to", "state"} {
		if at := c.Value(flag); inventory.IsS3(at) {
			l, err := directory(flag, at)
			if err != nil {
				return err
			}
			a.table = append(a.table, compactor.ObjectsARN(l.Bucket, l.Key))
			a.tableBuckets = append(a.tableBuckets, compactor.BucketARN(l.Bucket))
		}
	}
	if at := c.Value("register"); at != "" {
		t, err := glue.ParseTarget(at)
		if err != nil {
			return usageError("register: %v", err)
		}
		a.allow("Catalogue", glueActions, []string{
			"arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/" + t.Database, "arn:aws:glue:*:*:table/" + t.Database + "/" + t.Table,
		})
	}
	return nil
}

// sources are what convert reads: the sources, and in each of their buckets the
// receipts that say which of them is in which output.
func (a *permissions) sources(c *jobs.Step) error {
	sources := c.Arguments
	if len(sources) == 0 {
		l, err := a.originals()
		if err != nil {
			return err
		}
		sources = []string{l.String()}
	}
	for _, at := range sources {
		if !inventory.IsS3(at) {
			continue
		}
		l, err := s3store.ParseLocation(at)
		if err != nil {
			return usageError("sources: %v", err)
		}
		a.folder(l.Bucket, l.Key)
		a.folder(l.Bucket, compactor.DefaultState(l.Bucket).Key)
	}
	return nil
}
