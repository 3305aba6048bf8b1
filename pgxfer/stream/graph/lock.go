package graph

// Mode is a table lock of the server, weakest first.
type Mode uint8

// The modes that the work of a transfer takes (PostgreSQL manual, "Table-Level Locks").
const (
	AccessShare Mode = iota
	RowShare
	RowExclusive
	ShareUpdateExclusive
	Share
	ShareRowExclusive
	Exclusive
	AccessExclusive
)

// conflicts has a bit for every mode that cannot be held by somebody else at the same time.
var conflicts = [...]uint8{
	AccessShare:          1 << AccessExclusive,
	RowShare:             1<<Exclusive | 1<<AccessExclusive,
	RowExclusive:         1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	ShareUpdateExclusive: 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	Share:                1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	ShareRowExclusive:    1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	Exclusive:            0xff &^ (1 << AccessShare),
	AccessExclusive:      0xff,
}

// Conflicts says whether two sessions can not hold these modes on one table at once.
func (m Mode) Conflicts(other Mode) bool { return conflicts[m]&(1<<other) != 0 }

// Lock is a lock on one table, named by any number the caller likes.
type Lock struct {
	Table uint32
	Mode  Mode
}

// held counts the locks of everything that runs.
type held map[Lock]int

// free says whether all locks could be had at once.
func (h held) free(want []Lock) bool {
	for _, l := range want {
		for mode := AccessShare; mode <= AccessExclusive; mode++ {
			if l.Mode.Conflicts(mode) && h[Lock{l.Table, mode}] > 0 {
				return false
			}
		}
	}
	return true
}

func (h held) take(locks []Lock) {
	for _, l := range locks {
		h[l]++
	}
}

func (h held) give(locks []Lock) {
	for _, l := range locks {
		if h[l]--; h[l] == 0 {
			delete(h, l)
		}
	}
}
