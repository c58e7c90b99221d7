package main

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// fetchCommand is the first argument that makes this program read a prefix with
// the AWS SDK and inflate every object: the floor of any tool that proves what
// it joins.
const fetchCommand = "fetch"

// fetchesAtOnce is s3compact's own default.
const fetchesAtOnce = 64

func runFetch(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("fetch ENDPOINT BUCKET PREFIX")
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = fetchesAtOnce })))
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &args[0], true })
	eg, ectx := errgroup.WithContext(ctx)
	eg.SetLimit(fetchesAtOnce)
	for pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &args[1], Prefix: &args[2]}); pages.HasMorePages(); {
		page, err := pages.NextPage(ectx)
		if err != nil {
			return errors.Join(err, eg.Wait())
		}
		for _, o := range page.Contents {
			eg.Go(func() error { return fetch(ectx, client, args[1], aws.ToString(o.Key)) })
		}
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func fetch(ctx context.Context, client *s3.Client, bucket, key string) error {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	r, err := gzip.NewReader(out.Body)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}
