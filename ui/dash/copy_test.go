package dash

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"changeover/steps"
	"changeover/steps/session"
)

func TestYCopiesWhatHasTheFocus(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []string
		view func() *steps.View
		want string
		says string
	}{
		{"raw commands", []string{"y"}, fresh, "heroku addons:create heroku-postgresql:premium-7 --app shop --follow DATABASE", "changeover plan --step 1"},
		{"of the step under the cursor", []string{"2", "y"}, twoCommands, "heroku ps:scale web=0\nheroku maintenance:on", "2 raw commands"},
		{"a step without commands", []string{"y"}, wordless, "step 4 Dump: failed, 00:09:00: pg_dump ended with exit status 1: no space left on device; free 40 GB in /mnt/work, then try again", "changeover status"},
		{"the newest log line", []string{"4", "y"}, dumping, "public.orders_0030 done, 51990 rows", "changeover log"},
		{"the line that was looked for", []string{"/", "0", "0", "2", "6", "enter", "esc", "N", "4", "y"}, dumping, "public.orders_0026 done, 45058 rows", "changeover log"},
		{"followers", []string{"3", "y"}, inOutage, "fast-follower shop-mig-7f3a-fast-follower: caught up, 0 B behind, 0 commits, sampled 3 s ago\nfinal-primary: not created yet", "changeover status"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := driving(t, 200, 60, test.view())
			s.press(test.keys...)
			if s.clipboard != test.want {
				t.Errorf("copied %q, want %q", s.clipboard, test.want)
			}
			s.wants(test.says)
			if len(s.engine.commands) > 0 {
				t.Errorf("copying sent %v", s.engine.commands)
			}
		})
	}
}

func twoCommands() *steps.View {
	v := inOutage()
	v.Steps[3].Explain.Commands = []string{"heroku ps:scale web=0", "heroku maintenance:on\x1b[2J"}
	return v
}

func wordless() *steps.View {
	v := failed()
	v.Steps[3].Explain.Commands = nil
	return v
}

func TestNothingToCopyIsSaid(t *testing.T) {
	s := open(t, 120, 36)
	s.press("y")
	s.wants("there is nothing to copy here")
	if s.clipboard != "" {
		t.Errorf("copied %q", s.clipboard)
	}
}

// TestTheMouseIsOffUntilAskedFor: a terminal whose mouse is taken does not let text be selected.
func TestTheMouseIsOffUntilAskedFor(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	if s.m.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is taken without being asked for")
	}
	s.press("m")
	s.wants("mouse on")
	if s.m.View().MouseMode == tea.MouseModeNone {
		t.Error("m does not switch the mouse on")
	}
	s.press("m")
	s.wants("mouse off: text can be selected")
	if s.m.View().MouseMode != tea.MouseModeNone {
		t.Error("m does not switch the mouse off")
	}
	s.press("m", "q")
	if s.m.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is still taken after leaving")
	}
}

func (s *screen) click(x, y int) { s.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}) }

func TestClicksFocusAndTheWheelScrolls(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}} {
		s := driving(t, size[0], size[1], dumping())
		s.press("m")
		for _, p := range []pane{logPane, followersPane, detailPane, stepsPane} {
			r := s.m.lay.at(p)
			s.click(r.x+1, r.y)
			if s.m.focus != p {
				t.Errorf("%v: a click on panel %d focuses %d", size, p, s.m.focus)
			}
		}
		r := s.m.lay.steps
		row := 0
		for y, line := range strings.Split(plainFrame(s.m), "\n") {
			if strings.Contains(line, " 5 Fast primary") {
				row = y
			}
		}
		s.click(r.x+3, row)
		if s.m.sel != 5 {
			t.Errorf("%v: a click on step 5 selects %d", size, s.m.sel)
		}
		s.send(tea.MouseWheelMsg{X: r.x + 1, Y: r.y + 1, Button: tea.MouseWheelDown})
		if s.m.sel != 6 {
			t.Errorf("%v: the wheel over the steps selects %d", size, s.m.sel)
		}
		l := s.m.lay.logs
		s.send(tea.MouseWheelMsg{X: l.x + 1, Y: l.y + 1, Button: tea.MouseWheelUp})
		if s.m.log.follow || s.m.focus != stepsPane {
			t.Errorf("%v: the wheel over the log: follow %v, focus %d", size, s.m.log.follow, s.m.focus)
		}
		if len(s.engine.commands) > 0 {
			t.Errorf("the mouse sent %v", s.engine.commands)
		}
	}
}

// TestClicksNeverAnswer: neither a dialog nor a screen without panels takes them.
func TestClicksNeverAnswer(t *testing.T) {
	s := driving(t, 120, 36, fresh())
	s.settle("a")
	for y := range 36 {
		for x := 0; x < 120; x += 3 {
			s.click(x, y)
		}
	}
	s.send(tea.MouseWheelMsg{X: 60, Y: 18, Button: tea.MouseWheelDown})
	if s.m.dialog == nil || len(s.engine.commands) > 0 || s.m.sel != 1 {
		t.Error("the mouse reached the run, or what lies under the dialog")
	}
	tinyScreen := driving(t, 40, 10, dumping())
	tinyScreen.click(3, 3)
	connecting := open(t, 120, 36)
	connecting.click(3, 3)
	connecting.send(tea.MouseWheelMsg{X: 3, Y: 3, Button: tea.MouseWheelDown})
	connecting.snapshot(fresh(), session.You{})
	connecting.click(3, 2)
	if connecting.m.sel != 1 {
		t.Errorf("the first row is step %d", connecting.m.sel)
	}
}
