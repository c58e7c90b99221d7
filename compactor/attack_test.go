
// Dead outputs under --dest are not in the group's listing.
func TestAttackDeadOutputUnderDest(t *testing.T) {
	b := newBucket(t)
	b.fill("app/", 4)
	before := b.records("")
	o := b.options()
	o.Dest = &s3store.Location{Bucket: b.name, Key: "joined/"}
	dead := false
	w1 := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		if dead {
			return false, errLost
		}
		dead = c.op == "put" && strings.Contains(c.key, "/groups/")
		return true, nil
	}}
	if _, _, err := b.compact(w1, o, "app/"); err == nil {
		t.Fatal("a dead worker reports success")
	}
	output := b.entries("app/")[0].Outputs[0]
	// A second worker finds nothing; the first one's completion arrives late.
	w2 := &faultyStore{Client: b.store, before: func(_ int, c call) (bool, error) {
		switch {
		case strings.Contains(c.key, "canary"):
		case c.op == "complete", c.op == "abort":
			return false, fmt.Errorf("late: %w", s3store.ErrNotFound)
		case c.op == "put" && strings.HasSuffix(c.key, "00000002.jsonl.gz"):
			if _, err := b.store.CompleteUpload(context.Background(), output.Bucket, output.Key, output.UploadID, output.Parts, output.CRC64); err != nil {
				t.Error(err)
			}
		}
		return true, nil
	}}
	_, _, err := b.compact(w2, o, "app/")
	t.Log(err)
	for range 60 {
		var refused map[string]string
		if _, refused, err = b.compact(b.store, o, "app/"); !errors.Is(err, ErrWaiting) {
			t.Log(refused)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "after the void entry", before, b.records(""))
}
