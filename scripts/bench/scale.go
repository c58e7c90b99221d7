package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/s3compact/s3compact/internal/price"
	"github.com/s3compact/s3compact/internal/s3store"
)

// The reference conversion: 28 TB of JSON behind 4 TB of gzip, in 14,000
// objects that compaction left, by array children of 2 cores each.
const (
	scaleJSONBytes   = 28e12
	scaleStoredBytes = 4e12
	scaleObjects     = 14_000
	scaleVCPUs       = 64
	scaleBatchBytes  = 4 << 30
	scaleFileBytes   = 256e6
	scalePartBytes   = 8 << 20
)

// scaling computes, from the rate at which the large objects were converted,
// what the reference conversion takes.
func scaling(w io.Writer, results []result) {
	for _, r := range results {
		if !r.Ours || r.Section != "convert" || r.WallSeconds == 0 || !strings.Contains(r.Input, " big objects") {
			continue
		}
		cpuPerByte := r.CPUSeconds / (r.Work * 1e6)
		wallPerByte := r.WallSeconds / (r.Work * 1e6) // of a child with two cores
		coreHours := scaleJSONBytes * cpuPerByte / 3600
		hours := scaleJSONBytes * wallPerByte / (scaleVCPUs / 2) / 3600
		batches := scaleStoredBytes / scaleBatchBytes
		outBytes := scaleStoredBytes * 0.55 // the share that the measured table has of its gzip
		files := outBytes / scaleFileBytes
		requests := s3store.Requests{
			Get: int64(scaleObjects * 2), Head: int64(files), List: int64(batches),
			Put: int64(outBytes/scalePartBytes + 2*files + 2*batches), // parts, creations, completions, commits
		}
		usd := price.Default().Requests(requests)
		fmt.Fprintf(w, `
### What 28 TB takes

Computed from the rate of %s: 28 TB of JSON behind 4 TB of gzip in %d large objects, by %d array children of 2 cores and 4 GB. Beside the processor each child needs %.0f MB/s from S3.

| | |
|---|---:|
| a child | %.0f MB of JSON a second |
| %d vCPUs | **%.1f hours** |
| core-hours of work | %.0f |
| vCPU-hours paid for, at $%.4f (AWS Fargate, x86, on demand, us-east-1) | %.0f, $%.2f |
| batches of 4 GiB stored; what a kill costs at most | %.0f; %.1f minutes of one child |
| requests: %d GET, %d PUT, %d HEAD, %d LIST | $%.2f |
`, r.Input, scaleObjects, scaleVCPUs/2, scaleStoredBytes/(hours*3600)/(scaleVCPUs/2)/1e6,
			1/wallPerByte/1e6, scaleVCPUs, hours, coreHours, vCPUHourUSD, hours*scaleVCPUs, hours*scaleVCPUs*vCPUHourUSD,
			batches, scaleBatchBytes*(scaleJSONBytes/scaleStoredBytes)*wallPerByte/60, requests.Get, requests.Put, requests.Head, requests.List, usd)
		return
	}
}
