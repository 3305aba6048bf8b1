package report

import (
	"strings"
	"testing"
	"time"

	"changeover/pgxfer/pgserver"
	"changeover/steps"
)

func TestTheReportSaysWhatWasLostByGoingBack(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC)
	facts := &steps.Facts{}
	put := func(name, value string) { facts.Set(name, []byte(value)) }
	if r := Make(Input{Facts: facts, Made: at}); r.Lossy != nil {
		t.Fatalf("nobody went back, and the report says %+v", r.Lossy)
	}
	put("database/fast-primary", `{"role":"fast-primary","addon_id":"a","name":"shop-mig-7f3a-fast-primary"}`)
	put("lossy", `{"from":"fast-primary","began":"2026-03-01T03:00:00Z"}`)
	half := Make(Input{Facts: facts, Made: at}).Lossy
	if half == nil || half.Unknown == "" || !half.Ended.IsZero() {
		t.Errorf("halfway: %+v; want it not back and not counted", half)
	}
	put("lossy", `{"from":"fast-primary","began":"2026-03-01T03:00:00Z","counted":"2026-03-01T03:01:00Z","ended":"2026-03-01T03:02:00Z",
		"old_writes":"3 rows were written to old-primary","loss":{"since":"2026-03-01T02:03:04Z","until":"2026-03-01T03:01:00Z",
		"tables":[{"table":"public.orders","inserted":12,"updated":3,"deleted":1}]}}`)
	r := Make(Input{Facts: facts, Made: at})
	want := pgserver.TableWrites{Table: "public.orders", Inserted: 12, Updated: 3, Deleted: 1}
	if len(r.Lossy.Tables) != 1 || r.Lossy.Tables[0] != want || r.Lossy.Name != "shop-mig-7f3a-fast-primary" {
		t.Errorf("lost %+v", r.Lossy)
	}
	var text strings.Builder
	if err := r.Markdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Lost by going back", "production was back at", "fast-primary (shop-mig-7f3a-fast-primary) and nowhere else", "public.orders | 12 | 3 | 1", "not as it had been left: 3 rows"} {
		if !strings.Contains(strings.ReplaceAll(text.String(), `\_`, "_"), want) {
			t.Errorf("the report does not say %q:\n%s", want, text.String())
		}
	}
}
