package piece

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/plan"
)

// Manifest vouches for a complete archive. It is written last.
type Manifest struct {
	Format  int       `json:"format"`
	Engine  string    `json:"engine"`
	Created time.Time `json:"created"`
	Plan    string    `json:"plan"` // SHA-256 of plan.json
	// Sequences are positions read from the leader after the snapshot was taken.
	Sequences []pgserver.Sequence `json:"sequences"`
	// ExtensionSequences are those of them that extensions made.
	ExtensionSequences []pgserver.ExtensionSequence `json:"extension_sequences,omitempty"`
	Entries            []Entry                      `json:"entries"`
}

// Format is the format of the archive that this program writes.
const Format = 1

// Write puts it in place. From then on the archive is complete. It returns the SHA-256 of the file.
func (m *Manifest) Write(dir string) (string, error) {
	m.Format = Format
	raw, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return "", fmt.Errorf("writing the manifest: %w", err)
	}
	return plan.Hash(raw), WriteDurably(dir, ManifestName, raw, 0o600)
}

// ReadManifest reads it and returns its SHA-256. Without one the dump was not finished: the error wraps [pgxfer.ErrArchive].
func ReadManifest(dir string) (*Manifest, string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("%w: %s has no %s, so its dump was never finished; dump again", pgxfer.ErrArchive, dir, ManifestName)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the manifest: %w", err)
	}
	m := &Manifest{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, "", fmt.Errorf("%w: its manifest cannot be read (%w); dump again", pgxfer.ErrArchive, err)
	}
	if m.Format != Format {
		return nil, "", fmt.Errorf("%w: its format %d is not the one this program writes (%d)", pgxfer.ErrArchive, m.Format, Format)
	}
	return m, plan.Hash(raw), nil
}

// ReadPlan reads the plan, and its hash, which names it.
func ReadPlan(dir string) (*plan.Plan, string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, PlanName))
	if err != nil {
		return nil, "", fmt.Errorf("%w: %s cannot be read (%w); dump again", pgxfer.ErrArchive, PlanName, err)
	}
	p, err := plan.Decode(raw)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w; dump again", pgxfer.ErrArchive, err)
	}
	return p, plan.Hash(raw), nil
}
