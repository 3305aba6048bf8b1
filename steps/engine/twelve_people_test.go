package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"changeover/steps"
)

// Who resumes has seen that the app was opened, and perhaps not understood it. Its processes need some seconds to start, so
// nobody has written yet and the fence holds.
func TestDatabaseDoesNotMoveWhileSomebodyHasOpenedTheApp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v := newTwelve(t, migrationKind{})
		v.open()
		defer v.close()
		v.sail(inTurn(1, 2, 5, 3, 4, 6), 0, func(int) {})
		v.world.OpenByHand("shop")
		for _, err := range []error{v.command(steps.Advance, 7), v.now(), v.command(steps.ResumeRun, 0), v.now()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if s := v.e.View().Steps[6]; s.State != steps.NeedsHuman || !strings.Contains(s.Reason, "maintenance mode of shop is off") {
			t.Fatalf("step 7 is %s: %s", s.State, s.Reason)
		}
		v.world.ShutByHand("shop")
		v.sail(inTurn(7, 8), 0, func(int) {})
	})
}

// now lets everything happen that happens without time passing.
func (v *twelve) now() error {
	synctest.Wait()
	return nil
}

func TestADynoThatSomebodyHasScaledUpIsNotWaitedForWithoutEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v := newTwelve(t, migrationKind{})
		v.open()
		defer v.close()
		v.sail(inTurn(1, 2, 5), 0, func(int) {})
		if err := v.command(steps.Advance, 3); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it waits for the dynos, which take some seconds to end
		v.world.OpenByHand("shop")
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := v.e.View().Steps[2]; s.State != steps.NeedsHuman || !strings.Contains(s.Reason, "somebody has scaled web of shop to 2") {
			t.Fatalf("step 3 is %s: %s", s.State, s.Reason)
		}
		v.sail(inTurn(3, 4, 6, 7, 8), 0, func(int) {})
	})
}
