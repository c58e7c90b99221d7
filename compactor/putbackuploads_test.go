package compactor

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3compact/s3compact/internal/s3store"
	"github.com/s3compact/s3compact/internal/s3test/model"
)

// TestNotedUploadsAreSwept: an upload that a restore has noted and nobody goes
// on with is removed after a day, or when the state is closed; one that is not
// noted is not ours.
func TestNotedUploadsAreSwept(t *testing.T) {
	for _, way := range []string{"sweep", "close"} {
		synctest.Test(t, func(t *testing.T) {
			u := newUndo(t, false)
			undoWorlds["compacted"](u)
			s := u.server.Client("restore", nil)
			const key = "app/log-000.json.gz"
			id, err := s.CreateUpload(t.Context(), undoBucket, key, s3store.Attributes{})
			u.must(err)
			if _, err := u.app.CreateUpload(t.Context(), undoBucket, key, s3store.Attributes{}); err != nil {
				t.Fatal(err)
			}
			o := u.options()
			layout, number, err := readLayout(t.Context(), s, o.State)
			u.must(err)
			log, err := newState(s, &o, layout, number).readLog(t.Context(), "app/")
			u.must(err)
			time.Sleep(300 * time.Millisecond) // the server's Date has whole seconds
			record, err := log.st.noteUpload(t.Context(), log, putBackUpload{Bucket: undoBucket, Key: key, UploadID: id})
			u.must(err)
			left := func() (uploads int, noted bool) {
				return len(u.server.Uploads(undoBucket)), u.server.Current(undoBucket, record) != nil
			}
			switch way {
			case "sweep":
				n, err := Sweep(t.Context(), s, o, nil)
				u.must(err)
				if uploads, noted := left(); n != 0 || uploads != 2 || !noted {
					t.Errorf("swept at once: %d, %d uploads are left, noted: %t", n, uploads, noted)
				}
				time.Sleep(staleUpload + time.Minute)
				if _, err := s.Head(t.Context(), undoBucket, key); err == nil { // learns the server's clock
					t.Error("there is an original")
				}
				n, err = Sweep(context.Background(), s, o, nil)
				u.must(err)
				if n != 1 {
					t.Errorf("swept %d", n)
				}
			case "close":
				sum, err := Close(t.Context(), s, Options{State: o.State, AssumeAlone: true})
				u.must(err)
				if sum.UploadsAborted != 1 {
					t.Errorf("%+v", sum)
				}
			}
			if uploads, noted := left(); uploads != 1 || noted {
				t.Errorf("%s: %d uploads are left, noted: %t", way, uploads, noted)
			}
		})
	}
}

// TestNoteOfAnUploadWhoseAnswerIsLost: sent again, it is refused as existing; its
// name is random, so that it is this upload's.
func TestNoteOfAnUploadWhoseAnswerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUndo(t, false)
		undoWorlds["compacted"](u)
		s := u.server.Client("restore", func(_ context.Context, c model.Call, apply func() model.Answer) model.Answer {
			a := apply()
			if c.Op == "put" && strings.HasPrefix(c.Key, "_s3compact/uploads/") {
				return apply()
			}
			return a
		})
		o := u.options()
		layout, number, err := readLayout(t.Context(), s, o.State)
		u.must(err)
		log, err := newState(s, &o, layout, number).readLog(t.Context(), "app/")
		u.must(err)
		record, err := log.st.noteUpload(t.Context(), log, putBackUpload{Bucket: undoBucket, Key: "app/log-000.json.gz", UploadID: "1"})
		if err != nil || u.server.Current(undoBucket, record) == nil {
			t.Errorf("noted as %q: %v", record, err)
		}
	})
}
