package memworld

import (
	"context"
	"fmt"
	"io"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/steps"
)

// Databases are the databases of a run, found as the real ones are.
type Databases struct {
	World *World
	Look  steps.Look
}

// Endpoint implements steps.Databases.
func (d Databases) Endpoint(ctx context.Context, role steps.Role) (pgxfer.Endpoint, error) {
	return steps.HerokuDatabases{Heroku: d.World, Look: d.Look}.Endpoint(ctx, role)
}

// Open implements steps.Databases.
func (d Databases) Open(ctx context.Context, role steps.Role) (steps.Server, error) {
	endpoint, err := d.Endpoint(ctx, role)
	if err != nil {
		return nil, err
	}
	d.World.mu.Lock()
	defer d.World.mu.Unlock()
	a, err := d.World.at(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return server{d.World, a.ID}, nil
}

// at is the database at an address.
func (w *World) at(ctx context.Context, e pgxfer.Endpoint) (*addon, error) {
	if err := w.call(ctx); err != nil {
		return nil, err
	}
	for _, a := range w.s.Addons {
		if a.provisioned() && e.Config().Host == a.Name+".example" {
			return a, nil
		}
	}
	return nil, fmt.Errorf("connecting to %s: connection refused", e)
}

// server is a session. A follower replays in the pause behind each question about its position, so that the first answer
// is an old one.
type server struct {
	w  *World
	id string
}

func ask[T any](ctx context.Context, s server, question func(a *addon) (T, error)) (answer T, err error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if err := s.w.call(ctx); err != nil {
		return answer, err
	}
	a := s.w.byID(s.id)
	if a == nil || !a.alive() {
		return answer, fmt.Errorf("server closed the connection")
	}
	return question(a)
}

func (w *World) recovering(a *addon) bool {
	return a.Leader != "" || time.Since(a.Unfollowed) < recoveryEnds
}

// replay brings a follower to where its leader is.
func (w *World) replay(a *addon) {
	if leader := w.byID(a.Leader); leader != nil && leader.alive() {
		a.Rows, a.Tables, a.Xid, a.Loaded = leader.Rows, leader.Tables, leader.Xid, leader.Loaded
	}
}

func (s server) Version(ctx context.Context) (pgserver.Version, error) {
	return ask(ctx, s, func(a *addon) (pgserver.Version, error) { return pgserver.Version(a.Major*10000 + 2), nil })
}

func (s server) InRecovery(ctx context.Context) (bool, error) {
	return ask(ctx, s, func(a *addon) (bool, error) { return s.w.recovering(a), nil })
}

func (s server) ReadOnly(ctx context.Context) (bool, error) {
	return ask(ctx, s, func(*addon) (bool, error) { return false, nil })
}

func (s server) UserTables(ctx context.Context) (int, error) {
	return ask(ctx, s, func(a *addon) (int, error) { return a.Tables, nil })
}

// Sessions lists the processes of the app that have this database in their environment.
func (s server) Sessions(ctx context.Context) ([]pgserver.Session, error) {
	return ask(ctx, s, func(a *addon) (all []pgserver.Session, err error) {
		for _, name := range s.w.appNames() {
			app := s.w.s.Apps[name]
			n := 0
			if last := len(app.Releases) - 1; app.Releases[last].Database == a.ID {
				n = app.running()
			}
			for _, d := range app.Stopping {
				if d.Database == a.ID {
					n += d.Quantity
				}
			}
			for range n {
				all = append(all, pgserver.Session{PID: int32(len(all)), User: "u", Application: "puma", BackendType: "client backend"})
			}
		}
		return all, nil
	})
}

// PreparedTransactions are none: the app in here knows no two phases.
func (s server) PreparedTransactions(context.Context) ([]pgserver.Prepared, error) { return nil, nil }

func (s server) XidHorizon(ctx context.Context) (uint64, error) {
	return ask(ctx, s, func(a *addon) (uint64, error) { return a.Xid, nil })
}

func (s server) Writes(ctx context.Context) (int64, error) {
	return ask(ctx, s, func(a *addon) (int64, error) { return a.Rows.count(), nil })
}

// Tally counts what every session has handed in long ago: in here nobody writes by halves.
func (s server) Tally(ctx context.Context) ([]pgserver.TableWrites, error) {
	return ask(ctx, s, func(a *addon) ([]pgserver.TableWrites, error) {
		return []pgserver.TableWrites{{Table: "public.rows", Inserted: a.Rows.count()}}, nil
	})
}

func (s server) Sequences(ctx context.Context) ([]pgserver.Sequence, error) {
	return ask(ctx, s, func(a *addon) ([]pgserver.Sequence, error) {
		return []pgserver.Sequence{{Schema: "public", Name: "rows_id_seq", LastValue: a.Rows.count(), IsCalled: true}}, nil
	})
}

func (s server) SystemIdentifier(ctx context.Context) (id uint64, known bool, err error) {
	id, err = ask(ctx, s, func(a *addon) (uint64, error) { return a.System, nil })
	return id, err == nil, err
}

func (s server) CurrentLSN(ctx context.Context) (pgserver.LSN, error) {
	return ask(ctx, s, func(a *addon) (pgserver.LSN, error) {
		if s.w.recovering(a) {
			return 0, fmt.Errorf("recovery is in progress")
		}
		return a.lsn(), nil
	})
}

func (s server) ReplayLSN(ctx context.Context) (pgserver.LSN, error) {
	return ask(ctx, s, func(a *addon) (pgserver.LSN, error) {
		at := a.lsn()
		s.w.replay(a)
		return at, nil
	})
}

// lsn grows with every write.
func (a *addon) lsn() pgserver.LSN { return pgserver.LSN(a.Xid << 16) }

func (s server) CopyOut(ctx context.Context, w io.Writer, _ string) error {
	_, err := ask(ctx, s, func(*addon) (int, error) { return w.Write(make([]byte, 1<<20)) })
	return err
}

func (s server) Close(context.Context) error { return nil }

var _ steps.Heroku = (*World)(nil)
