package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"changeover/steps"
	"changeover/steps/journal"
)

// logFile is log.jsonl. It is written without fsync and nothing depends on it: a full disk costs log lines, never work.
type logFile struct {
	e    *Engine
	path string

	mu     sync.Mutex // orders lines: the file has them in the order of their numbers
	file   journal.File
	failed bool
}

// open reads what earlier engines logged, removes half a line at the end, and goes on behind it.
func (l *logFile) open(e *Engine, path string) error {
	l.e, l.path = e, path
	file, err := e.o.FS.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	l.file = file
	h := &e.hub
	h.whole = true
	end, err := scanLog(file, func(line steps.LogLine) bool {
		h.seq = max(h.seq, line.Seq)
		h.remember(line)
		return true
	})
	if err == nil {
		err = file.Truncate(end)
	}
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	return nil
}

// scanLog reads whole lines until take says no, and returns where the last whole line ends. Lines that do not
// decode are passed over: the log is for reading, and the rest of it is still good.
func scanLog(in io.Reader, take func(steps.LogLine) bool) (end int64, err error) {
	r := bufio.NewReader(in)
	for {
		raw, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return end, err
		}
		end += int64(len(raw))
		var line steps.LogLine
		if json.Unmarshal(bytes.TrimSpace(raw), &line) == nil && line.Seq > 0 && !take(line) {
			return end, nil
		}
	}
}

// write publishes a line and puts it into the file.
func (l *logFile) write(line steps.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line = l.e.hub.publish(line)
	raw, err := journal.Payload(line)
	if err == nil && l.file != nil {
		_, err = l.file.Write(append(raw, '\n'))
	}
	if err != nil && !l.failed {
		l.failed = true // said once: the next line would fail for the same reason
		l.e.hub.publish(steps.LogLine{At: l.e.wall(), Level: steps.Error, Text: l.e.clean(fmt.Sprintf("the log file cannot be written, lines are missing from it: %v", err))})
	} else if err == nil {
		l.failed = false
	}
}

func (l *logFile) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// logf writes a line of a step, or of the run when step is 0. It is never called with Engine.mu held.
func (e *Engine) logf(level steps.Level, step int, format string, args ...any) {
	e.log.write(steps.LogLine{At: e.wall(), Level: level, Step: step, Text: e.clean(fmt.Sprintf(format, args...))})
}

// wall is the time as it reads back from a file.
func (e *Engine) wall() time.Time { return e.o.Now().UTC().Round(0) }

// LogLines are the lines behind a number, oldest first, at most limit (0 means all).
func (e *Engine) LogLines(after uint64, limit int) ([]steps.LogLine, error) {
	if lines, ok := e.hub.linesAfter(after, limit); ok {
		return lines, nil
	}
	file, err := e.o.FS.OpenFile(e.log.path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	defer file.Close()
	var lines []steps.LogLine
	_, err = scanLog(file, func(line steps.LogLine) bool {
		if line.Seq > after {
			lines = append(lines, line)
		}
		return limit <= 0 || len(lines) < limit
	})
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	return lines, nil
}

// linesAfter answers from memory; ok is false when older lines are asked for than it holds.
func (h *hub) linesAfter(after uint64, limit int) (lines []steps.LogLine, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.whole && (len(h.lines) == 0 || after+1 < h.lines[0].Seq) {
		return nil, false
	}
	for _, line := range h.lines {
		if line.Seq <= after {
			continue
		}
		if limit > 0 && len(lines) == limit {
			break
		}
		lines = append(lines, line)
	}
	return lines, true
}
