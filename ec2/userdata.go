package ec2

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"changeover/ec2/box"
)

// maxUserData is what EC2 takes, before encoding.
const maxUserData = 16 << 10

// userData is what the box does at its first boot: lets us in, shows the host key we made, and guards its own bill.
// Nothing secret of the migration may stand here: whoever is on the box, or may describe it, can read it.
// It is made once and kept, because a repeated launch must send the same bytes.
func (r *Record) userData() ([]byte, error) {
	kept, err := os.ReadFile(r.Path(userDataFile))
	if err == nil {
		return kept, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the set-up of the box: %w", err)
	}
	user, _, err := r.key(userKeyFile)
	if err != nil {
		return nil, err
	}
	host, private, err := r.key(hostKeyFile)
	if err != nil {
		return nil, err
	}
	data, err := cloudConfig(authorized(user.PublicKey()), authorized(host.PublicKey()), string(private), r.User, r.Deadline.Unix())
	if err != nil {
		return nil, err
	}
	return data, writeFile(r.Path(userDataFile), data)
}

// cloudConfig writes JSON, which is YAML too: nothing in it needs a second way to be quoted.
func cloudConfig(user, hostPublic, hostPrivate, login string, deadline int64) ([]byte, error) {
	type file struct {
		Path        string `json:"path"`
		Permissions string `json:"permissions"`
		Encoding    string `json:"encoding"`
		Content     string `json:"content"`
	}
	write := func(path, permissions, content string) file {
		return file{path, permissions, "b64", base64.StdEncoding.EncodeToString([]byte(content))}
	}
	config := map[string]any{
		"ssh_authorized_keys": []string{user},
		"ssh_deletekeys":      true,
		"ssh_keys":            map[string]string{"ed25519_private": hostPrivate, "ed25519_public": hostPublic},
		"ssh_pwauth":          false,
		"write_files": []file{
			write(box.GuardScriptPath, "0755", box.GuardScript),
			write("/etc/systemd/system/changeover-guard.service", "0644", box.GuardService),
			write("/etc/systemd/system/changeover-guard.timer", "0644", box.GuardTimer),
			write(box.GuardDir+"/deadline", "0644", fmt.Sprintf("%d\n", deadline)),
		},
		// The login keeps the guard's files; the guard itself stays root's.
		"runcmd": []string{
			"chown -R " + login + ": " + box.GuardDir, "systemctl daemon-reload", "systemctl enable --now changeover-guard.timer",
		},
	}
	raw, err := json.MarshalIndent(config, "", " ")
	if err != nil {
		return nil, err
	}
	data := []byte("#cloud-config\n" + string(raw) + "\n")
	if len(data) > maxUserData {
		return nil, fmt.Errorf("the set-up of the box has %d bytes, EC2 takes %d", len(data), maxUserData)
	}
	if strings.Contains(string(data), "postgres://") {
		return nil, errors.New("a database URL would be in user-data; refused")
	}
	return data, nil
}
