package stream_test

import (
	"path/filepath"
	"testing"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream"
)

// What is copied through an archive is in both, and either alone brings it back: the archive even without the source.
func teed(t *testing.T, w *world) {
	first, second := w.target(t), w.target(t)
	obs := &recorder{}
	options := stream.CopyOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Target: endpoint(t, "fast-primary", first.URL), Jobs: 2, Tag: "tee",
		Dir: filepath.Join(t.TempDir(), "archive"), Compress: "lz4",
	}
	copied, err := fast.Copy(t.Context(), options, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	w.mustEqual(t, first)
	ledgerGone(t, first)
	sessionsGone(t, first, "tee")
	sessionsGone(t, w.db.On(t, w.follower), "tee")
	options.Target = endpoint(t, "fast-primary", second.URL)
	options.Source, options.Leader = endpoint(t, "gone", first.URL), endpoint(t, "gone", first.URL) // not asked for anything
	again, err := fast.Copy(t.Context(), options, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Rows != copied.Rows || again.Bytes != copied.Bytes {
		t.Errorf("copied %+v, and from the archive %+v", copied, again)
	}
	w.mustEqual(t, second)
	if err := archive.Discard(options.Dir); err != nil { // with the receipts of both
		t.Error(err)
	}
}
