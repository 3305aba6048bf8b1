package notify

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"changeover/heroku"
)

// ErrURL means that the URL of a webhook cannot be used. No error repeats it: whoever has it can write into the channel.
var ErrURL = errors.New("the URL of the webhook")

// Where says where the URL of a webhook is found: file:PATH or env:NAME. The URL itself is refused: it would stand in the
// process list, in the configuration of the run and in the shell's history.
type Where string

// Check says whether the form is right, without looking.
func (w Where) Check() error {
	kind, rest, _ := strings.Cut(string(w), ":")
	switch {
	case w == "":
		return nil
	case kind == "http" || kind == "https":
		return fmt.Errorf("%w is a secret, because whoever knows it can write there: put it into a file and give file:PATH, or env:NAME", ErrURL)
	case kind != "file" && kind != "env" || rest == "":
		return fmt.Errorf("%w is given as file:PATH or env:NAME", ErrURL)
	case kind == "file" && !strings.HasPrefix(rest, "/"):
		return fmt.Errorf("%w is needed by a process that works elsewhere: give the whole path of its file, from / on", ErrURL)
	}
	return nil
}

// find reads the URL. It is read for every message, so that a new one counts at once.
func (w Where) find(getenv func(string) string, readFile func(string) ([]byte, error)) (heroku.Secret, error) {
	if err := w.Check(); err != nil {
		return "", err
	}
	kind, rest, _ := strings.Cut(string(w), ":")
	var text string
	if kind == "env" {
		if text = getenv(rest); text == "" {
			return "", fmt.Errorf("%w should be in the environment variable %s, which the engine does not have; a file is safer", ErrURL, rest)
		}
	} else {
		raw, err := readFile(rest)
		if err != nil {
			return "", fmt.Errorf("%w cannot be read: %w", ErrURL, err)
		}
		text = strings.TrimSpace(string(raw))
	}
	return heroku.Secret(text), usable(text, string(w))
}

// usable says whether messages may be sent there: encrypted, or without leaving the machine.
func usable(text, where string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%w in %s is no URL", ErrURL, where)
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("%w in %s does not begin with https://", ErrURL, where)
	}
	return nil
}

// host is what may be shown of a URL.
func host(secret heroku.Secret) string {
	u, err := url.Parse(secret.Reveal())
	if err != nil || u.Host == "" {
		return "its host"
	}
	return u.Host
}

// readFile is os.ReadFile, for callers that only have Where.
var readFile = os.ReadFile
