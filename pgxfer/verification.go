package pgxfer

import "time"

// Levels of a verification. Sequences and the definitions of everything are compared at each.
const (
	// LevelRows counts the rows of each table, and the large objects. It is quick, and finds nothing that was changed in a row.
	LevelRows = "rows"
	// LevelDigest reads every value of both databases.
	LevelDigest = "digest"
)

// VerifyOptions says which two databases must hold the same.
type VerifyOptions struct {
	Source, Target Endpoint
	// Leader as in DumpOptions: the truth about sequences. Zero means Source.
	Leader Endpoint
	// Level is how much is read: [LevelDigest], which empty means too, or [LevelRows].
	Level string
	// Jobs is the number of tables compared at once, at least 1.
	Jobs int
	// Tag as in DumpOptions.
	Tag string
}

// Verification is the outcome of comparing two databases; it passed when Differences is empty.
type Verification struct {
	Level        string        `json:"level"`
	Tables       int           `json:"tables"`
	Rows         int64         `json:"rows"` // rows on the source
	Sequences    int           `json:"sequences"`
	LargeObjects int64         `json:"large_objects"`
	Differences  []Difference  `json:"differences"`
	Took         time.Duration `json:"took"`
}

// Difference is one thing that is not the same on both sides.
type Difference struct {
	Kind   string `json:"kind"` // "rows", "digest", "missing", "extra", "sequence", "large objects", "definition"
	Object string `json:"object"`
	Source string `json:"source,omitempty"`
	Target string `json:"target,omitempty"`
}
