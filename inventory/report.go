package inventory

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// ReportOptions say how a report is read.
type ReportOptions struct {
	// VerifyChecksums holds every data file against its MD5 in the manifest,
	// also those that are not read whole, which are then read once more.
	VerifyChecksums bool
	// Concurrency is the most files or parts of files that are read at once, from 1
	// to MaxConcurrency. There are fewer where MemoryBytes has no room for more.
	Concurrency int
	// MemoryBytes bounds the memory of the process, of which this is the work; at
	// least MinMemoryBytes. Groups that do not fit are an error that names what
	// would. 0: no bound.
	MemoryBytes int64
	Progress    Progress     // may be nil
	Log         *slog.Logger // gets warnings; may be nil
}

// MaxConcurrency bounds ReportOptions.Concurrency: each of so many readers has
// memory of its own.
const MaxConcurrency = 1024

// wholeFileBytes is the size up to which an ORC file is read whole, with one
// request, and so is held against its MD5 as well.
const wholeFileBytes = 8 << 20

// SurveyReport reads the S3 Inventory report at a location (see
// ValidateLocation) and sums it up. Nothing of a report that is damaged or not
// whole is used: any such finding is an error that names the manifest and the
// file. A local report needs no store: it may be nil.
func SurveyReport(ctx context.Context, store Store, location string, sel Selection, o ReportOptions) (*Survey, error) {
	if err := sel.Validate(); err != nil {
		return nil, err
	}
	r, created, err := findReport(ctx, store, location, &o)
	if err != nil {
		return nil, err
	}
	g := newGroups(sel, r.manifest.SourceBucket, created)
	source, err := r.read(ctx, g, created, o)
	if err != nil {
		return nil, err
	}
	return newSurvey(r.manifest.SourceBucket, "", source, g), nil
}

// findReport finds a report, and when it was true.
func findReport(ctx context.Context, store Store, location string, o *ReportOptions) (*report, time.Time, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r, err := locate(ctx, store, location, o.Log)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("find the inventory report: %w", err)
	}
	created, err := r.manifest.created()
	return r, created, err
}

// read reads all rows of a report.
func (r *report) read(ctx context.Context, g *groups, created time.Time, o ReportOptions) (Source, error) {
	rd := &reading{report: r, groups: g, workers: g.bound(o.MemoryBytes, min(max(1, o.Concurrency), MaxConcurrency), readerBytes), verify: o.VerifyChecksums, progress: orNone(o.Progress)}
	var bytes int64
	for _, f := range r.manifest.Files {
		bytes += f.SizeBytes
	}
	g.totalBytes.Store(bytes)
	rd.progress.Total(0, bytes)
	rd.progress = &countedProgress{rd.progress, g}
	if err := rd.run(ctx); err != nil {
		return Source{}, err
	}
	slices.Sort(rd.lacks) // files are opened in no order
	return Source{Kind: "inventory", Report: r.at(), ID: r.id, Created: created, Format: r.manifest.FileFormat, Unreported: rd.lacks}, nil
}

// readChecked reads a small file whole and checks its MD5.
func readChecked(ctx context.Context, f *file, md5Hex string) ([]byte, error) {
	s, err := openHashed(ctx, f)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	b := make([]byte, f.sizeBytes)
	if _, err := io.ReadFull(s, b); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.name, err)
	}
	return b, s.check(md5Hex)
}

// verifyMD5 reads a file once for its MD5 alone.
func verifyMD5(ctx context.Context, f *file, md5Hex string) error {
	s, err := openHashed(ctx, f)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.check(md5Hex)
}

// hashed computes the MD5 of a file while it is read.
type hashed struct {
	io.Reader
	io.Closer
	name string
	sum  func() string
}

func openHashed(ctx context.Context, f *file) (*hashed, error) {
	body, err := f.stream(ctx)
	if err != nil {
		return nil, err
	}
	h := md5.New()
	return &hashed{
		Reader: io.TeeReader(&untilDone{ctx, body}, h), Closer: body, name: f.name,
		sum: func() string { return hex.EncodeToString(h.Sum(nil)) },
	}, nil
}

// check reads what is left of the file and compares its MD5.
func (s *hashed) check(md5Hex string) error {
	if _, err := io.Copy(io.Discard, s.Reader); err != nil {
		return fmt.Errorf("read %s: %w", s.name, err)
	}
	if got := s.sum(); !strings.EqualFold(got, md5Hex) {
		return &checksumError{s.name, got, md5Hex}
	}
	return nil
}

// checksumError says that a data file's bytes are not those of the report.
type checksumError struct{ name, got, want string }

func (e *checksumError) Error() string {
	return fmt.Sprintf("the MD5 of %s is %s, but the manifest says %s: fetch it again, or use another report", e.name, e.got, e.want)
}

// explain prefers the finding that the file is damaged over the error that the
// damage led to.
func (s *hashed) explain(err error, md5Hex string) error {
	var damaged *checksumError
	if sumErr := s.check(md5Hex); errors.As(sumErr, &damaged) {
		return fmt.Errorf("%w (%w)", sumErr, err)
	}
	return err
}

// untilDone ends reading when the context is done.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
