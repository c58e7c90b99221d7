// Package infra writes what a pipeline needs to run in other places, as files:
// a stack of AWS CloudFormation, a configuration of Terraform, manifests of
// Kubernetes, or scripts of Slurm. It sends nothing and reads nothing: the same
// request makes the same files.
package infra
