package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/pgserver"
)

// closeTimeout bounds saying good-bye to a server that no longer answers.
const closeTimeout = 5 * time.Second

// withConn runs fn on a fresh session to the database of a role.
func withConn(ctx context.Context, l Look, d Databases, role Role, fn func(*pgx.Conn) error) error {
	endpoint, err := d.Endpoint(ctx, role)
	if err != nil {
		return err
	}
	conn, err := endpoint.Connect(ctx, l.Config().Tag())
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	return fn(conn)
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// held keeps one session open over many questions, and opens another when it broke: connection_reset ends ours too.
type held struct {
	look Look
	d    Databases
	role Role
	conn *pgx.Conn
}

func (h *held) ask(ctx context.Context, fn func(*pgx.Conn) error) error {
	if h.conn == nil {
		endpoint, err := h.d.Endpoint(ctx, h.role)
		if err != nil {
			return err
		}
		if h.conn, err = endpoint.Connect(ctx, h.look.Config().Tag()); err != nil {
			h.conn = nil
			return err
		}
	}
	err := fn(h.conn)
	if err != nil {
		h.close(ctx)
	}
	return err
}

func (h *held) close(ctx context.Context) {
	if h.conn != nil {
		closeConn(ctx, h.conn)
		h.conn = nil
	}
}

// herokuUsers are the roles Heroku itself connects with; they watch, and do not write user data.
var herokuUsers = map[string]bool{"heroku_admin": true, "postgres": true, "rdsadmin": true}

// foreignSessions names the sessions on a database that are neither ours nor Heroku's own, in words for people.
func foreignSessions(ctx context.Context, conn pgserver.Querier, l Look) ([]string, error) {
	sessions, err := pgserver.Sessions(ctx, conn)
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
	err = withConn(ctx, env, env.Databases, role, func(conn *pgx.Conn) error {
		recovering, err = pgserver.InRecovery(ctx, conn)
		return err
	})
	return recovering, err
}
