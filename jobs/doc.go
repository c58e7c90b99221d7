// Package jobs spreads one command's work over many processes: which share of
// it a process carries out (Shard, Split), where the scheduler says so (the
// array-job environment of AWS Batch, Kubernetes and Slurm), and how an array
// job is submitted to AWS Batch. It knows neither S3 nor file formats.
package jobs
