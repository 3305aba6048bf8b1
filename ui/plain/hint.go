package plain

import (
	"regexp"
	"strings"

	"changeover/steps"
)

// The engine's hints speak to those in front of the dashboard. Here there are no keys, but each has a command.
var (
	pressA  = regexp.MustCompile(`^press a for step (\d+)( \([^)]*\))?`)
	orKeys  = strings.NewReplacer("; a goes on, R rolls back", "; changeover advance goes on, changeover rollback undoes it")
	command = "changeover advance $1"
)

// Hint is the engine's hint in commands, for text that is read elsewhere.
func Hint(v steps.View) string {
	text, _ := Style{}.hint(v)
	return text
}

// hint is what can be done now, in commands; toDo says that it begins with one.
func (s Style) hint(v steps.View) (text string, toDo bool) {
	text = s.clean(v.Hint)
	if pressA.MatchString(text) {
		return pressA.ReplaceAllString(text, command), true
	}
	return orKeys.Replace(text), false
}
