package format

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Clean makes text that came from outside fit for one line of a terminal: escape sequences are dropped, a line that
// was overwritten with carriage returns keeps what was visible at the end, and any other character that could move
// the cursor, hide text or reverse its order becomes a space or vanishes.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	s = ansi.Strip(s)
	s = strings.TrimRight(s, "\r\n")
	if i := strings.LastIndexByte(s, '\r'); i >= 0 {
		s = s[i+1:]
	}
	// A mark without a letter would join whatever is drawn before it.
	s = strings.TrimLeftFunc(s, func(r rune) bool { return unicode.Is(unicode.M, r) || r == '\u200d' })
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == unicode.ReplacementChar, unicode.IsControl(r):
			return -1
		case unicode.Is(unicode.Cf, r) && r != '\u200d': // bidi overrides and the like; joiners keep emoji whole
			return -1
		default:
			return r
		}
	}, s)
}

// plain says whether s is printable ASCII, which nearly every line is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
