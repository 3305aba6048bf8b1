package localpg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// signalMajor is the first major whose standbys are made by standby.signal and settings, and the first that a query can promote.
// Before it there was a file of its own, recovery.conf.
const signalMajor = 12

// slotPatience bounds the wait until a gone follower's slot is no longer in use.
const slotPatience = 10 * time.Second

// Follow makes a cluster that is a streaming hot standby of leader, which must run and may be a
// standby itself. One before 12 cannot be promoted. A replication slot on the leader keeps what the follower has not received yet,
// however long that takes. On failure nothing is left.
func (r *Root) Follow(ctx context.Context, leader *Cluster, spec Spec) (*Cluster, error) {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	fail := func(err error) (*Cluster, error) {
		return nil, fmt.Errorf("make cluster %s, follower of %s: %w", spec.Name, leader.name, err)
	}
	if spec.Installation.BinDir == "" {
		spec.Installation = leader.inst
	}
	switch {
	case leader.root != r:
		return fail(errors.New("the leader is not of the same directory of clusters"))
	case spec.Installation.Major != leader.inst.Major:
		return fail(fmt.Errorf("major %d cannot follow major %d", spec.Installation.Major, leader.inst.Major))
	case !leader.Running():
		return fail(ErrNotRunning)
	}
	if _, err := r.reserve(spec.Name); err != nil {
		return fail(err)
	}
	leader.mu.Lock()
	inherited := leader.settings
	leader.mu.Unlock()
	c := &Cluster{
		root:      r,
		name:      spec.Name,
		inst:      spec.Installation,
		superuser: leader.superuser,
		password:  leader.password,
		leader:    leader,
		slot:      slotName(spec.Name),
		settings:  settingsFor(inherited, r.options.layer(), spec.Settings),
	}
	following := map[string]string{
		"primary_slot_name": c.slot,
		"primary_conninfo": fmt.Sprintf("host=%s port=%d user=%s application_name=%s",
			quoteConninfo(leader.SocketDir()), leader.Port(), quoteConninfo(leader.superuser), quoteConninfo(c.name)),
	}
	signal, content := "standby.signal", ""
	if leader.inst.Major < signalMajor {
		following["standby_mode"] = "on"
		signal, content = "recovery.conf", renderSettings(following)
	} else {
		maps.Copy(c.settings, following)
	}

	err := leader.createSlot(ctx, c.slot)
	if err == nil {
		err = c.baseBackup(ctx)
	}
	if err == nil {
		err = r.giveFile(filepath.Join(c.DataDir(), signal), content)
	}
	if err == nil {
		err = r.register(c)
	}
	if err == nil {
		err = c.Start(ctx)
	}
	if err != nil {
		return fail(errors.Join(err, c.Destroy(ctx)))
	}
	return c, nil
}

// CatchUp waits until the follower has replayed everything its leader had written when the call
// began.
func (c *Cluster) CatchUp(ctx context.Context) error {
	if c.leader == nil {
		return fmt.Errorf("cluster %s follows nobody", c.name)
	}
	var target string
	err := c.leader.query(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
			ELSE pg_current_wal_lsn() END::text`).Scan(&target)
	})
	if err != nil {
		return fmt.Errorf("ask %s for its position: %w", c.leader.name, err)
	}
	err = c.query(ctx, func(conn *pgx.Conn) error {
		return poll(ctx, func() (bool, error) {
			var reached bool
			err := conn.QueryRow(ctx, "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)", target).Scan(&reached)
			return reached, err
		})
	})
	if err != nil {
		return fmt.Errorf("wait until %s has replayed %s: %w", c.name, target, err)
	}
	return nil
}

// slotName turns a cluster's name into a slot's, which allows lower case, digits and _ only. A part
// made from the exact name keeps "A-b" and "a_b" apart.
func slotName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' {
			return '_'
		}
		return r
	}, strings.ToLower(name))
	return fmt.Sprintf("%s_%x", clean, shortHash(name))
}

func shortHash(s string) uint32 {
	h := uint32(2166136261) // FNV-1a
	for _, b := range []byte(s) {
		h = (h ^ uint32(b)) * 16777619
	}
	return h
}

func quoteConninfo(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
}

// createSlot makes a physical slot that keeps the log from now on.
func (c *Cluster) createSlot(ctx context.Context, slot string) error {
	err := c.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", slot)
		return err
	})
	if err != nil {
		return fmt.Errorf("create a replication slot on %s: %w", c.name, err)
	}
	return nil
}

// releaseSlot makes the leader drop our slot, now or, when it is down or the slot still in use, at
// its next start. A slot left behind would keep the leader's log for ever.
func (c *Cluster) releaseSlot(ctx context.Context) {
	c.mu.Lock()
	slot := c.slot
	c.slot = ""
	delete(c.settings, "primary_slot_name")
	delete(c.settings, "primary_conninfo")
	c.mu.Unlock()
	if slot == "" || c.leader == nil || c.leader.isDestroyed() || c.root.isClosed() {
		return
	}
	if err := c.leader.dropSlot(ctx, slot); err != nil {
		c.leader.mu.Lock()
		c.leader.staleSlots = append(c.leader.staleSlots, slot)
		c.leader.mu.Unlock()
	}
}

// dropSlot waits until the slot's receiver is gone and drops it. No such slot is no error.
func (c *Cluster) dropSlot(ctx context.Context, slot string) error {
	ctx, cancel := context.WithTimeout(ctx, slotPatience)
	defer cancel()
	return c.query(ctx, func(conn *pgx.Conn) error {
		return poll(ctx, func() (bool, error) {
			_, err := conn.Exec(ctx, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active", slot)
			if err != nil {
				return false, err
			}
			var left bool
			err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)", slot).Scan(&left)
			return !left, err
		})
	})
}

func (c *Cluster) dropStaleSlots(ctx context.Context) {
	c.mu.Lock()
	slots := c.staleSlots
	c.staleSlots = nil
	c.mu.Unlock()
	for _, slot := range slots {
		if err := c.dropSlot(ctx, slot); err != nil {
			c.mu.Lock()
			c.staleSlots = append(c.staleSlots, slot)
			c.mu.Unlock()
		}
	}
}
