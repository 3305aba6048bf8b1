package plain

import (
	"strings"
	"time"

	"changeover/steps"
	"changeover/ui/format"
)

// Style is how lines look. The zero value is plain UTF-8 text with elapsed time.
type Style struct {
	Color bool // 8 colours, for state words and levels only
	ASCII bool // nothing beyond ASCII, for locales that are not UTF-8
	// Wall shows the time of day in Zone (nil: local) instead of the time since the run started.
	Wall bool
	Zone *time.Location
}

// clean makes text from outside fit for a line.
func (s Style) clean(text string) string {
	text = format.Clean(text)
	if !s.ASCII {
		return text
	}
	return ascii.Replace(strings.Map(func(r rune) rune {
		if r < 0x80 || strings.ContainsRune("–—…→·", r) {
			return r
		}
		return '?'
	}, text))
}

var ascii = strings.NewReplacer("–", "-", "—", "-", "…", "...", "→", "to", "·", "-")

// stamp is the time in front of a line.
func (s Style) stamp(at, started time.Time) string {
	if s.Wall {
		zone := s.Zone
		if zone == nil {
			zone = time.Local
		}
		return at.In(zone).Format("15:04:05")
	}
	if started.IsZero() {
		started = at
	}
	return "+" + format.Clock(at.Sub(started))
}

// Colours of SGR, by what they stand for.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (s Style) paint(color, text string) string {
	if !s.Color || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func stateColor(state steps.State) string {
	switch state {
	case steps.Done:
		return green
	case steps.Failed, steps.NeedsHuman:
		return red
	case steps.Unknown, steps.Paused, steps.RollingBack, steps.RolledBack:
		return yellow
	case steps.Running, steps.Verifying:
		return cyan
	default:
		return ""
	}
}

func levelColor(level steps.Level) string {
	switch level {
	case steps.Error:
		return red
	case steps.Warn:
		return yellow
	default:
		return ""
	}
}
