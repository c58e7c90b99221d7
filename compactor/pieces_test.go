package compactor

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
)

// TestManyGzipMembersInOneAttempt: what the receipt keeps of objects that are
// thousands of gzip members each stays small enough to be read again.
func TestManyGzipMembersInOneAttempt(t *testing.T) {
	b := newBucket(t)
	const objects, members = 40, 11_000
	one := bytes.Repeat(gz(record("app/", 1, 1)), members)
	for i := range objects {
		b.put(fmt.Sprintf("app/%02d.json.gz", i), one)
	}
	o := b.options()
	o.Single, o.ReadBack = true, true
	sum, refused := b.mustCompact(o, "app/")
	if sum.ObjectsIn != objects || sum.ObjectsDeleted != objects || len(refused) != 0 {
		t.Errorf("%+v, refused %v", sum, refused)
	}
	for _, e := range b.entries("app/") {
		n := 0
		for i := range e.Members {
			n += e.Members[i].Pieces.RecordBytes()
		}
		if e.Kind == receipt.Commit && n > 68<<20 {
			t.Errorf("entry %d holds %d bytes of pieces", e.Number, n)
		}
	}
	verify(t, b, sum.Outputs, 0)
}
