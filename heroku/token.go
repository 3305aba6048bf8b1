package heroku

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
)

// ErrNoToken means that no source had a token for the host.
var ErrNoToken = errors.New("no Heroku token found")

// TokenFromEnv finds the token the way the official CLI does on a machine without a keychain: HEROKU_API_KEY,
// then the .netrc entry of the Platform API's host, with the port when the URL has one. source says where it
// was found, for the screen. getenv and readFile are os.Getenv and os.ReadFile; home is the home directory.
//
// The `default` entry of a .netrc is not used: it holds a password for some other place.
func TokenFromEnv(getenv func(string) string, readFile func(string) ([]byte, error), home, platformURL string) (token Secret, source string, err error) {
	if key := Secret(strings.TrimSpace(getenv("HEROKU_API_KEY"))); key != "" {
		return key, "HEROKU_API_KEY", checkToken(key)
	}
	u, err := url.Parse(platformURL)
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("%w: the platform URL must look like https://host or http://localhost:port", ErrBadConfig)
	}
	path := filepath.Join(home, ".netrc")
	data, err := readFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("read the Heroku token from %s: %w", path, err)
	}
	if password := netrcPassword(string(data), u.Host); password != "" {
		return password, path, checkToken(password)
	}
	return "", "", fmt.Errorf("%w for %s; %s", ErrNoToken, u.Host, tokenHint(getenv, readFile, home))
}

// tokenHint names the likely reason, since each of these looks to the operator as if a token were there.
func tokenHint(getenv func(string) string, readFile func(string) ([]byte, error), home string) string {
	if getenv("HEROKU_API_TOKEN") != "" {
		return "HEROKU_API_TOKEN is not a name Heroku uses: set HEROKU_API_KEY"
	}
	if _, err := readFile(filepath.Join(home, ".netrc.gpg")); err == nil {
		return "the token in .netrc.gpg is encrypted: set HEROKU_API_KEY=$(heroku auth:token)"
	}
	return "set HEROKU_API_KEY, for example to the output of `heroku auth:token`, or run `heroku login`"
}

// netrcPassword returns the password of a machine, "" when there is none. The machine name must match exactly:
// 127.0.0.1:9999 and 127.0.0.1 are different places.
func netrcPassword(text, machine string) Secret {
	words := netrcWords(text)
	here := false
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "machine":
			i++
			here = words[i] == machine
		case "default":
			here = false
		case "login", "account":
			i++
		case "password":
			i++
			if here {
				return Secret(words[i])
			}
		}
	}
	return ""
}

// netrcWords splits a .netrc into words, without comments and macro definitions. A macro ends at an empty line.
func netrcWords(text string) []string {
	var words []string
	macro := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if macro {
			macro = line != ""
			continue
		}
		for _, word := range netrcFields(line) {
			if word == "macdef" {
				macro = true
				break
			}
			words = append(words, word)
		}
	}
	return words
}

// netrcFields splits one line. A # begins a comment at the start of a word only: passwords may contain one.
// Double quotes hold a word with blanks together; a backslash inside them takes the next character as it is.
func netrcFields(line string) []string {
	var fields []string
	for line = strings.TrimLeft(line, " \t"); line != "" && line[0] != '#'; line = strings.TrimLeft(line, " \t") {
		if line[0] != '"' {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			fields = append(fields, line[:end])
			line = line[end:]
			continue
		}
		var word strings.Builder
		i := 1
		for ; i < len(line) && line[i] != '"'; i++ {
			if line[i] == '\\' && i+1 < len(line) {
				i++
			}
			word.WriteByte(line[i])
		}
		fields = append(fields, word.String())
		line = line[min(i+1, len(line)):]
	}
	return fields
}
