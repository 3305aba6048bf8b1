package pgxfer

import "time"

// VerifyOptions says which two databases must hold the same.
type VerifyOptions struct {
	Source, Target Endpoint
	// Leader as in DumpOptions: the truth about sequences. Zero means Source.
	Leader Endpoint
	// Jobs is the number of tables compared at once, at least 1.
	Jobs int
	// Tag as in DumpOptions.
	Tag string
}

// Verification is the outcome of comparing two databases; it passed when Differences is empty.
type Verification struct {
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
