package inventory

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLargeORCFilesAreReadInParts has a file beyond what is read whole: it is
// read by stripes from several goroutines, and its MD5 only when asked for.
func TestLargeORCFilesAreReadInParts(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	objects := make([]object, 20_000)
	noise := make([]byte, 450)
	for i := range objects {
		_, _ = random.Read(noise) // never fails
		objects[i] = object{key: string('a'+rune(i%3)) + "/" + hex.EncodeToString(noise), size: int64(i), modified: time.Unix(int64(i), 0), class: "STANDARD"}
	}
	b := orcData(t, "source", objects, 3000)
	if len(b) <= wholeFileBytes {
		t.Fatalf("the file has %d bytes, no more than the %d that are read whole", len(b), wholeFileBytes)
	}
	tr := newTree(t, "ORC", b)
	sel := selection(nil)
	var rows []row
	for _, o := range objects {
		rows = append(rows, row{o.key, o.size, o.modified, o.class})
	}
	want := planOf(summed(t, sel, rows...)).Plan()
	read := func(o ReportOptions) (*Plan, error) {
		o.Concurrency = 3
		return planOfReport(t.Context(), nil, tr.config(), sel, o)
	}
	for _, verify := range []bool{false, true} {
		var m meter
		got, err := read(ReportOptions{VerifyChecksums: verify, Progress: &m})
		if err != nil {
			t.Fatal(err)
		}
		got.Source, got.Bucket = want.Source, want.Bucket
		timeless(&got.PlanHeader)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("verified %v (-want +got):\n%s", verify, d)
		}
		if m.objects != int64(len(objects)) || m.bytes == 0 || m.bytes > m.totalBytes {
			t.Errorf("progress of %d rows and %d bytes, want %d rows of %d bytes", m.objects, m.bytes, len(objects), m.totalBytes)
		}
	}
	tr.manifest.Files[0].MD5 = "00000000000000000000000000000000"
	tr.writeManifest(reportName)
	var damaged *checksumError
	if _, err := read(ReportOptions{VerifyChecksums: true}); !errors.As(err, &damaged) {
		t.Errorf("another MD5, verified: error %v", err)
	}
	if _, err := read(ReportOptions{}); err != nil {
		t.Errorf("another MD5, not asked for: %v", err)
	}
}
