package dash

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// action is something a key does.
type action int

const (
	actAdvance action = iota
	actPause
	actHardPause
	actMore
	actFewer
	actRollback
	actBail
	actControl
	actOpen
	actBack
	actNextPane
	actPrevPane
	actSteps
	actDetail
	actFollowers
	actLog
	actDown
	actUp
	actHalfDown
	actHalfUp
	actTop
	actEnd
	actFilter
	actMatch
	actMatchBack
	actFollow
	actWrap
	actClock
	actErrors
	actThisStep
	actCopy
	actMouse
	actHelp
	actDetach
)

// Groups of keys, in the order of the help screen.
const (
	groupRun  = "The run"
	groupMove = "Moving"
	groupLog  = "Log"
	groupSelf = "This screen"
)

// keyEntry is one line of the help screen, and the only place where a key is named.
type keyEntry struct {
	act     action
	group   string
	binding key.Binding
	// short is for the line at the bottom; empty means that the key is in the help screen only.
	short string
	// only restricts short to the time when this panel has the focus.
	only pane
}

func bind(help, what string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, what))
}

// keyTable is every key. No key with ctrl changes the run, and ctrl+c leaves as q does.
var keyTable = []keyEntry{
	{actAdvance, groupRun, bind("a", "advance: start the selected step", "a"), "advance", noPane},
	{actPause, groupRun, bind("p", "pause the run, or resume it", "p"), "pause", noPane},
	{actHardPause, groupRun, bind("P", "pause hard: break off what is transferred", "P"), "", noPane},
	{actRollback, groupRun, bind("R", "roll the selected step back", "R"), "roll back", noPane},
	{actBail, groupRun, bind("B", "bail: production back on old-primary", "B"), "bail", noPane},
	{actControl, groupRun, bind("c", "take control, or release it", "c"), "control", noPane},
	{actMore, groupRun, bind("+", "one worker more for the step's transfer", "+", "="), "", noPane},
	{actFewer, groupRun, bind("-", "one worker fewer", "-"), "", noPane},

	{actOpen, groupMove, bind("enter", "open the panel", "enter"), "open", noPane},
	{actBack, groupMove, bind("esc", "back; cursor to the next step", "esc"), "back", noPane},
	{actNextPane, groupMove, bind("tab", "next panel", "tab"), "focus", noPane},
	{actPrevPane, groupMove, bind("shift+tab", "previous panel", "shift+tab"), "", noPane},
	{actSteps, groupMove, bind("1", "steps", "1"), "", noPane},
	{actDetail, groupMove, bind("2", "step detail", "2"), "", noPane},
	{actFollowers, groupMove, bind("3", "followers", "3"), "", noPane},
	{actLog, groupMove, bind("4", "log", "4"), "", noPane},
	{actDown, groupMove, bind("j ↓", "down", "j", "down"), "", noPane},
	{actUp, groupMove, bind("k ↑", "up", "k", "up"), "", noPane},
	{actHalfDown, groupMove, bind("ctrl+d", "half a page down", "ctrl+d", "pgdown"), "", noPane},
	{actHalfUp, groupMove, bind("ctrl+u", "half a page up", "ctrl+u", "pgup"), "", noPane},
	{actTop, groupMove, bind("g", "first", "g", "home"), "", noPane},
	{actEnd, groupMove, bind("G", "last; the log follows again", "G", "end"), "", noPane},

	{actFilter, groupLog, bind("/", "show only lines with a text", "/"), "filter", noPane},
	{actMatch, groupLog, bind("n", "next line with the text", "n"), "", noPane},
	{actMatchBack, groupLog, bind("N", "previous line with the text", "N"), "", noPane},
	{actFollow, groupLog, bind("f", "follow the end, or stop", "f"), "follow", logPane},
	{actWrap, groupLog, bind("w", "wrap long lines, or cut them", "w"), "wrap", logPane},
	{actClock, groupLog, bind("t", "time since the start, or of day", "t"), "clock", logPane},
	{actErrors, groupLog, bind("e", "warnings and errors only", "e"), "errors", logPane},
	{actThisStep, groupLog, bind("s", "the selected step only", "s"), "this step", logPane},

	{actCopy, groupSelf, bind("y", "copy: the step's raw commands, or the log line", "y"), "", noPane},
	{actMouse, groupSelf, bind("m", "mouse on or off; off, text can be selected", "m"), "", noPane},
	{actHelp, groupSelf, bind("?", "this help", "?"), "help", noPane},
	{actDetach, groupSelf, bind("q", "detach: the work goes on", "q", "ctrl+c"), "detach (work goes on)", noPane},
}

// pressed finds what a key does.
func pressed(msg tea.KeyPressMsg) (action, bool) {
	for _, e := range keyTable {
		if key.Matches(msg, e.binding) {
			return e.act, true
		}
	}
	return 0, false
}
