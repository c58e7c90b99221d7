//go:build interop

package jobs

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/interop"
)

// spotQueue makes the queue "spot".
const spotQueue = `
role = client("iam").create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
b = client("batch")
env = b.create_compute_environment(computeEnvironmentName="env", type="UNMANAGED", state="ENABLED", serviceRole=role)["computeEnvironmentArn"]
b.create_job_queue(jobQueueName="spot", state="ENABLED", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": env}])
`

func startMoto(t *testing.T) (api *batch.Client, url string) {
	t.Helper()
	url = interop.StartMoto(t, spotQueue)
	api, err := OpenBatch(t.Context(), BatchOptions{Region: "eu-west-1", EndpointURL: url, AppID: "s3compact-test"})
	if err != nil {
		t.Fatal(err)
	}
	return api, url
}

// moto does not know ecsProperties, so the jobs are registered with
// containerProperties here; the other form is a golden file.
func TestSubmitToMoto(t *testing.T) {
	api, url := startMoto(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	j := arrayJob()
	j.Container.StopTimeout = 0
	j.ArraySize = 25

	first, err := Submit(ctx, api, j)
	if err != nil {
		t.Fatal(err)
	}
	job := describeJob(ctx, t, url, first.JobID)
	if got := job.ArrayProperties.Size; got != 25 {
		t.Errorf("the array has %d children, want 25", got)
	}
	if d := cmp.Diff(j.Command, job.Container.Command); d != "" {
		t.Errorf("command of the job (-want +got):\n%s", d)
	}
	if job.JobDefinition != first.Definition {
		t.Errorf("the job has the definition %s, want %s", job.JobDefinition, first.Definition)
	}

	described, err := api.DescribeJobDefinitions(ctx, &batch.DescribeJobDefinitionsInput{JobDefinitionName: aws.String(j.Name)})
	if err != nil {
		t.Fatal(err)
	}
	d := described.JobDefinitions[0]
	if got := aws.ToInt32(d.RetryStrategy.Attempts); got != 5 || len(d.RetryStrategy.EvaluateOnExit) != 5 {
		t.Errorf("retry strategy of the definition: %d attempts, %d rules", got, len(d.RetryStrategy.EvaluateOnExit))
	}
	if got := aws.ToInt32(d.Timeout.AttemptDurationSeconds); got != 6*3600 {
		t.Errorf("timeout of the definition: %d s", got)
	}
	env := map[string]string{}
	for _, v := range d.ContainerProperties.Environment {
		env[aws.ToString(v.Name)] = aws.ToString(v.Value)
	}
	if d := cmp.Diff(map[string]string{"GOMAXPROCS": "2", "NO_PROXY": "a,b=c"}, env); d != "" {
		t.Errorf("environment of the definition (-want +got):\n%s", d)
	}

	// A second registration is a new revision; a plain job with the newest one.
	if _, err := Submit(ctx, api, j); err != nil {
		t.Fatal(err)
	}
	j.Definition, j.ArraySize, j.Command = j.Name, 1, []string{"convert", "s3://logs/", "--to", "s3://tables/t/"}
	plain, err := Submit(ctx, api, j)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(plain.Definition, ":2") {
		t.Errorf("the newest definition is %s, want revision 2", plain.Definition)
	}
	job = describeJob(ctx, t, url, plain.JobID)
	if job.ArrayProperties.Size != 0 {
		t.Errorf("a plain job is an array of %d", job.ArrayProperties.Size)
	}
	if d := cmp.Diff(j.Command, job.Container.Command); d != "" {
		t.Errorf("command of the plain job (-want +got):\n%s", d)
	}

	j.Queue = "nowhere"
	if _, err := Submit(ctx, api, j); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("an unknown queue: %v", err)
	}
}

// TestChainOnMoto submits a job that waits for another one.
func TestChainOnMoto(t *testing.T) {
	api, url := startMoto(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	j := arrayJob()
	j.Container.StopTimeout, j.ArraySize = 0, 1
	first, err := Submit(ctx, api, j)
	if err != nil {
		t.Fatal(err)
	}
	j.ArraySize, j.DependsOn = 4, []string{first.JobID}
	second, err := Submit(ctx, api, j)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]motoDependency{{first.JobID}}, describeJob(ctx, t, url, second.JobID).DependsOn); d != "" {
		t.Errorf("the second job depends on (-want +got):\n%s", d)
	}
}

// motoJob is what DescribeJobs tells of a job. It is read without the SDK, which
// does not take moto's vCPUs, 2.0, for a whole number.
type motoJob struct {
	JobDefinition   string
	ArrayProperties struct{ Size int }
	DependsOn       []motoDependency
	Container       struct{ Command []string }
}

type motoDependency struct{ JobID string }

func describeJob(ctx context.Context, t *testing.T, url, id string) motoJob {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/describejobs", strings.NewReader(`{"jobs":["`+id+`"]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	// moto reads the region here and does not ask for the signature.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/batch/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Jobs []motoJob }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Jobs) != 1 {
		t.Fatalf("the job %s is described %d times", id, len(answer.Jobs))
	}
	return answer.Jobs[0]
}
