package localpg

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Init makes a new cluster with initdb and starts it. Connections through the socket are trusted,
// since only the servers' user and root can reach it; by TCP everybody needs a password. On failure
// nothing is left.
func (r *Root) Init(ctx context.Context, spec Spec) (*Cluster, error) {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	dir, err := r.reserve(spec.Name)
	if err != nil {
		return nil, fmt.Errorf("make cluster %s: %w", spec.Name, err)
	}
	c := &Cluster{
		root:      r,
		name:      spec.Name,
		inst:      spec.Installation,
		superuser: cmp.Or(spec.Superuser, DefaultSuperuser),
		password:  newSecret(),
		settings:  settingsFor(r.options.layer(), spec.Settings),
	}
	err = c.initdb(ctx, spec, filepath.Join(dir, "password"))
	if err == nil {
		err = r.register(c)
	}
	if err == nil {
		err = c.Start(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("make cluster %s: %w", spec.Name, errors.Join(err, c.Destroy(ctx)))
	}
	return c, nil
}

func (c *Cluster) initdb(ctx context.Context, spec Spec, passwordFile string) error {
	program, err := c.inst.Tool("initdb")
	if err != nil {
		return err
	}
	if err := c.root.giveFile(passwordFile, string(c.password)+"\n"); err != nil {
		return err
	}
	defer func() { _ = os.Remove(passwordFile) }()
	run := func(locale string) error {
		// Not synced to disk: should the machine crash now, the cluster is swept anyway.
		return c.root.run(ctx, c.dir(), program, "--pgdata="+c.DataDir(), "--no-sync",
			"--username="+c.superuser, "--pwfile="+passwordFile, "--auth-local=trust", "--auth-host=scram-sha-256",
			"--encoding="+cmp.Or(spec.Encoding, "UTF8"), "--locale="+locale)
	}
	err = run(cmp.Or(spec.Locale, "C.UTF-8"))
	if err != nil && spec.Locale == "" && strings.Contains(err.Error(), "locale") {
		err = run("C")
	}
	if err != nil {
		return err
	}
	return c.root.includeOurs(c.DataDir())
}

// run runs a program as the servers' user in dir. Its error carries the line of the output that
// tells most. When ctx ends the program and its children are killed.
func (r *Root) run(ctx context.Context, dir, program string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = r.account.attr()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	name := filepath.Base(program)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case cmd.Process == nil:
		return fmt.Errorf("%s: %s", name, explainExec(err, r.account, program))
	default:
		return fmt.Errorf("%s: %w: %s", name, err, tellingLine(strings.TrimSpace(out.String())))
	}
}
