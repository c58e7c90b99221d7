package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/inventory"
)

// planTarget is where a plan is written; the zero value is nowhere.
type planTarget struct {
	file string
	s3   s3store.Location
	// keep says that a plan that turns out to be in S3 already is as good as the
	// one to write, and is left there. nil: every plan is replaced.
	keep func(*inventory.PlanHeader) bool
}

// readPlanTarget reads a file's path or s3://bucket/key.
func readPlanTarget(s string) (planTarget, error) {
	if !inventory.IsS3(s) {
		if strings.HasSuffix(s, "/") {
			return planTarget{}, usageError("--plan %s is a folder: name a file in it", s)
		}
		return planTarget{file: s}, nil
	}
	l, err := s3store.ParseLocation(s)
	if err != nil {
		return planTarget{}, usageError("--plan: %v", err)
	}
	if l.Key == "" || strings.HasSuffix(l.Key, "/") {
		return planTarget{}, usageError("--plan %s is a folder: name an object in it, such as %s/plan.jsonl", s, strings.TrimSuffix(s, "/"))
	}
	return planTarget{s3: l}, nil
}

func (t planTarget) onS3() bool { return t.s3.Bucket != "" }

// String is the location as it was given, "" for none.
func (t planTarget) String() string {
	if t.onS3() {
		return t.s3.String()
	}
	return t.file
}

// check finds, before the work, what would make the plan unwritable after it.
func (t planTarget) check() error {
	if t.file == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(t.file)); err != nil {
		return fmt.Errorf("write the plan: its folder: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("write the plan: %s is no folder", filepath.Dir(t.file))
	}
	info, err := os.Stat(t.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write the plan: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("write the plan: %s is there and is no regular file", t.file)
	case info.Size() == 0:
		return nil
	}
	f, err := os.Open(t.file)
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	defer f.Close()
	_, err = planHeader(f, t.file)
	return err
}

// write writes the plan whole, as content does: what was there is replaced in
// one step, or stays as it was. A plan may have a million lines, so that it is
// never in memory as a whole.
func (t planTarget) write(ctx context.Context, store *s3store.Client, content func(io.Writer) error) error {
	if t.String() == "" {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	var err error
	if t.onS3() {
		err = t.put(ctx, store, content)
	} else {
		err = replaceFile(t.file, content)
	}
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// maxPlanReplacements bounds how often put looks at another plan that somebody
// has put there meanwhile.
const maxPlanReplacements = 3

// put writes the plan to S3. Only a plan is ever replaced, and only the one that was looked at.
func (t planTarget) put(ctx context.Context, store *s3store.Client, content func(io.Writer) error) (err error) {
	o := &objectWriter{ctx: ctx, store: store, at: t.s3, contentType: "application/x-ndjson", partBytes: planPartBytes}
	defer func() {
		if err != nil {
			o.abort()
		}
	}()
	buffered := bufio.NewWriterSize(o, 64<<10)
	if err := content(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	err = o.publish("")
	for n := 0; errors.Is(err, s3store.ErrPrecondition) && n < maxPlanReplacements; n++ {
		there, etag, err := planOnS3(ctx, store, t.s3)
		if err != nil {
			return err
		}
		if t.keep != nil && t.keep(there) {
			o.abort()
			return nil
		}
		if err = o.publish(etag); err == nil {
			return nil
		}
	}
	return err
}

// planOnS3 reads the header of a plan, and its ETag.
func planOnS3(ctx context.Context, store *s3store.Client, at s3store.Location) (*inventory.PlanHeader, string, error) {
	info, err := store.Head(ctx, at.Bucket, at.Key)
	if err != nil {
		return nil, "", err
	}
	if info.SizeBytes == 0 { // no range of it can be read
		_, err := planHeader(strings.NewReader(""), at.String())
		return nil, "", err
	}
	body, info, err := store.Get(ctx, at.Bucket, at.Key, s3store.GetOptions{LengthBytes: headerBytes})
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	header, err := planHeader(body, at.String())
	return header, info.ETag, err
}

// headerBytes is enough of a plan to know it by its first line.
const headerBytes = 64 << 10

// planHeader reads the header of a plan of any version, and refuses to go on
// where there is something else, which would be overwritten.
func planHeader(r io.Reader, name string) (*inventory.PlanHeader, error) {
	line, _ := bufio.NewReader(io.LimitReader(r, headerBytes)).ReadBytes('\n')
	var header inventory.PlanHeader
	_ = json.Unmarshal(line, &header) // another version's fields may not fit; its type comes first
	if header.Type != "plan" {
		return nil, fmt.Errorf("%s is there and is no plan: it is not overwritten; name another place with --plan", name)
	}
	return &header, nil
}

// replaceFile writes a file under a temporary name beside it, then renames it.
func replaceFile(name string, content func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // closed already, or of no use
			_ = os.Remove(f.Name())
		}
	}()
	buffered := bufio.NewWriterSize(f, 64<<10)
	if err := content(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
