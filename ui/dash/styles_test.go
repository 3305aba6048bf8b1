package dash

import (
	"image/color"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

var colours = regexp.MustCompile(`\x1b\[(?:\d+;)*([39]\d)m`)

// used are the colours in a frame, as SGR numbers.
func used(frame string) map[string]bool {
	all := map[string]bool{}
	for _, m := range colours.FindAllStringSubmatch(frame, -1) {
		all[m[1]] = true
	}
	return all
}

// TestColoursAreTheSixteenOfTheTheme: the operator's theme has made those readable. On black the bright half is; on
// white, and where nobody says what is behind the text, the normal half is legible.
func TestColoursAreTheSixteenOfTheTheme(t *testing.T) {
	for _, sc := range scenes() {
		s := driving(t, 120, 40, sc.view())
		sc.set(s)
		unknown := used(s.m.frame())
		s.send(tea.BackgroundColorMsg{Color: color.White})
		light := used(s.m.frame())
		s.send(tea.BackgroundColorMsg{Color: color.Black})
		dark := used(s.m.frame())
		for name, found := range map[string]map[string]bool{"unknown": unknown, "light": light} {
			for c := range found {
				if c[0] != '3' || c == "38" || c == "37" || c == "30" {
					t.Errorf("%s on %s: colour %s", sc.name, name, c)
				}
			}
		}
		for c := range dark {
			if c[0] != '9' || c == "90" {
				t.Errorf("%s on black: colour %s", sc.name, c)
			}
		}
		if len(dark) != len(light) || len(light) != len(unknown) {
			t.Errorf("%s: colours %v, %v, %v", sc.name, unknown, light, dark)
		}
		for _, painted := range []string{"\x1b[4", ";4", "\x1b[10", ";10"} {
			for line := range strings.Lines(s.m.frame()) {
				if i := strings.Index(line, painted); i >= 0 && regexp.MustCompile(`^\x1b?[\[;](?:4\d|10\d)`).MatchString(line[i:]) {
					t.Errorf("%s paints a background: %q", sc.name, line)
				}
			}
		}
	}
}

// TestATerminalWithoutAnythingGetsPlainText: neither colour nor weight.
func TestATerminalWithoutAnythingGetsPlainText(t *testing.T) {
	s := driving(t, 120, 40, overBudget())
	s.send(tea.ColorProfileMsg{Profile: colorprofile.NoTTY})
	if frame := s.m.frame(); strings.Contains(strings.ReplaceAll(frame, "\x1b[m", ""), "\x1b") {
		t.Errorf("escape sequences in %q", frame[:200])
	}
}
