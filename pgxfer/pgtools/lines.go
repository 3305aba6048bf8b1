package pgtools

import (
	"bufio"
	"errors"
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is how much of a line is kept; a failed command is repeated by pg_restore whole, and can be megabytes.
const maxLine = 4096

// Line is one line that a tool wrote, safe to show: no control characters and no password.
type Line struct {
	// Tool is "pg_dump" or "pg_restore" when the line starts a message of the tool; empty for further lines of the one before.
	Tool string
	// Level is "error", "warning", "detail", "hint" or empty for plain messages.
	Level string
	Text  string // without the tool's name and the level
}

// ParseLine takes a line apart. redact holds strings that must not be seen.
func ParseLine(raw string, redact ...string) Line {
	text := sanitise(raw, redact)
	tool, rest, ok := strings.Cut(text, ": ")
	if !ok || (tool != "pg_dump" && tool != "pg_restore") {
		return Line{Text: text}
	}
	line := Line{Tool: tool, Text: rest}
	for _, level := range []string{"error", "warning", "detail", "hint"} {
		if after, ok := strings.CutPrefix(rest, level+": "); ok {
			line.Level, line.Text = level, after
		}
	}
	return line
}

func sanitise(raw string, redact []string) string {
	for _, secret := range redact {
		if secret != "" {
			raw = strings.ReplaceAll(raw, secret, "***")
		}
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r): // Cf holds direction overrides
			return '�'
		}
		return r
	}, raw)
	return strings.TrimRight(clean, " ")
}

// secretForms are the ways the password could appear in a message.
func secretForms(password string) []string {
	if password == "" {
		return nil
	}
	return []string{password, url.QueryEscape(password), url.PathEscape(password)}
}

// readLines hands each line to do until the end of r, which comes when the last process holding the other end is gone.
func readLines(r io.Reader, do func(string)) error {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		part, more, err := in.ReadLine()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		line := string(part)
		for more {
			if _, more, err = in.ReadLine(); err != nil {
				break
			}
		}
		do(line)
	}
}
