package compactor

import (
	"testing"

	"github.com/s3compact/s3compact/internal/receipt"
)

// TestReceiptsTellWhatAnAttemptSpent: of its own group, and only since the entry before.
func TestReceiptsTellWhatAnAttemptSpent(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 10)
	b.fill("web/", 3)
	sum, _ := b.mustCompact(b.options(), "app/", "web/")
	total := int64(0)
	for group, members := range map[string]int64{"app/": 10, "web/": 3} {
		for _, e := range b.entries(group) {
			if e.Kind != receipt.Done {
				if e.Counts != nil {
					t.Errorf("%s: entry %d, %s, has counts", group, e.Number, e.Kind)
				}
				continue
			}
			c := e.Counts
			if c == nil || c.Requests == nil {
				t.Fatalf("%s: no counts of requests in %+v", group, e.Header)
			}
			// One GET a member; besides a few for the log and the layout.
			if c.Requests.Get < members || c.Requests.Get > members+6 || c.Requests.Put < 4 || c.Requests.List < 2 || c.ObjectsDeleted != members {
				t.Errorf("%s: %+v of %d members: %+v", group, *c, members, *c.Requests)
			}
			if c.BytesRead <= 0 || c.BytesWritten <= 0 || c.Seconds < 0 || c.Seconds > 600 {
				t.Errorf("%s: %+v", group, *c)
			}
			total += c.Requests.Total()
		}
	}
	if all := b.store.Requests().Total(); total > all || sum.ObjectsIn != 13 {
		t.Errorf("the groups spent %d requests, the client %d", total, all)
	}
}
