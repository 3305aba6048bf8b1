package ec2

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// StateOnBox is where the runs lie on a box, as its shell writes it.
const StateOnBox = `"${XDG_STATE_HOME:-$HOME/.local/state}/changeover"`

// Fetch copies journal, log, configuration and reports of every run from the box into dir, compares checksums, and
// leaves a receipt in each run's directory there: step 12 turns the box off only when it finds one. state is the
// directory of the runs on the box, quoted for its shell.
func (s *Shell) Fetch(ctx context.Context, dir, state string) (files []string, err error) {
	out, err := s.Run(ctx, fmt.Sprintf(`set -e
cd %s
f=$(mktemp)
find . -type f \( -name journal.jsonl -o -name log.jsonl -o -name config.toml -o -path './reports/*' \) | tar -cf "$f" -T -
sha256sum "$f"`, state), nil)
	if err != nil {
		return nil, fmt.Errorf("collecting journal and report: %w", err)
	}
	sum, file, ok := strings.Cut(strings.TrimSpace(out), "  ")
	if !ok {
		return nil, fmt.Errorf("collecting journal and report: the box answered %q", out)
	}
	content, err := s.Run(ctx, "cat "+quote(file)+" && rm -f "+quote(file), nil)
	if err != nil {
		return nil, fmt.Errorf("fetching journal and report: %w", err)
	}
	if got := sha256.Sum256([]byte(content)); hex.EncodeToString(got[:]) != sum {
		return nil, errors.New("fetching journal and report: what arrived is not what was sent; fetch again")
	}
	if files, err = unpack(strings.NewReader(content), dir); err != nil {
		return files, err
	}
	receipt := fmt.Sprintf(`set -e
cd %s
for journal in */journal.jsonl; do echo %s >"$(dirname "$journal")/fetched"; done`, state, sum)
	if _, err := s.Run(ctx, receipt, nil); err != nil {
		return files, fmt.Errorf("leaving the receipt on the box: %w", err)
	}
	return files, nil
}

// unpack writes the files of an archive below dir, and waits until they are on disk. Anything that is not a plain file
// with a path of its own below dir is refused: the box is ours, but what it sends is still only what it sends.
func unpack(from io.Reader, dir string) ([]string, error) {
	var files []string
	archive := tar.NewReader(from)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return files, fmt.Errorf("reading what was fetched: %w", err)
		}
		name := path.Clean(header.Name)
		if header.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			return files, fmt.Errorf("the box sent %q, which is no plain file of a run; refused", header.Name)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return files, fmt.Errorf("reading what was fetched: %w", err)
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return files, fmt.Errorf("keeping what was fetched: %w", err)
		}
		if err := writeFile(target, content); err != nil {
			return files, err
		}
		files = append(files, target)
	}
}
