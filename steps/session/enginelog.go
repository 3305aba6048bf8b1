package session

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
)

// logsKept is how many logs of earlier engines stay beside engine.log.
const logsKept = 3

// rotate moves the log of an earlier engine aside: engine.log.1 is the newest of the old ones.
func rotate(path string) error {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("rotate the engine's log: %w", err)
	case info.Size() == 0:
		return nil
	}
	for n := logsKept; n > 0; n-- {
		from := path
		if n > 1 {
			from = fmt.Sprintf("%s.%d", path, n-1)
		}
		if err := os.Rename(from, fmt.Sprintf("%s.%d", path, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotate the engine's log: %w", err)
		}
	}
	return nil
}

// lastLine is the last line of a file that says anything, without control characters; empty when there is none.
func lastLine(path string) string {
	const tail, longest = 8 << 10, 500
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tail {
		if _, err := f.Seek(-tail, io.SeekEnd); err != nil {
			return ""
		}
	}
	raw, err := io.ReadAll(io.LimitReader(f, tail))
	if err != nil {
		return ""
	}
	last := ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) && r != '\t' {
				return -1
			}
			return r
		}, line))
		if line != "" {
			last = line
		}
	}
	if runes := []rune(last); len(runes) > longest {
		last = string(runes[:longest]) + "…"
	}
	return last
}
