package session

import (
	"context"
	"os"
	"strconv"
)

// scope is the command line to put before the engine's, so that systemd keeps it in a scope outside of any login
// session; empty when that cannot be had.
//
// A scope and not a service: systemd-run --scope becomes the engine itself, with our environment. The environment of a
// service, and the token in it, could be read by every user over the message bus.
func (h Host) scope(ctx context.Context) []string {
	if !h.booted() {
		return nil
	}
	prefix := []string{"systemd-run", "--scope", "--quiet", "--collect"}
	if h.uid() != 0 {
		prefix = append(prefix, "--user")
		h.linger(ctx)
	}
	prefix = append(prefix, "--")
	// Whether we are permitted is only known by trying.
	if _, err := h.run(ctx, prefix[0], append(prefix[1:len(prefix):len(prefix)], "true")...); err != nil {
		return nil
	}
	return prefix
}

// linger asks logind to keep the user's service manager, and our scope in it, after the last logout. It may refuse;
// Survives then tells the truth about the engine.
func (h Host) linger(ctx context.Context) {
	uid := strconv.Itoa(h.uid())
	if props, err := h.properties(ctx, "show-user", uid, "--property=Linger"); err == nil && props["Linger"] == "yes" {
		return
	}
	_, _ = h.run(ctx, "loginctl", "enable-linger", uid)
}

// SurvivesLogout says whether this process goes on after logout. The engine asks it about itself when it starts.
func SurvivesLogout(ctx context.Context) Survival {
	return Host{}.Survives(ctx, os.Getpid())
}
