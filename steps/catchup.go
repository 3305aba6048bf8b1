package steps

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer/pgserver"
)

// waitCaughtUp waits until a follower has replayed everything its leader had written when the fence was proven.
// Heroku's "Behind By" is not asked: it is a sample, and zero in a sample proves nothing.
func waitCaughtUp(ctx context.Context, env *Env, follower Role, fence Fence) error {
	target, err := pgserver.ParseLSN(fence.LSN)
	if err != nil {
		return fmt.Errorf("reading the fence: %w", err)
	}
	session := &held{d: env.Databases, role: follower}
	defer func() { session.close(ctx) }()
	waiting := Waiting{For: fmt.Sprintf("%s to replay up to %s", follower, target), Who: "PostgreSQL"}
	return env.patiently(ctx, waiting, fencePause, func(ctx context.Context) (done bool, detail string, err error) {
		err = session.ask(ctx, func(server Server) error {
			recovering, err := server.InRecovery(ctx)
			if err != nil {
				return err
			}
			if !recovering {
				return fmt.Errorf("%w: %s is not a follower any more", ErrNeedsHuman, follower)
			}
			if fence.System != "" {
				id, known, err := server.SystemIdentifier(ctx)
				if err != nil {
					return err
				}
				if known && fmt.Sprint(id) != fence.System {
					return fmt.Errorf("%w: %s is not a copy of %s", ErrNeedsHuman, follower, fence.Leader)
				}
			}
			at, err := server.ReplayLSN(ctx)
			if err != nil {
				return err
			}
			done = at >= target
			if behind := target.Since(at); !done {
				detail = fmt.Sprintf("%s behind", humanize.Bytes(uint64(behind)))
			}
			return nil
		})
		return done, detail, err
	})
}

// SmallLag is the distance in bytes up to which a follower counts as close behind: one WAL segment.
const SmallLag = 16 << 20

// lag is how many bytes of WAL the follower has yet to replay.
func lag(ctx context.Context, d Databases, leader, follower Role) (int64, error) {
	var written, replayed pgserver.LSN
	// The leader is asked last: the other order could show a follower ahead of its leader.
	err := withServer(ctx, d, follower, func(server Server) (err error) {
		replayed, err = server.ReplayLSN(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	err = withServer(ctx, d, leader, func(server Server) (err error) {
		written, err = server.CurrentLSN(ctx)
		return err
	})
	return max(written.Since(replayed), 0), err
}

// waitSmallLag waits until a new follower is close behind its leader.
func waitSmallLag(ctx context.Context, env *Env, leader, follower Role) error {
	waiting := Waiting{For: fmt.Sprintf("%s to come close to %s", follower, leader), Who: "PostgreSQL"}
	return env.patiently(ctx, waiting, max(env.Config().Poll.D(), time.Second), func(ctx context.Context) (bool, string, error) {
		behind, err := lag(ctx, env.Databases, leader, follower)
		if err != nil {
			return false, "", err
		}
		return behind <= SmallLag, humanize.Bytes(uint64(behind)) + " behind", nil
	})
}
