package localpg

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// EnvUser names the environment variable with the user that servers run as when we are root.
const EnvUser = "CHANGEOVER_PG_USER"

// account is the user that owns the clusters. With drop set we are root and must become it.
type account struct {
	name     string
	uid, gid int
	drop     bool
}

// serverAccount chooses the user that servers run as.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{name: "uid " + strconv.Itoa(os.Geteuid()), uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	wanted := []string{"postgres", "nobody"}
	if name := os.Getenv(EnvUser); name != "" {
		wanted = []string{name}
	}
	for _, name := range wanted {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			return account{}, fmt.Errorf("user %s has no numeric id: %w", name, err)
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			return account{}, fmt.Errorf("user %s has no numeric group: %w", name, err)
		}
		if uid == 0 {
			return account{}, fmt.Errorf("PostgreSQL refuses to run as %s: set %s to an unprivileged user", name, EnvUser)
		}
		return account{name: name, uid: uid, gid: gid, drop: true}, nil
	}
	return account{}, fmt.Errorf("PostgreSQL does not run as root and there is no user %v: set %s to an unprivileged user", wanted, EnvUser)
}

// own gives path to the account. Nothing is to be done unless we are root.
func (a account) own(path string) error {
	if !a.drop {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// attr returns the attributes of a child that runs as the account in a session of its own: a
// key pressed in our terminal or a signal to our group must not reach servers.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.drop {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// canEnter checks by permission bits that the account can walk down to dir.
func (a account) canEnter(dir string) error {
	if !a.drop {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return err
		}
		need := os.FileMode(0o001)
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			switch {
			case int(st.Uid) == a.uid:
				need = 0o100
			case int(st.Gid) == a.gid:
				need = 0o010
			}
		}
		if info.Mode().Perm()&need == 0 {
			return fmt.Errorf("user %s cannot enter %s: choose another directory (TMPDIR) or open that one", a.name, d)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}
