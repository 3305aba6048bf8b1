package pgxfer

import "context"

// Vouch is what a caller knows of the source that an engine cannot find out: that nobody has written to it. Its zero value vouches for nothing.
//
// An engine goes on with an interrupted attempt only while the source is what it was. By the numbers of transactions alone it cannot tell
// an ANALYZE of autovacuum from a writer, and on a follower nobody can.
type Vouch struct {
	// ID names the proof, never empty where Same is set: two proofs, or two sources, have different ones. It is kept with an attempt, and Same
	// is asked only about an attempt that began under this very proof.
	ID string
	// Same is asked when transactions were counted since the earlier attempt has taken its snapshot, and may be asked more than once. nil
	// means: since some moment before that snapshot was taken, no row (large objects included), no definition and no position of a sequence
	// was changed in the database that is read, by transactions committed and seen or still on their way; the source is a copy of that very
	// database, and whatever it shows from now on includes all that was in it at that moment. Rows may have been moved by nothing either:
	// what VACUUM and ANALYZE do is no change, what rewrites a table is.
	//
	// An error that is [ErrSourceChanged] means that the earlier attempt is void. After any other nobody knows: the transfer ends with it, and
	// leaves the earlier attempt as it is.
	Same func(ctx context.Context) error `json:"-"`
}
