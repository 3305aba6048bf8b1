package steps

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// closeTimeout bounds saying good-bye to a server that no longer answers.
const closeTimeout = 5 * time.Second

// withServer runs fn on a fresh session to the database of a role.
func withServer(ctx context.Context, d Databases, role Role, fn func(Server) error) error {
	server, err := d.Open(ctx, role)
	if err != nil {
		return err
	}
	defer closeServer(ctx, server)
	return fn(server)
}

func closeServer(ctx context.Context, server Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = server.Close(ctx)
}

// held keeps one session open over many questions, and opens another when it broke: connection_reset ends ours too.
type held struct {
	d      Databases
	role   Role
	server Server
}

func (h *held) ask(ctx context.Context, fn func(Server) error) error {
	if h.server == nil {
		server, err := h.d.Open(ctx, h.role)
		if err != nil {
			return err
		}
		h.server = server
	}
	err := fn(h.server)
	if err != nil {
		h.close(ctx)
	}
	return err
}

func (h *held) close(ctx context.Context) {
	if h.server != nil {
		closeServer(ctx, h.server)
		h.server = nil
	}
}

// herokuUsers are the roles Heroku itself connects with; they watch, and do not write user data.
var herokuUsers = map[string]bool{"heroku_admin": true, "postgres": true, "rdsadmin": true}

// foreignSessions names the sessions on a database that are neither ours nor Heroku's own, in words for people.
func foreignSessions(ctx context.Context, server Server, l Look) ([]string, error) {
	sessions, err := server.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	var foreign []string
	for _, s := range sessions {
		ours := tagged(s.Application, l.Config().Tag())
		if ours || s.User == "" || herokuUsers[s.User] && !s.Xid {
			continue
		}
		name := fmt.Sprintf("a session of %s", s.User)
		if s.Application != "" {
			name += fmt.Sprintf(" (%s)", s.Application)
		}
		if s.Client != "" {
			name += " from " + s.Client
		}
		if s.Xid {
			name += ", writing"
		}
		foreign = append(foreign, name)
	}
	return foreign, nil
}

// tagged says whether an application_name is the tag or begins with it; that of run shop is no session of run shop2.
func tagged(application, tag string) bool {
	rest, ok := strings.CutPrefix(application, tag)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == ' ')
}

// inRecovery says whether the database of a role is still a follower, as its own server sees it.
func inRecovery(ctx context.Context, env *Env, role Role) (recovering bool, err error) {
	err = withServer(ctx, env.Databases, role, func(server Server) error {
		recovering, err = server.InRecovery(ctx)
		return err
	})
	return recovering, err
}
