package dash

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// asciiCells replaces every character we draw with by one of the same width.
var asciiCells = map[rune]byte{
	'─': '-', '━': '=', '│': '|', '┃': '|', '┌': '+', '┐': '+', '└': '+', '┘': '+', '├': '+', '┤': '+',
	'┏': '+', '┓': '+', '┗': '+', '┛': '+', '┢': '+', '┪': '+', '┞': '+', '┦': '+',
	'╔': '+', '╗': '+', '╚': '+', '╝': '+', '═': '=', '║': '|',
	'█': '#', '░': '-', '▏': '|', '▌': '*',
	'▁': '_', '▂': '.', '▃': ':', '▄': '-', '▅': '=', '▆': '+', '▇': '*',
	'✓': '+', '▶': '>', '‖': '=', '·': '.', '○': 'o', '●': '*', '◌': '~', '↺': '<',
	'→': '>', '↑': '^', '↓': 'v', '▾': 'v', '–': '-', '…': '.', '≤': '<', '“': '"', '”': '"', '’': '\'', '•': '-',
}

// toASCII translates a frame for a terminal without UTF-8. Escape sequences are ASCII already and pass; what has no
// translation becomes as many question marks as it had cells, so that nothing moves.
func toASCII(frame string) string {
	var b strings.Builder
	b.Grow(len(frame))
	for _, r := range frame {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		if c, ok := asciiCells[r]; ok {
			b.WriteByte(c)
			continue
		}
		b.WriteString(strings.Repeat("?", lipgloss.Width(string(r))))
	}
	return b.String()
}
