package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/batch"
)

// BatchOptions say which AWS Batch to speak to. Empty fields leave the choice
// to the standard AWS configuration.
type BatchOptions struct {
	Region, Profile, EndpointURL string
	AppID                        string // named in the user agent
}

// OpenBatch makes a client of AWS Batch from the standard AWS configuration.
func OpenBatch(ctx context.Context, o BatchOptions) (*batch.Client, error) {
	var load []func(*config.LoadOptions) error
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	if o.AppID != "" {
		load = append(load, config.WithAppID(o.AppID))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("no AWS region is set: give --region, or set AWS_REGION")
	}
	return batch.NewFromConfig(cfg, func(bo *batch.Options) {
		if o.EndpointURL != "" {
			bo.BaseEndpoint = aws.String(o.EndpointURL)
		}
	}), nil
}

// DryRun returns a client that sends nothing: it writes each request to w, as
// one indented JSON document with the operation's name and the body that would
// be sent, and answers as if it had been carried out. An existing job definition
// is taken to have the form that Submit registers, as only AWS Batch knows it.
func DryRun(w io.Writer) *batch.Client {
	return batch.New(batch.Options{
		Region:       "dry-run",
		BaseEndpoint: aws.String("http://dry-run.invalid"),
		Credentials:  aws.AnonymousCredentials{},
		HTTPClient:   dryRun{w},
		Retryer:      aws.NopRetryer{},
	})
}

type dryRun struct{ w io.Writer }

// Do answers in place of AWS Batch.
func (d dryRun) Do(r *http.Request) (*http.Response, error) {
	operation := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	var body any
	if r.Body != nil {
		defer r.Body.Close()
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return nil, fmt.Errorf("read the request %s back: %w", operation, err)
		}
	}
	request := struct {
		Operation string `json:"operation"`
		Request   any    `json:"request"`
	}{operation, body}
	enc := json.NewEncoder(d.w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(request); err != nil {
		return nil, err
	}
	answer, err := json.Marshal(dryRunAnswer(operation, body))
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader(answer)),
		Request:    r,
	}, nil
}

func dryRunAnswer(operation string, body any) map[string]any {
	fields, _ := body.(map[string]any)
	switch operation {
	case "registerjobdefinition":
		return map[string]any{"jobDefinitionName": fields["jobDefinitionName"], "revision": 1, "jobDefinitionArn": "<the ARN that registerjobdefinition answers>"}
	case "describejobdefinitions":
		return map[string]any{"jobDefinitions": []any{map[string]any{
			"jobDefinitionName": "dry-run", "revision": 1, "jobDefinitionArn": "<the ARN that describejobdefinitions answers>", "type": "container",
			"ecsProperties": map[string]any{"taskProperties": []any{map[string]any{"containers": []any{map[string]any{"name": ContainerName}}}}},
		}}}
	default:
		return map[string]any{"jobId": fmt.Sprintf("<the id of the job %s>", fields["jobName"]), "jobName": fields["jobName"]}
	}
}
