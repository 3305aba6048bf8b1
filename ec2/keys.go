package ec2

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Files of a box on the laptop.
const (
	userKeyFile  = "id_ed25519"
	hostKeyFile  = "host_ed25519"
	knownHosts   = "known_hosts"
	userDataFile = "user-data"
)

// makeKeys makes the key that lets us in and the key by which the box proves that it is the box: made here, it is known
// before the first connection. Keys that are there already are kept.
func (r *Record) makeKeys() error {
	for _, file := range []string{userKeyFile, hostKeyFile} {
		if _, err := os.Stat(r.Path(file)); err == nil {
			continue
		}
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return fmt.Errorf("making an SSH key: %w", err)
		}
		block, err := ssh.MarshalPrivateKey(private, "changeover "+r.Run)
		if err != nil {
			return fmt.Errorf("making an SSH key: %w", err)
		}
		if err := writeFile(r.Path(file), pem.EncodeToMemory(block)); err != nil {
			return err
		}
	}
	return nil
}

// key reads one of the box's keys.
func (r *Record) key(file string) (ssh.Signer, []byte, error) {
	raw, err := os.ReadFile(r.Path(file))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the SSH key of %s: %w", r.Name, err)
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the SSH key of %s: %w", r.Name, err)
	}
	return signer, raw, nil
}

// authorized is a public key as authorized_keys and known_hosts have it.
func authorized(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// writeKnownHosts makes the file by which plain ssh knows the box.
func (r *Record) writeKnownHosts() error {
	host, _, err := r.key(hostKeyFile)
	if err != nil {
		return err
	}
	return writeFile(r.Path(knownHosts), []byte(r.Address+" "+authorized(host.PublicKey())+"\n"))
}

// SSHLine is the command that connects to the box.
func (r *Record) SSHLine() string {
	hosts := r.Path(knownHosts)
	if strings.Contains(hosts, " ") {
		hosts = `"` + hosts + `"` // the option takes several files, parted by spaces
	}
	return fmt.Sprintf("ssh -i %s -o IdentitiesOnly=yes -o %s -o StrictHostKeyChecking=yes %s@%s",
		quote(r.Path(userKeyFile)), quote("UserKnownHostsFile="+hosts), r.User, r.Address)
}

// quote makes a word that a shell takes as it is.
func quote(word string) string {
	if !strings.ContainsFunc(word, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,", c)
	}) && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
