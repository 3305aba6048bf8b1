package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFiles stores the report in dir as changeover-<run>.md, .html and .json and returns the path of the first. Files of
// that name are replaced, each as a whole; only their owner can read them.
func WriteFiles(dir string, r Report) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the directory for the report: %w", err)
	}
	base := filepath.Join(dir, "changeover-"+r.Run)
	if err := writeFile(base+".json", r.JSON); err != nil {
		return "", err
	}
	if err := writeFile(base+".html", r.HTML); err != nil {
		return "", err
	}
	return base + ".md", writeFile(base+".md", r.Markdown)
}

func writeFile(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".report-")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // finds nothing after the rename
	if err := write(tmp); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Sync(); err != nil {
		return errors.Join(fmt.Errorf("writing the report: %w", err), tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
