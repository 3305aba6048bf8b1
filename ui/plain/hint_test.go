package plain

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHintsNameCommandsInsteadOfKeys(t *testing.T) {
	for hint, want := range map[string]string{
		"press a for step 6 (Restore)":                                       "Next: changeover advance 6.",
		"press a for step 3 when users may be shut out: the outage starts":   "Next: changeover advance 3 when users may be shut out: the outage starts.",
		"step 4 (Dump) is failed: read why; a goes on, R rolls back":         "Step 4 (Dump) is failed: read why; changeover advance goes on, changeover rollback undoes it.",
		"step 4 (Dump) is at work; nothing else can start now":               "Step 4 (Dump) is at work; nothing else can start now.",
		"paused by ana: nothing new is sent until somebody resumes \x1b[2J!": "Paused by ana: nothing new is sent until somebody resumes !.",
	} {
		v := view()
		v.Hint = hint
		if out := string(status(t, Style{}, v)); !strings.Contains(out, " "+want+" ") {
			t.Errorf("%q becomes\n%s\nwant %q", hint, out, want)
		}
	}
}

func TestWatchSaysTheCommandThatComesNext(t *testing.T) {
	var out bytes.Buffer
	w := NewWatch(&out, Style{})
	v := view()
	v.Next, v.Hint = 5, "press a for step 5 (Fast primary)"
	if err := w.Show(v); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	v = later(v, time.Second)
	v.Next, v.Hint = 6, "press a for step 6: it can run beside the dump"
	if err := w.Show(v); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("+00:41:23  next: step 6 Restore (changeover advance 6: it can run beside the dump)\n", out.String()); diff != "" {
		t.Error(diff)
	}
}
