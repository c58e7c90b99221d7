package compactor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/s3compact/s3compact/internal/s3store"
)

// forgetful is an endpoint that stores an object without something that was asked for.
type forgetful struct {
	Store
	forgets func(*s3store.Attributes)
}

func (f *forgetful) Put(ctx context.Context, bucket, key string, body []byte, o s3store.PutOptions) (s3store.Info, error) {
	if strings.HasPrefix(key, "app/") {
		f.forgets(&o.Attributes)
	}
	return f.Store.Put(ctx, bucket, key, body, o)
}

// TestOriginalsComeBackWithWhatTheyCarried: no output is removed while an
// original of it that was put back lacks its tags or its key, be it that this
// run or an earlier one has put it.
func TestOriginalsComeBackWithWhatTheyCarried(t *testing.T) {
	for what, forgets := range map[string]func(*s3store.Attributes){
		"tags":       func(a *s3store.Attributes) { a.Tagging = "" },
		"a tag":      func(a *s3store.Attributes) { a.Tagging = "kind=log" },
		"the key":    func(a *s3store.Attributes) { a.Encryption, a.KMSKeyID = "AES256", "" },
		"its double": func(a *s3store.Attributes) { a.Encryption = "aws:kms" },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUndo(t, false)
				for i := range 3 {
					key := "app/log-" + string(rune('a'+i)) + ".json.gz"
					u.putAs(key, gz(record("app/", i, 1)), s3store.Attributes{Encryption: "aws:kms:dsse", KMSKeyID: "arn:aws:kms:eu-west-1:111122223333:key/1"})
				}
				u.must(u.compact(u.server.Client("compact", nil), u.options()))
				for try := range 2 {
					err := u.restore(&forgetful{u.server.Client("restore", nil), forgets})
					if err == nil || errors.Is(err, ErrWaiting) || !strings.Contains(err.Error(), "put back app/log-") {
						t.Errorf("try %d: the restore says %v", try, err)
					}
					if u.outputs() != 1 {
						t.Fatalf("try %d: the output is gone, an original lacks %s", try, what)
					}
				}
				// What was put wrongly is removed, as the message says; then it goes on.
				for key := range u.originals {
					if u.server.Current(undoBucket, key) != nil {
						u.must(u.app.Delete(t.Context(), undoBucket, key, ""))
					}
				}
				u.finish("on an endpoint that keeps what it is told", nil)
				u.checkOriginals("in the end")
			})
		})
	}
}

// TestRetaggedOriginalIsNoMatter: an original that never went is the
// application's, whatever tags it has by now.
func TestRetaggedOriginalIsNoMatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		undoWorlds["kept"](u)
		asked := 0
		u.must(u.restore(&taggings{Store: u.server.Client("restore", nil), asked: &asked}))
		u.checkOriginals("after the restore")
		if asked > 0 {
			t.Errorf("the tags of %d originals that never went were asked for", asked)
		}
	})
}

type taggings struct {
	Store
	asked *int
}

func (s *taggings) Tagging(ctx context.Context, bucket, key string) (string, error) {
	*s.asked++
	return s.Store.Tagging(ctx, bucket, key)
}
