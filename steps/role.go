package steps

// Role is what a database is for in a run. Code, screens and logs use these words and no others.
type Role string

// The roles, in the order in which they come to life.
const (
	OldPrimary    Role = "old-primary"    // exists before the run; it is never deleted unless asked for
	FastFollower  Role = "fast-follower"  // step 1: high-performance follower of old-primary, the source of the dump
	FastPrimary   Role = "fast-primary"   // step 5: temporary high-performance primary, the target of the restore
	FinalPrimary  Role = "final-primary"  // step 7: follower of fast-primary, promoted in step 9
	FinalFollower Role = "final-follower" // step 11: follower of final-primary, for emergencies
)

// Roles lists every role in order.
var Roles = []Role{OldPrimary, FastFollower, FastPrimary, FinalPrimary, FinalFollower}

// Ours says whether the run makes this database, and may therefore destroy it.
func (r Role) Ours() bool { return r != OldPrimary }

// Leader is the role this one follows when it is created; empty for primaries.
func (r Role) Leader() Role {
	switch r {
	case FastFollower:
		return OldPrimary
	case FinalPrimary:
		return FastPrimary
	case FinalFollower:
		return FinalPrimary
	default:
		return ""
	}
}
