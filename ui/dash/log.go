package dash

import (
	"sort"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"changeover/steps"
)

// keepLines is how much of the log the screen holds. The file on disk is complete.
const keepLines = 5000

// logPanel is the log as this screen shows it. Lines are addressed by our own running number, kept in Seq,
// never by position, because old ones fall out at the front and filters change what is shown.
type logPanel struct {
	lines  []steps.LogLine // cleaned, oldest first
	shown  []int           // indexes into lines that pass the filters
	stale  bool            // shown has to be computed again
	w, h   int             // cells for lines
	follow bool
	top    uint64 // first line shown, when not following
	seen   uint64 // newest line when following stopped
	at     uint64 // line found by n or N

	filter, search string // search is the last filter, for n and N
	typing         bool
	input          textinput.Model
	errorsOnly     bool
	stepOnly       bool
	step           int // for stepOnly
	wrapped        bool
	wall           bool
	runStarted     time.Time
}

func newLogPanel() logPanel {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = 100
	in.KeyMap.Paste.SetEnabled(false) // reads the clipboard of the machine; terminals paste by themselves
	s := textinput.Styles{}
	s.Cursor.Blink = false
	in.SetStyles(s)
	return logPanel{follow: true, stale: true, wrapped: true, input: in}
}

func (l *logPanel) resize(r rect) { l.w, l.h = max(r.w-2, 0), max(r.h-2, 0) }

// add appends lines, numbering them anew: an engine that was started again may count from elsewhere. Where lines are
// missing before them, a line says so.
func (l *logPanel) add(lines []steps.LogLine, gap bool, file string) {
	if gap && len(lines) > 0 {
		text := "older lines are not shown here"
		if len(l.lines) > 0 {
			text = "lines are missing here"
		}
		if file != "" {
			text += "; all of them are in " + file
		}
		l.append(steps.LogLine{At: lines[0].At, Level: steps.Warn, Text: text})
	}
	for _, line := range lines {
		l.append(line)
	}
	// Trimming in strides keeps the cost of a line constant.
	if len(l.lines) > keepLines+keepLines/10 {
		l.lines = append(l.lines[:0:0], l.lines[len(l.lines)-keepLines:]...)
		l.stale = true
	}
}

func (l *logPanel) append(line steps.LogLine) {
	line.Seq = l.newest() + 1
	line.Text = clean(line.Text)
	l.lines = append(l.lines, line)
	if !l.stale && l.passes(&line) {
		l.shown = append(l.shown, len(l.lines)-1)
	}
}

// newest is the number of the last line, 0 when there is none.
func (l *logPanel) newest() uint64 {
	if len(l.lines) == 0 {
		return 0
	}
	return l.lines[len(l.lines)-1].Seq
}

func (l *logPanel) passes(line *steps.LogLine) bool {
	if l.errorsOnly && line.Level != steps.Error && line.Level != steps.Warn {
		return false
	}
	if l.stepOnly && line.Step != l.step {
		return false
	}
	return l.filter == "" || contains(line.Text, l.filter)
}

// contains ignores case.
func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// visible are the indexes of the lines that pass the filters.
func (l *logPanel) visible() []int {
	if l.stale {
		l.stale = false
		l.shown = l.shown[:0]
		for i := range l.lines {
			if l.passes(&l.lines[i]) {
				l.shown = append(l.shown, i)
			}
		}
	}
	return l.shown
}

// find is the position in visible of the first line with this number or a higher one.
func (l *logPanel) find(seq uint64) int {
	v := l.visible()
	return sort.Search(len(v), func(i int) bool { return l.lines[v[i]].Seq >= seq })
}

// lastTop is the position from which everything up to the end just fits.
func (l *logPanel) lastTop() int {
	v := l.visible()
	rows := 0
	for i := len(v) - 1; i >= 0; i-- {
		rows += l.rows(&l.lines[v[i]])
		if rows > l.h {
			return min(i+1, len(v)-1)
		}
	}
	return 0
}

// current is the line that is meant by the one line: the one found last, if it is shown, else the newest on the screen.
func (l *logPanel) current() *steps.LogLine {
	v := l.visible()
	if len(v) == 0 {
		return nil
	}
	if i := l.find(l.at); l.at != 0 && i < len(v) && l.lines[v[i]].Seq == l.at {
		return &l.lines[v[i]]
	}
	last, rows := l.position(), 0
	for i := last; i < len(v) && rows < l.h; i++ {
		rows += l.rows(&l.lines[v[i]])
		last = i
	}
	return &l.lines[v[last]]
}

// position is the first line drawn.
func (l *logPanel) position() int {
	if l.follow {
		return l.lastTop()
	}
	return min(l.find(l.top), l.lastTop())
}

// unseen counts the lines that came after following stopped.
func (l *logPanel) unseen() int {
	if l.follow {
		return 0
	}
	return len(l.visible()) - l.find(l.seen+1)
}

// move scrolls. Leaving the end stops following, reaching it resumes.
func (l *logPanel) move(act action) {
	v := l.visible()
	if len(v) == 0 {
		return
	}
	l.scrollTo(moved(act, l.position(), l.h/2, l.lastTop()))
}

func (l *logPanel) scrollTo(pos int) {
	v := l.visible()
	if pos >= l.lastTop() {
		l.follow = true
		return
	}
	if l.follow {
		l.follow, l.seen = false, l.newest()
	}
	l.top = l.lines[v[max(pos, 0)]].Seq
}

func (l *logPanel) toggleFollow() {
	if l.follow && len(l.visible()) > 0 {
		l.top = l.lines[l.visible()[l.position()]].Seq
		l.follow, l.seen = false, l.newest()
		return
	}
	l.follow = true
}

// match goes to the next line with the text last looked for, downwards for 1 and upwards for -1.
func (l *logPanel) match(by int) {
	v := l.visible()
	from := l.position() - 1
	if l.at != 0 {
		from = l.find(l.at)
	} else if by < 0 {
		from = len(v)
	}
	for i := from + by; i >= 0 && i < len(v); i += by {
		if line := &l.lines[v[i]]; contains(line.Text, l.search) {
			l.at = line.Seq
			l.scrollTo(max(i-l.h/2, 0))
			return
		}
	}
}

// refilter keeps the place while what is shown changes.
func (l *logPanel) refilter() { l.stale = true }

func (l *logPanel) setErrors(on bool) { l.errorsOnly = on; l.refilter() }

func (l *logPanel) setStepOnly(on bool) { l.stepOnly = on; l.refilter() }

func (l *logPanel) setStep(n int) {
	if n != l.step {
		l.step = n
		l.stale = l.stale || l.stepOnly
	}
}

func (l *logPanel) setFilter(text string) {
	l.filter = text
	if text != "" {
		l.search, l.at = text, 0
	}
	l.refilter()
}

func (l *logPanel) beginFilter() {
	l.typing = true
	l.input.SetValue(l.filter)
	l.input.CursorEnd()
	l.input.Focus()
}

// typeKey edits the filter, which works while it is typed. Enter keeps it, esc drops it.
func (l *logPanel) typeKey(msg tea.KeyPressMsg) {
	switch msg.String() {
	case "enter":
		l.typing = false
	case "esc":
		l.typing = false
		l.setFilter("")
	default:
		l.input, _ = l.input.Update(msg)
		l.setFilter(l.input.Value())
	}
}

func (l *logPanel) paste(text string) {
	l.input, _ = l.input.Update(tea.PasteMsg{Content: clean(text)})
	l.setFilter(l.input.Value())
}
