package engine

import (
	"strings"
	"unicode"

	"changeover/steps/journal"
)

// longest is how many characters of a line are kept: error bodies of web services can be whole pages.
const longest = 2000

// clean makes a text fit for one line of a terminal: no secrets, no control characters (an error message may carry
// escape sequences from a database), no marks that turn the writing direction.
func (e *Engine) clean(text string) string {
	text = journal.Redact(e.o.Redact(strings.ToValidUTF8(text, "?")))
	text = strings.TrimSpace(strings.Map(harmless, text))
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return text
}

func harmless(r rune) rune {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return ' '
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f':
		return -1
	default:
		return r
	}
}
