package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"changeover/ec2/box"
)

// Shell is an SSH connection to a box, whose host key is the one that we made for it.
type Shell struct{ client *ssh.Client }

// ErrHostKey means that something else than our box answers at its address.
var ErrHostKey = errors.New("the host key is not the one of this box")

// Dial connects, once. The address is host:port.
func (r *Record) Dial(ctx context.Context, address string) (*Shell, error) {
	user, _, err := r.key(userKeyFile)
	if err != nil {
		return nil, err
	}
	host, _, err := r.key(hostKeyFile)
	if err != nil {
		return nil, err
	}
	config := &ssh.ClientConfig{
		User: r.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(user)}, Timeout: 10 * time.Second,
		HostKeyAlgorithms: []string{host.PublicKey().Type()},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if string(key.Marshal()) != string(host.PublicKey().Marshal()) {
				return ErrHostKey
			}
			return nil
		},
	}
	conn, err := (&net.Dialer{Timeout: config.Timeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	// A deadline, because the handshake knows no context.
	_ = conn.SetDeadline(time.Now().Add(config.Timeout)) // a connection that cannot have one fails in the handshake
	inner, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to %s: %w", address, err), conn.Close())
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return &Shell{ssh.NewClient(inner, channels, requests)}, nil
}

// DialWhenUp connects as soon as the box lets us: it boots, then makes our login. A wrong host key ends it at once.
func (c *Cloud) DialWhenUp(ctx context.Context, r *Record, address string) (*Shell, error) {
	until := c.connection.Now().Add(lookFor)
	for {
		shell, err := r.Dial(ctx, address)
		if err == nil {
			return shell, nil
		}
		if errors.Is(err, ErrHostKey) || strings.Contains(err.Error(), ErrHostKey.Error()) {
			return nil, fmt.Errorf("%w: somebody else answers at %s; nothing was sent", ErrHostKey, address)
		}
		if !c.connection.Now().Before(until) {
			return nil, fmt.Errorf("%s does not let us in after %s; if your address has changed, `changeover box down %s` and launch again with --ssh-cidr: %w", r.Name, lookFor, r.Name, err)
		}
		if err := c.connection.Sleep(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
}

// Close ends the connection.
func (s *Shell) Close() error { return s.client.Close() }

// Run runs a command of the remote shell, feeding it in and returning what it prints.
func (s *Shell) Run(ctx context.Context, command string, in io.Reader) (string, error) {
	session, err := s.client.NewSession()
	if err != nil {
		return "", fmt.Errorf("starting a command on the box: %w", err)
	}
	defer session.Close()
	var out, stderr strings.Builder
	session.Stdin, session.Stdout, session.Stderr = in, &out, &stderr
	// Closing the session ends the command's input; that is all a cancelled one needs.
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer stop()
	if err := session.Run(command); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return out.String(), fmt.Errorf("on the box: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return out.String(), nil
}

// Upload puts a file where root keeps programs. It appears whole or not at all: it is written beside its place,
// compared by checksum, then moved.
func (s *Shell) Upload(ctx context.Context, local, remote string, mode os.FileMode) error {
	file, err := os.Open(local)
	if err != nil {
		return fmt.Errorf("reading what to upload: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("reading what to upload: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading what to upload: %w", err)
	}
	return s.put(ctx, file, hex.EncodeToString(hash.Sum(nil)), remote, mode)
}

func (s *Shell) put(ctx context.Context, content io.Reader, sum, remote string, mode os.FileMode) error {
	// Whoever is not root becomes root by sudo, which the images allow their login without a password.
	script := fmt.Sprintf(`set -e
as_root=; [ "$(id -u)" = 0 ] || as_root="sudo -n"
new=$(mktemp)
trap 'rm -f "$new"' EXIT
cat >"$new"
echo "%s  $new" | sha256sum -c --quiet - >&2
$as_root mkdir -p %s
$as_root install -m %04o "$new" %s
$as_root mv -f %s %s`, sum, quote(path.Dir(remote)), mode, quote(remote+".new"), quote(remote+".new"), quote(remote))
	if _, err := s.Run(ctx, script, content); err != nil {
		return fmt.Errorf("uploading %s: %w", path.Base(remote), err)
	}
	return nil
}

// Places are where things lie on a box.
type Places struct{ Program, Note string }

// OnBox is where they lie on a real one.
var OnBox = Places{Program: "/usr/local/bin/changeover", Note: box.NotePath}

// SetUp waits until the box has booted, and puts the program and the launcher's note on it.
func (s *Shell) SetUp(ctx context.Context, r *Record, volume, program string, at Places) error {
	// Nothing to wait for where there is no cloud-init. Its status 2 means that it is done but had to complain.
	if _, err := s.Run(ctx, `command -v cloud-init >/dev/null || exit 0; cloud-init status --wait >/dev/null || [ $? = 2 ]`, nil); err != nil {
		return fmt.Errorf("the first boot of the box went wrong; look at /var/log/cloud-init-output.log there: %w", err)
	}
	if err := s.Upload(ctx, program, at.Program, 0o755); err != nil {
		return err
	}
	last := r.Attempts[len(r.Attempts)-1]
	note, err := json.Marshal(box.Note{Instance: r.Instance, Run: r.Run, Disks: last.Disks, DiskGB: last.DiskGB, Volume: volume, CentsHour: r.CentsHour})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(note)
	return s.put(ctx, strings.NewReader(string(note)), hex.EncodeToString(sum[:]), at.Note, 0o644)
}

// Volume is the id of the volume for the work, on a machine without local disk; empty otherwise.
func (c *Cloud) Volume(ctx context.Context, r *Record) (string, error) {
	i, err := c.look(ctx, r.Instance)
	if err != nil || i == nil {
		return "", err
	}
	for _, m := range i.BlockDeviceMappings {
		if m.DeviceName != nil && i.RootDeviceName != nil && *m.DeviceName != *i.RootDeviceName && m.Ebs != nil && m.Ebs.VolumeId != nil {
			return *m.Ebs.VolumeId, nil
		}
	}
	return "", nil
}
