package plan

import "changeover/pgxfer/pgserver"

// State is the source as a plan has found it: what must be the same again for an interrupted attempt to go on.
type State struct {
	// Snapshot is the state of all transactions that the pieces show (pg_current_snapshot).
	Snapshot string `json:"snapshot"`
	// Position is how far the source had written or replayed just after that snapshot was taken.
	Position pgserver.LSN `json:"position,omitempty"`
	// Timeline is 0 where the role may not ask.
	Timeline uint32 `json:"timeline,omitempty"`
	// Vouched is the ID of the [pgxfer.Vouch] under which the snapshot was taken, empty for none.
	Vouched string `json:"vouched,omitempty"`
	// Baseline was taken before the snapshot, on a leader that nobody vouches for; nil where it could tell nothing.
	Baseline *pgserver.Baseline `json:"baseline,omitempty"`
}
