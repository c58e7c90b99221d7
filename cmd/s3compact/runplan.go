package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/s3compact/s3compact/compactor"
	"github.com/s3compact/s3compact/internal/receipt"
	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// handover is the plan that hotspots makes and compact carries out. It lies
// where the file says, or else in the state of compact, under the pipeline's
// name, the time at which its source was true, and what it was made by.
type handover struct {
	flags  hotspotsFlags
	store  *s3store.Client  // nil where all is local
	report inventory.Report // the newest; none where a prefix is listed
	state  s3store.Location // of compact
}

// planTimes order the plans of a pipeline by their names.
const planTimes = "20060102T150405.000Z"

// handover finds the report and the place of its plan, and makes no request
// that changes anything.
func (r *pipelineRun) handover(ctx context.Context) (h handover, err error) {
	c := r.contexts["hotspots"]
	if h.flags, err = readHotspotsFlags(c); err != nil {
		return h, err
	}
	o, err := compactOptions(r.contexts["compact"])
	if err != nil {
		return h, err
	}
	if inventory.IsS3(h.flags.inventory) || h.flags.plan.file == "" {
		if h.store, err = openStore(ctx, c, 1); err != nil {
			return h, err
		}
	}
	bucket := h.flags.listing.Bucket
	if h.flags.inventory != "" {
		if h.report, err = inventory.FindReport(ctx, reportStore(h.store), h.flags.inventory, r.log); err != nil {
			return h, err
		}
		bucket = h.report.Bucket
	}
	if h.state = o.State; h.state.Bucket == "" {
		h.state = compactor.DefaultState(bucket)
	}
	return h, nil
}

// digest tells plans of other sources and thresholds apart.
func (h *handover) digest() (string, error) {
	b, err := json.Marshal(struct {
		Inventory, Listing string
		Selection          inventory.Selection
	}{h.flags.inventory, h.flags.listing.String(), h.flags.sel})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6]), nil
}

// location is where the plan of this report lies, or of a listing that begins now.
func (h *handover) location(pipeline string) (string, error) {
	if at := h.flags.plan.String(); at != "" {
		return at, nil
	}
	made := h.report.Created
	if h.flags.inventory == "" {
		made = time.Now()
	}
	digest, err := h.digest()
	if err != nil {
		return "", err
	}
	key := receipt.PipelinePlansPrefix(h.state.Key, pipeline) + made.UTC().Format(planTimes) + "-" + digest + ".jsonl"
	return s3store.Location{Bucket: h.state.Bucket, Key: key}.String(), nil
}

// same says that a plan was made of the same report by the same thresholds.
func (h *handover) same(p *inventory.PlanHeader) bool {
	return h.flags.inventory != "" && p.Version == inventory.PlanVersion &&
		p.Source.Report == h.report.Location && p.Source.Created.Equal(h.report.Created) && p.Thresholds == h.flags.sel
}

// there says that the plan at a location is the one to carry out. What is there
// and is no plan is an error.
func (h *handover) there(ctx context.Context, location string) (bool, error) {
	target, err := readPlanTarget(location)
	if err != nil {
		return false, err
	}
	var header *inventory.PlanHeader
	if target.onS3() {
		header, _, err = planOnS3(ctx, h.store, target.s3)
	} else {
		header, err = planInFile(target.file)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, s3store.ErrNotFound) && !errors.Is(err, s3store.ErrNoBucket) {
		return false, nil
	}
	return err == nil && h.same(header), err
}

func planInFile(name string) (*inventory.PlanHeader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return planHeader(f, name)
}

// makePlan carries hotspots out, unless there is a plan of the newest report.
func (r *pipelineRun) makePlan(ctx context.Context) (result stepResult, err error) {
	words := r.words(r.pipeline.Hotspots, "", false)
	if r.pipeline.Compact == nil {
		if r.dryRun {
			words = append(words, "--plan=") // none is written
		}
		return result, r.call(ctx, r.p, "hotspots", words)
	}
	h, err := r.handover(ctx)
	if err != nil {
		return result, err
	}
	if r.plan, err = h.location(r.pipeline.Name); err != nil {
		return result, err
	}
	if result.PlanReused, err = h.there(ctx, r.plan); err != nil {
		return result, err
	}
	if result.PlanReused {
		result.Plan = r.plan
		r.log.Info("the plan of the newest report is there and is used again", "plan", r.plan)
		return result, nil
	}
	if r.dryRun {
		r.plan = r.dryRunPlan()
		r.log.Info("the plan of a dry run is removed at its end", "plan", r.plan)
	}
	result.Plan = r.plan
	if h.flags.inventory != "" {
		words = append(words, "--inventory="+h.report.Location) // no newer one, that the place does not fit
	}
	keeps := *r.p
	keeps.keepPlan = h.same
	return result, r.call(ctx, &keeps, "hotspots", append(words, "--plan="+r.plan))
}

// newestPlan is the newest plan that hotspots of this pipeline, as the file has
// it, have made.
func (r *pipelineRun) newestPlan(ctx context.Context) (string, error) {
	h, err := r.handover(ctx)
	if err != nil {
		return "", err
	}
	if at := h.flags.plan.String(); at != "" {
		return at, nil
	}
	digest, err := h.digest()
	if err != nil {
		return "", err
	}
	prefix := receipt.PipelinePlansPrefix(h.state.Key, r.pipeline.Name)
	newest := ""
	err = h.store.List(ctx, h.state.Bucket, s3store.ListOptions{Prefix: prefix}, func(p s3store.Page) error {
		for _, o := range p.Objects {
			if strings.HasSuffix(o.Key, "-"+digest+".jsonl") {
				newest = o.Key // they come in order
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("look for the plans of the pipeline: %w", err)
	}
	if newest == "" {
		return "", fmt.Errorf("s3://%s/%s has no plan of these hotspots yet: call run --only hotspots first", h.state.Bucket, prefix)
	}
	return s3store.Location{Bucket: h.state.Bucket, Key: newest}.String(), nil
}
