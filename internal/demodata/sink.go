package demodata

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ToBucket stores objects in a bucket that exists.
func ToBucket(client *s3.Client, bucket string) Put {
	return func(ctx context.Context, key string, body []byte) error {
		in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}
		if t := contentType(key); t != "" {
			in.ContentType = aws.String(t)
		}
		_, err := client.PutObject(ctx, in)
		return err
	}
}

func contentType(key string) string {
	for suffix, t := range map[string]string{".gz": "application/gzip", ".json": "application/json", ".txt": "text/plain"} {
		if strings.HasSuffix(key, suffix) {
			return t
		}
	}
	return ""
}

// ToFolder stores objects as files below a folder, which need not exist: each
// under its key, a folder marker as the folder.
func ToFolder(dir string) Put {
	return func(_ context.Context, key string, body []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if strings.HasSuffix(key, "/") {
			return os.MkdirAll(path, 0o755)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", key, err)
		}
		return os.WriteFile(path, body, 0o644)
	}
}
