package cli

import (
	"errors"
	"strings"
	"testing"

	"changeover/steps"
)

func TestBailLossySaysHowItIsConfirmed(t *testing.T) {
	view := steps.View{Rev: 7, CanLose: true, LossyConfirm: steps.Confirmation{
		Tier: steps.TierTyped, Question: "Go back and LOSE every write?", Consequences: []string{"written since: 12 rows."},
		Words: []string{"LOSE WRITES SINCE 2026-03-01 02:03:04 ON shop"},
	}}
	command, confirmation, err := decide(view, steps.BailLossy, nil)
	if err != nil || command.Verb != steps.BailLossy || command.Step != 0 || command.ExpectRev != 7 {
		t.Fatalf("decided %+v, %v", command, err)
	}
	a := &app{in: strings.NewReader("")}
	_, err = a.answer(confirmation, answers{yes: true})
	if !errors.Is(err, steps.ErrConfirm) {
		t.Fatalf("--yes was enough, or: %v", err)
	}
	for _, want := range []string{"LOSE every write?", "12 rows", `--confirm "LOSE WRITES SINCE 2026-03-01 02:03:04 ON shop"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	view.CanLose, view.LossyBlocked = false, "nothing has to be lost yet: bail out instead"
	if _, _, err := decide(view, steps.BailLossy, nil); !errors.Is(err, steps.ErrNotAllowed) || !strings.Contains(err.Error(), "bail out instead") {
		t.Errorf("blocked: %v", err)
	}
}
