// Package piece keeps the pieces of a transfer on disk: one file each, complete as soon as it is listed.
//
// Beside the files grows a journal of what is there, so that another process can load each piece while the next is still being read.
// The manifest comes last and vouches for all of it.
package piece

import (
	"fmt"
	"path"

	"changeover/pgxfer/stream/plan"
)

// Names within the archive directory.
const (
	PlanName     = "plan.json"
	JournalName  = "manifest.jsonl"
	ManifestName = "manifest.json"
	ScriptName   = "restore.sh"
	SchemaName   = "schema" // pg_dump's directory
	DataName     = "data"
	lockName     = "writing.lock"
	partSuffix   = ".part"
)

// Entry is one complete file, and what is in it.
type Entry struct {
	// Item names what the file holds: see [Item], [LargeItem] and [SchemaItem].
	Item   string `json:"item"`
	File   string `json:"file"` // within the archive, with forward slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"` // COPY bytes before compression
}

// SchemaItem is the item of pg_dump's table of contents.
const SchemaItem = "schema"

// ScriptItem is the item of restore.sh.
const ScriptItem = "script"

// Item names piece n of a table.
func Item(table uint32, n int) string { return fmt.Sprintf("data/%d/%d", table, n) }

// LargeItem names batch n of large objects.
func LargeItem(n int) string { return fmt.Sprintf("large/%d", n) }

// FileOf is where an item lies. The suffix tells people, and the tools of restore.sh, what is in it.
func FileOf(item string, p *plan.Plan) string {
	if path.Dir(item) == "large" {
		item = DataName + "/" + item
	}
	return item + ".copy" + suffixes[p.Compression]
}
