package jobs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// registerRequest asks for a job definition that holds all of the job but the
// array's size.
func (j BatchJob) registerRequest() *batch.RegisterJobDefinitionInput {
	c := j.Container
	in := &batch.RegisterJobDefinitionInput{
		JobDefinitionName:    aws.String(j.Name),
		Type:                 types.JobDefinitionTypeContainer,
		PlatformCapabilities: []types.PlatformCapability{types.PlatformCapability(strings.ToUpper(string(c.Platform)))},
		RetryStrategy:        RetryStrategy(c.Platform, j.Attempts),
		Timeout:              timeout(j.Timeout),
	}
	resources := []types.ResourceRequirement{
		{Type: types.ResourceTypeVcpu, Value: aws.String(c.VCPUs)},
		{Type: types.ResourceTypeMemory, Value: aws.String(strconv.FormatInt(c.MemoryMiB, 10))},
	}
	if c.StopTimeout == 0 {
		in.ContainerProperties = &types.ContainerProperties{
			Image:                aws.String(c.Image),
			Command:              j.Command,
			Environment:          variables(j.Environment),
			JobRoleArn:           optional(c.JobRoleARN),
			ExecutionRoleArn:     optional(c.ExecutionRoleARN),
			ResourceRequirements: resources,
		}
		return in
	}
	in.EcsProperties = &types.EcsProperties{TaskProperties: []types.EcsTaskProperties{{
		TaskRoleArn:      optional(c.JobRoleARN),
		ExecutionRoleArn: optional(c.ExecutionRoleARN),
		Containers: []types.TaskContainerProperties{{
			Name:                 aws.String(ContainerName),
			Essential:            aws.Bool(true),
			Image:                aws.String(c.Image),
			Command:              j.Command,
			Environment:          variables(j.Environment),
			ResourceRequirements: resources,
			StopTimeout:          aws.Int32(int32(c.StopTimeout / time.Second)),
		}},
	}}}
	return in
}

// RetryStrategy says which attempts are followed by another. AWS Batch takes
// the first rule that fits, five at most, and tries again where none fits. A
// run may be repeated at any point and goes on where it was, so it is tried
// again after
//
//   - the loss of its Spot instance (the status reasons of EC2 and Fargate),
//   - exit 75: stopped by SIGTERM or at its deadline, resumable,
//   - exit 1: failed, as an outage of S3 makes it; a lasting fault, such as a
//     missing permission, costs a few short attempts more,
//   - an image that could not be pulled, as happens when many children start,
//
// and not after success (0), a wrong call (2), refusals that a person must look
// at (3), or a kill, for want of memory as a rule (137).
func RetryStrategy(p Platform, attempts int) *types.RetryStrategy {
	spot := "Host EC2*"
	if p == PlatformFargate {
		spot = "Your Spot Task was interrupted*"
	}
	return &types.RetryStrategy{
		Attempts: aws.Int32(int32(attempts)),
		EvaluateOnExit: []types.EvaluateOnExit{
			{Action: types.RetryActionRetry, OnStatusReason: aws.String(spot)},
			{Action: types.RetryActionRetry, OnExitCode: aws.String("75")},
			{Action: types.RetryActionRetry, OnExitCode: aws.String("1")},
			{Action: types.RetryActionRetry, OnReason: aws.String("CannotPullContainerError:*")},
			{Action: types.RetryActionExit, OnReason: aws.String("*")},
		},
	}
}

// submitRequest asks for the job, with the definition still to be named.
func (j BatchJob) submitRequest() *batch.SubmitJobInput {
	in := &batch.SubmitJobInput{JobName: aws.String(j.Name), JobQueue: aws.String(j.Queue)}
	if j.ArraySize > 1 {
		in.ArrayProperties = &types.ArrayProperties{Size: aws.Int32(int32(j.ArraySize))}
	}
	for _, id := range j.DependsOn {
		in.DependsOn = append(in.DependsOn, types.JobDependency{JobId: aws.String(id)})
	}
	return in
}

// override puts the command, and what else the definition is not to decide,
// into a submission with an existing definition.
func (j BatchJob) override(in *batch.SubmitJobInput, d types.JobDefinition) error {
	in.JobDefinition = d.JobDefinitionArn
	in.Timeout = timeout(j.Timeout)
	platform := PlatformEC2
	for _, p := range d.PlatformCapabilities {
		if p == types.PlatformCapabilityFargate {
			platform = PlatformFargate
		}
	}
	in.RetryStrategy = RetryStrategy(platform, j.Attempts)
	switch {
	case d.ContainerProperties != nil:
		in.ContainerOverrides = &types.ContainerOverrides{Command: j.Command, Environment: variables(j.Environment)}
		return nil
	case d.EcsProperties != nil && len(d.EcsProperties.TaskProperties) == 1 && len(d.EcsProperties.TaskProperties[0].Containers) == 1:
		in.EcsPropertiesOverride = &types.EcsPropertiesOverride{TaskProperties: []types.TaskPropertiesOverride{{
			Containers: []types.TaskContainerOverrides{{
				Name:        d.EcsProperties.TaskProperties[0].Containers[0].Name,
				Command:     j.Command,
				Environment: variables(j.Environment),
			}},
		}}}
		return nil
	}
	return fmt.Errorf("job definition %s: it has more than one container, or runs on nodes or EKS; name one with a single ECS container, or let submit register one with an image", aws.ToString(d.JobDefinitionArn))
}

// newestDefinition finds the active definition with this ARN, NAME:REVISION, or
// NAME, of which it takes the newest revision.
func newestDefinition(ctx context.Context, api BatchAPI, name string) (types.JobDefinition, error) {
	in := &batch.DescribeJobDefinitionsInput{Status: aws.String("ACTIVE")}
	if strings.Contains(name, ":") {
		in.JobDefinitions = []string{name}
	} else {
		in.JobDefinitionName = aws.String(name)
	}
	var newest *types.JobDefinition
	for {
		answer, err := api.DescribeJobDefinitions(ctx, in)
		if err != nil {
			return types.JobDefinition{}, fmt.Errorf("find the job definition %s: %w", name, err)
		}
		for _, d := range answer.JobDefinitions {
			if newest == nil || aws.ToInt32(d.Revision) > aws.ToInt32(newest.Revision) {
				newest = &d
			}
		}
		if in.NextToken = answer.NextToken; in.NextToken == nil {
			break
		}
	}
	if newest == nil {
		return types.JobDefinition{}, fmt.Errorf("job definition %s: there is no active one of this name in this account and region", name)
	}
	return *newest, nil
}

func variables(vs []Variable) []types.KeyValuePair {
	var out []types.KeyValuePair
	for _, v := range vs {
		out = append(out, types.KeyValuePair{Name: aws.String(v.Name), Value: aws.String(v.Value)})
	}
	return out
}

func timeout(d time.Duration) *types.JobTimeout {
	if d == 0 {
		return nil
	}
	return &types.JobTimeout{AttemptDurationSeconds: aws.Int32(int32(d / time.Second))}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
