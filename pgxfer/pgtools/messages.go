package pgtools

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"changeover/pgxfer"
)

// Messages collects what a tool complains about. Lines come from one goroutine, questions from others.
type Messages struct {
	mu     sync.Mutex
	entry  string // "INDEX events_idx", what pg_restore last said it was working on
	errors []string
	// open says that the last error may go on: its detail and the command follow on lines of their own.
	open    bool
	benign  int
	ignored int    // as pg_restore counts
	OnError func() // called once, at the first error that is not benign
}

var (
	fromEntry     = regexp.MustCompile(`^from TOC entry \d+; \d+ \d+ (.*)$`)
	ignoredErrors = regexp.MustCompile(`^errors ignored on restore: (\d+)`)
	// From 17 on pg_restore sets a timeout that older servers do not have.
	newTimeout = regexp.MustCompile(`unrecognized configuration parameter "transaction_timeout"`)
)

// CountsErrors says whether the line is pg_restore's count of the errors it went on after: a warning that says nothing new.
func (l Line) CountsErrors() bool { return ignoredErrors.MatchString(l.Text) }

// Note takes a line in.
func (m *Messages) Note(l Line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case l.Level == "error" && newTimeout.MatchString(l.Text):
		m.benign++
		m.open = false
	case l.Level == "error":
		text := l.Text
		if m.entry != "" {
			text = m.entry + ": " + text
		}
		m.errors = append(m.errors, text)
		m.entry, m.open = "", true
		if len(m.errors) == 1 && m.OnError != nil {
			m.OnError()
		}
	case l.Level == "warning":
		if found := ignoredErrors.FindStringSubmatch(l.Text); found != nil {
			_, _ = fmt.Sscan(found[1], &m.ignored)
		}
		m.open = false
	case l.Level == "detail" && m.open:
		m.errors[len(m.errors)-1] += ": " + l.Text
	case l.Tool == "":
		m.more(l.Text)
	default:
		m.open = false
		if found := fromEntry.FindStringSubmatch(l.Text); found != nil {
			m.entry = found[1]
		}
	}
}

// more joins the further lines of an error up to the command that failed, which can be of any length.
func (m *Messages) more(text string) {
	if !m.open {
		return
	}
	last := &m.errors[len(m.errors)-1]
	if strings.HasPrefix(text, "Command was:") || len(*last) > 1000 {
		m.open = false
		return
	}
	if text = strings.TrimSpace(text); text != "" {
		*last += " " + strings.Join(strings.Fields(text), " ")
	}
}

// Err is the failure as one line: the tool's first complaint, with how many followed. exit is how the tool ended.
func (m *Messages) Err(doing string, exit error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.errors) == 0 {
		var code *ExitError
		if errors.As(exit, &code) && code.Code == 1 && m.benign > 0 && m.ignored <= m.benign {
			return nil // every error it counted is one that changes nothing
		}
		if exit == nil {
			return nil
		}
		return fmt.Errorf("%s: %w", doing, exit)
	}
	first := strings.Join(strings.Fields(m.errors[0]), " ")
	if more := len(m.errors) - 1; more > 0 {
		first += fmt.Sprintf(" (and %d more)", more)
	}
	// pg_restore says the same of the server's disk, which is not ours to watch.
	if strings.Contains(first, "No space left on device") && doing == "pg_dump" {
		return fmt.Errorf("%s: %w: %s", doing, pgxfer.ErrSpace, first)
	}
	return fmt.Errorf("%s: %s", doing, first)
}
