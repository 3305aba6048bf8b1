package session

import (
	"os"
	"os/user"
	"strings"
	"unicode"
)

// Who is how a client introduces itself. It is attribution, not authentication: on a shared login the uid names nobody.
type Who struct {
	Name string // the operator, for people
	From string // where the SSH connection comes from; empty on the machine itself
	// ReadOnly asks the engine itself to refuse whatever this client writes.
	ReadOnly bool
}

// Me is the person at this terminal: as (the --as flag), else $CHANGEOVER_AS, else who ran sudo, else the login user.
func Me(as string) Who {
	login := ""
	if u, err := user.Current(); err == nil {
		login = u.Username
	}
	return whoFrom(as, login, os.Getenv)
}

func whoFrom(as, login string, getenv func(string) string) Who {
	who := Who{Name: firstOf(as, getenv("CHANGEOVER_AS"), getenv("SUDO_USER"), login, getenv("USER"), "unknown")}
	// SSH_CONNECTION is "client-address client-port server-address server-port".
	if fields := strings.Fields(getenv("SSH_CONNECTION")); len(fields) > 0 {
		who.From = fields[0]
	}
	return who
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}

// clean makes what a caller says about itself fit for one line of a log: no control characters, nothing endless.
func clean(s string) string {
	const longest = 64
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest])
	}
	return strings.TrimSpace(s)
}
