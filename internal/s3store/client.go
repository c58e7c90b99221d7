// Package s3store is the one way to S3 for every command: the SDK's standard
// configuration chain, a connection pool sized to the concurrency, requests
// signed by the server's clock, no more of them than the server bears, a count
// of each, and errors that a caller can branch on.
package s3store

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Options say which S3 a Client talks to. Zero values leave the choice to the
// SDK's standard chain (environment, shared files, SSO, container and
// instance roles).
type Options struct {
	EndpointURL string // overrides AWS_ENDPOINT_URL_S3 and its kin
	Region      string
	Profile     string
	Concurrency int // wanted number of requests at once, fewer where the server is busy; sizes the connection pool (0: 64)
	UserAgent   string
	// RequestPayer says with every request that whoever asks pays for it, without
	// which a bucket of that kind refuses other accounts than its own.
	RequestPayer bool
	MaxAttempts  int           // tries of one request, the first included (0: 6)
	MaxBackoff   time.Duration // longest wait between two tries (0: 20 s)
}

// Client talks to one S3 endpoint. It is safe for concurrent use.
type Client struct {
	api     *s3.Client
	aws     aws.Config
	clock   *serverClock
	meter   *Meter
	limiter *limiter
	rates   *rates
}

// beyondConcurrency is how many requests may be under way beside those that
// Options.Concurrency is for, such as parts of what was read.
const beyondConcurrency = 8

// maxHeaderWait is how long the head of an answer may take once the request is
// sent whole: S3 keeps up the longest ones, copies and completions, by sending
// the head early. A server that is silent for so long has lost the request.
const maxHeaderWait = 2 * time.Minute

// defaultMaxBackoff bounds the wait between two tries of one request.
const defaultMaxBackoff = 20 * time.Second

// Open reads the configuration and makes a client. It sends no request to S3,
// but may ask a credential provider.
func Open(ctx context.Context, o Options) (*Client, error) {
	if o.Concurrency <= 0 {
		o.Concurrency = 64
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 6
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = defaultMaxBackoff
	}
	// The SDK's own buildable client is needed: AWS_CA_BUNDLE is refused with any other.
	httpClient := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns = 0 // no limit over all hosts
		t.MaxIdleConnsPerHost = o.Concurrency + beyondConcurrency
		t.ResponseHeaderTimeout = maxHeaderWait
		t.IdleConnTimeout = 60 * time.Second
		t.DisableCompression = true
	})
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(httpClient),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(s *retry.StandardOptions) {
				s.MaxAttempts = o.MaxAttempts
				s.MaxBackoff = o.MaxBackoff
				s.RateLimiter = noRateLimit{}
				s.Retryables = append(s.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{"SlowDown": {}}},
					retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
			})
		}),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	if o.UserAgent != "" {
		load = append(load, config.WithAppID(o.UserAgent))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	c := &Client{
		aws: cfg, clock: &serverClock{}, meter: &Meter{},
		limiter: newLimiter(o.Concurrency + beyondConcurrency), rates: newRates(time.Now),
	}
	c.api = s3.NewFromConfig(cfg, func(so *s3.Options) {
		if o.EndpointURL != "" {
			so.BaseEndpoint = aws.String(o.EndpointURL)
		}
		if so.BaseEndpoint != nil {
			so.UsePathStyle = true
		}
		so.HTTPSignerV4 = newSigner(c.clock)
		so.DisableClockSkewCorrection = true
		so.DisableLogOutputChecksumValidationSkipped = true
		if o.RequestPayer {
			so.APIOptions = append(so.APIOptions, smithyhttp.SetHeaderValue("x-amz-request-payer", "requester"))
		}
		so.APIOptions = append(so.APIOptions, c.installManners, c.clock.install, askForChecksum)
	})
	return c, nil
}

// AWSConfig is the configuration that the client was made from, for other AWS services.
func (c *Client) AWSConfig() aws.Config { return c.aws }

// Requests is the number of requests sent so far, by kind; every retry counts.
func (c *Client) Requests() Requests { return c.meter.Metrics().Requests }

// Metrics is what was sent so far, and what it took.
func (c *Client) Metrics() Metrics { return c.meter.Metrics() }

// ServerTime is the last Date that the server sent; the zero time before its first answer.
func (c *Client) ServerTime() time.Time { return c.clock.last() }

// noRateLimit switches off the SDK's retry quota: a long run would use it up
// on throttling that is normal at its scale. MaxAttempts and backoff still hold.
type noRateLimit struct{}

func (noRateLimit) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (noRateLimit) AddTokens(uint) error { return nil }
