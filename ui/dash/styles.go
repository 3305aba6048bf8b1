package dash

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// shade is what is known of the terminal's background. Over SSH the question often stays unanswered.
type shade int

const (
	unknownShade shade = iota
	darkShade
	lightShade
)

// styles are the meanings a piece of text can have. Only the 16 ANSI colours are used, which the operator's theme has
// made readable, and no backgrounds; every meaning is also said by a word or a glyph.
type styles struct {
	plain, strong, dim     lipgloss.Style
	good, warn, bad, alarm lipgloss.Style
	busy, accent           lipgloss.Style
	border, focus          lipgloss.Style
}

func newStyles(s shade, profile colorprofile.Profile) styles {
	base := lipgloss.NewStyle()
	st := styles{
		plain: base, strong: base.Bold(true), dim: base.Faint(true),
		good: base, warn: base.Bold(true), bad: base.Bold(true), alarm: base.Bold(true),
		busy: base, accent: base.Bold(true), border: base.Faint(true), focus: base.Bold(true),
	}
	if profile == colorprofile.NoTTY {
		return styles{}
	}
	if profile == colorprofile.ASCII {
		return st
	}
	// The bright half of the palette is easier to read on black and harder on white; when nobody answered, the
	// normal half is legible on both.
	pick := func(n uint8) color.Color {
		if s == darkShade {
			n += 8
		}
		return ansi.BasicColor(n)
	}
	red, green, yellow, cyan := pick(1), pick(2), pick(3), pick(6)
	st.good = st.good.Foreground(green)
	st.warn = st.warn.Foreground(yellow)
	st.bad = st.bad.Foreground(red)
	st.alarm = st.alarm.Foreground(red)
	st.busy = st.busy.Foreground(cyan)
	st.accent = st.accent.Foreground(cyan)
	st.focus = st.focus.Foreground(cyan)
	return st
}
