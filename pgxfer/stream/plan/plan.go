// Package plan decides, once and for good, in which pieces a database is read and written.
//
// The plan is made inside the snapshot and never changed: a piece is the same rows whoever reads it and whenever. What was read and
// what was loaded is known by piece, so an interrupted transfer goes on with those that are missing.
package plan

import (
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
)

// Plan is everything known of the source before the first row is read.
type Plan struct {
	Source   archive.Source `json:"source"`
	Database string         `json:"database"`
	State
	BlockSize   int64  `json:"block_size"`
	Tools       string `json:"tools"`       // version of pg_dump
	ToolsMajor  int    `json:"tools_major"` // pg_restore must not be older
	Compression string `json:"compression"` // "none", "lz4" or "zstd"

	Tables       []Table              `json:"tables,omitempty"` // the longest way to the end first
	LargeObjects []LargeObjects       `json:"large_objects,omitempty"`
	Comments     []LargeObjectComment `json:"large_object_comments,omitempty"`
	Parents      []Parent             `json:"parents,omitempty"`
	Indexes      []Index              `json:"indexes,omitempty"`
	Constraints  []Constraint         `json:"constraints,omitempty"`
	Matviews     []Matview            `json:"matviews,omitempty"` // populated ones, in an order in which they can be refreshed
	Extensions   []pgserver.Extension `json:"extensions,omitempty"`
	Skipped      []pgxfer.Skipped     `json:"skipped,omitempty"`
}

// Table is a table with rows of its own: an ordinary one, or a partition that is not divided further.
type Table struct {
	OID      uint32   `json:"oid"`
	Schema   string   `json:"schema"`
	Name     string   `json:"name"`
	Filenode uint32   `json:"filenode"` // another number means rewritten: row positions moved
	Heap     int64    `json:"heap"`     // bytes
	Toast    int64    `json:"toast"`    // bytes
	Columns  []string `json:"columns"`  // without generated ones
	// Root is the topmost partitioned table it belongs to, 0 for none.
	Root uint32 `json:"root,omitempty"`
	// Binary says that rows travel in COPY's binary format.
	Binary bool `json:"binary,omitempty"`
	// Batch is the number of the batch of small tables it travels in, 0 for none.
	Batch int `json:"batch,omitempty"`
	// Config is set for a table that an extension made; nil for those of the user.
	Config *Config `json:"config,omitempty"`
	// Key is what pieces are ranges of, nil where they are ranges of pages.
	Key    *Key    `json:"key,omitempty"`
	Pieces []Piece `json:"pieces"`

	ranges [][]string // of the key, where all pieces but the first could begin
}

// Piece is some of a table's rows: those on pages from Lo up to, but not including, Hi. Both 0 means all rows; Hi 0 alone, to the end.
// Or those with a key from From up to, but not including, To; one of the two missing means from the first, or to the last.
type Piece struct {
	Lo    int64    `json:"lo,omitempty"`
	Hi    int64    `json:"hi,omitempty"`
	From  []string `json:"from,omitempty"`
	To    []string `json:"to,omitempty"`
	Bytes int64    `json:"bytes"` // on disk, as a measure of the work
}

// Split says whether the table is read in several pieces.
func (t Table) Split() bool { return len(t.Pieces) > 1 }

// Bytes is what the table takes on the source without indexes.
func (t Table) Bytes() int64 { return t.Heap + t.Toast }

// SQLName is schema.name, quoted.
func (t Table) SQLName() string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

// PieceName is what people call piece n.
func (t Table) PieceName() string { return t.Schema + "." + t.Name }

// LargeObjects are those with numbers from Lo to Hi, both included.
type LargeObjects struct {
	Lo    uint32 `json:"lo"`
	Hi    uint32 `json:"hi"`
	Count int    `json:"count"`
}

// LargeObjectComment is a comment on a large object.
type LargeObjectComment struct {
	OID  uint32 `json:"oid"`
	Text string `json:"text"`
}

// Parent is a table without rows of its own.
type Parent struct {
	OID    uint32   `json:"oid"`
	Schema string   `json:"schema"`
	Name   string   `json:"name"`
	Root   uint32   `json:"root"` // itself when topmost
	Leaves []uint32 `json:"leaves,omitempty"`
}

// Index is an index of a table, of a materialized view, or of a partitioned table.
type Index struct {
	OID    uint32 `json:"oid"`
	Table  uint32 `json:"table"`
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Method string `json:"method"` // such as "btree"
	Bytes  int64  `json:"bytes"`
	// Def is how the server prints it, of those that a key may take over: see [Constraint].
	Def   string `json:"def,omitempty"`
	Valid bool   `json:"valid"`
}

// Constraint is a key, an exclusion or a foreign key.
type Constraint struct {
	OID      uint32 `json:"oid"`
	Type     string `json:"type"` // "p", "u", "x" or "f"
	Name     string `json:"name"`
	Table    uint32 `json:"table"`
	Other    uint32 `json:"other,omitempty"` // referenced table
	Index    uint32 `json:"index,omitempty"`
	Valid    bool   `json:"valid"`
	Deferred string `json:"deferred,omitempty"` // what follows USING INDEX, such as "DEFERRABLE INITIALLY DEFERRED"
	// Plain says that it must be made in one go: something about partitions, or without overlaps.
	Plain bool `json:"plain,omitempty"`
}

// Matview is a populated materialized view.
type Matview struct {
	OID    uint32 `json:"oid"`
	Schema string `json:"schema"`
	Name   string `json:"name"`
	// After are the materialized views that its query reads, also by way of other views.
	After []uint32 `json:"after,omitempty"`
}

// Bytes is the sum over all tables.
func (p *Plan) Bytes() (n int64) {
	for _, t := range p.Tables {
		n += t.Bytes()
	}
	return n
}
