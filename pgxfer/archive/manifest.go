package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// Manifest says what an archive must hold, and where it came from.
type Manifest struct {
	Format      int       `json:"format"`
	Engine      string    `json:"engine"`
	Created     time.Time `json:"created"` // when the dump was complete
	Source      Source    `json:"source"`
	Tools       string    `json:"tools"`       // version of pg_dump
	ToolsMajor  int       `json:"tools_major"` // pg_restore must not be older
	Compression string    `json:"compression"`
	Entries     int       `json:"entries"` // in the table of contents

	Tables []Table `json:"tables"`
	// Sequences are positions read from the leader after the dump.
	Sequences []pgserver.Sequence `json:"sequences"`
	// Extensions as installed on the source; on the target they may live in another schema.
	Extensions []pgserver.Extension `json:"extensions"`
	// Indexes are sizes on the source: only a measure of how much work building them is.
	Indexes []Index          `json:"indexes"`
	Skipped []pgxfer.Skipped `json:"skipped,omitempty"`
	Files   []File           `json:"files"`

	// Checksum is the SHA-256 of the manifest with this field empty.
	Checksum string `json:"checksum"`
}

// Source is the database as it was when the dump began.
type Source struct {
	Version   pgserver.Version `json:"version"`
	Follower  bool             `json:"follower"`
	LSN       pgserver.LSN     `json:"lsn"`
	Xid       uint64           `json:"xid"`
	SystemID  uint64           `json:"system_id,omitempty"`
	Encoding  string           `json:"encoding"`
	Collation string           `json:"collation"`
}

// Table is one table's data.
type Table struct {
	ID     int    `json:"id"` // entry in the table of contents
	OID    uint32 `json:"oid"`
	Schema string `json:"schema"`
	Name   string `json:"name"`
	File   string `json:"file"`  // within the archive
	Rows   int64  `json:"rows"`  // counted in the file
	Bytes  int64  `json:"bytes"` // of COPY text, uncompressed
}

// Index is one index on the source.
type Index struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
}

// File is one file of the archive.
type File struct {
	Path   string `json:"path"` // within the archive, with forward slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Rows is the sum over all tables.
func (m *Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// Bytes is the sum of COPY text over all tables.
func (m *Manifest) Bytes() (n int64) {
	for _, t := range m.Tables {
		n += t.Bytes
	}
	return n
}

// Size is the sum of all files.
func (m *Manifest) Size() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Write puts the manifest in place, durably, and returns the SHA-256 of the file. From then on the archive is complete.
func (m *Manifest) Write(dir string) (string, error) {
	m.Format = format
	sum, err := m.checksum()
	if err != nil {
		return "", err
	}
	m.Checksum = sum
	raw, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return "", fmt.Errorf("writing the manifest: %w", err)
	}
	// The data must be on disk before the file that vouches for it; pg_dump has synced what it wrote.
	if err := writeDurably(dir, manifestName, raw); err != nil {
		return "", err
	}
	return hexSum(raw), nil
}

func (m *Manifest) checksum() (string, error) {
	bare := *m
	bare.Checksum = ""
	raw, err := json.Marshal(bare)
	if err != nil {
		return "", fmt.Errorf("summing up the manifest: %w", err)
	}
	return hexSum(raw), nil
}

// ReadManifest reads the manifest and returns its SHA-256. It does not look at the files it names: [Check] does.
// Without a manifest the dump was not finished, and the error wraps [pgxfer.ErrArchive].
func ReadManifest(dir string) (*Manifest, string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("%w: %s has no %s, so its dump was never finished; dump again", pgxfer.ErrArchive, dir, manifestName)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, "", fmt.Errorf("%w: its manifest cannot be read (%w); dump again", pgxfer.ErrArchive, err)
	}
	if m.Format != format {
		return nil, "", fmt.Errorf("%w: its format %d is not the one this program writes (%d)", pgxfer.ErrArchive, m.Format, format)
	}
	sum, err := m.checksum()
	if err != nil {
		return nil, "", err
	}
	if sum != m.Checksum {
		return nil, "", fmt.Errorf("%w: its manifest was changed; dump again", pgxfer.ErrArchive)
	}
	return &m, hexSum(raw), nil
}

func hexSum(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
