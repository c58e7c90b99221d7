package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/s3compact/s3compact/internal/s3store"
)

const (
	manifestName = "manifest.json"
	checksumName = "manifest.checksum"
)

// report is a report that was found: its manifest and where it lies.
type report struct {
	place    place
	folder   string // of the manifest in the place, "" or with its closing slash
	id       string // of the inventory configuration, "" when the path does not show it
	manifest *manifest
}

// at is the manifest's location.
func (r *report) at() string { return r.place.at(r.folder + manifestName) }

// reportFolder is the name of a report's folder, and of nothing else that S3
// writes into the folder of a configuration ("data", "hive").
var reportFolder = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}Z$`)

// ValidateLocation says what is wrong with the form of a report's location.
func ValidateLocation(location string) error {
	if !IsS3(location) {
		if location == "" {
			return fmt.Errorf("the location of the report is empty")
		}
		return nil
	}
	l, err := s3store.ParseLocation(location)
	if err != nil {
		return err
	}
	if l.Key != "" && !strings.HasSuffix(l.Key, "/") && path.Base(l.Key) != manifestName {
		return fmt.Errorf("%s names neither a %s nor a folder: close a folder with a slash (%s/)", location, manifestName, location)
	}
	return nil
}

// locate finds the report at a location: a manifest.json, the folder of a
// report, or the folder of a configuration, whose newest complete report is
// taken.
func locate(ctx context.Context, store Store, location string, log *slog.Logger) (*report, error) {
	if err := ValidateLocation(location); err != nil {
		return nil, err
	}
	p, err := placeOf(store, location)
	if err != nil {
		return nil, err
	}
	r, err := readReport(ctx, p, "", true, log)
	if err == nil || !missing(err) || isManifest(location) {
		return r, err
	}
	folders, err := p.folders(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(folders)
	for _, f := range slices.Backward(folders) {
		if !reportFolder.MatchString(f) {
			continue
		}
		r, err := readReport(ctx, p, f+"/", false, log)
		if missing(err) {
			log.Warn("report is incomplete, skipped", "report", p.at(f+"/"), "missing", err)
			continue
		}
		return r, err
	}
	return nil, fmt.Errorf("%s: no complete report (a folder YYYY-MM-DDTHH-MMZ/ with %s and %s) among its folders (%s): give the folder of an inventory configuration, or a %s",
		p.at(""), manifestName, checksumName, orNothing(folders), manifestName)
}

func isManifest(location string) bool { return path.Base(filepath.ToSlash(location)) == manifestName }

// placeOf is the folder that the location names, or that its manifest lies in.
func placeOf(store Store, location string) (place, error) {
	if IsS3(location) {
		l, err := s3store.ParseLocation(location)
		if err != nil {
			return nil, err
		}
		l.Key = strings.TrimSuffix(l.Key, manifestName)
		return bucketPlace{store, l}, nil
	}
	info, err := os.Stat(location)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return diskPlace(location), nil
	case !isManifest(location):
		return nil, fmt.Errorf("%s is neither a %s nor a folder", location, manifestName)
	}
	return diskPlace(filepath.Dir(location)), nil
}

// readReport reads the manifest in a folder and holds it against its checksum.
// A report that was named may lack the checksum; in a search that means that S3
// has not finished it.
func readReport(ctx context.Context, p place, folder string, named bool, log *slog.Logger) (*report, error) {
	r := &report{place: p, folder: folder}
	b, err := p.read(ctx, folder+manifestName)
	if err != nil {
		return nil, err
	}
	sum, err := p.read(ctx, folder+checksumName)
	switch {
	case err == nil:
		if err := checkManifest(b, sum); err != nil {
			return nil, fmt.Errorf("%s: %w", r.at(), err)
		}
	case missing(err) && named:
		log.Warn("manifest.checksum is missing: the manifest is used unchecked", "manifest", r.at())
	default:
		return nil, err
	}
	if r.manifest, err = parseManifest(b); err != nil {
		return nil, fmt.Errorf("%s: %w", r.at(), err)
	}
	r.id = configurationID(r.at())
	return r, nil
}

// configurationID is the folder above the report's own, if the manifest lies
// in S3's layout: …/configuration/YYYY-MM-DDTHH-MMZ/manifest.json.
func configurationID(at string) string {
	parts := strings.Split(strings.TrimPrefix(filepath.ToSlash(at), "s3://"), "/")
	if n := len(parts); n >= 3 && reportFolder.MatchString(parts[n-2]) {
		return parts[n-3]
	}
	return ""
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "it has none"
	}
	const shown = 10
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return strings.Join(names, ", ")
}
