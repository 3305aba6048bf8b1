package classic_test

import (
	"path/filepath"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/localpg/sampledb"
	"changeover/pgxfer/verify"
)

func TestRoundTrip(t *testing.T) {
	w := newWorld(t, sampledb.Options{Tiny: true})
	dir := filepath.Join(t.TempDir(), "archive")
	engine := classic.Engine{Interval: 20 * time.Millisecond}
	obs := &recorder{}
	dumped, err := engine.Dump(t.Context(), pgxfer.DumpOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Dir: dir, Jobs: 2, Tag: "run1",
	}, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	t.Logf("%+v\n%s", dumped, obs.text())
	target := w.target(t)
	obs = &recorder{}
	restored, err := engine.Restore(t.Context(), pgxfer.RestoreOptions{
		Target: endpoint(t, "fast-primary", target.URL), Dir: dir, Jobs: 2, Tag: "run1", Manifest: dumped.Manifest,
	}, obs)
	t.Logf("%+v\n%s", restored, obs.text())
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	obs = &recorder{}
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "run1",
	}, obs)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v\n%s", v, obs.text())
}
