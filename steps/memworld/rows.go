package memworld

import "slices"

// rows are the acknowledged writes of the app that a database holds, as spans of their numbers, in order.
type rows []span

type span struct{ From, To int64 }

// with is the rows and one more, newer than all.
func (r rows) with(n int64) rows {
	if last := len(r) - 1; last >= 0 && r[last].To == n-1 {
		r = slices.Clone(r)
		r[last].To = n
		return r
	}
	return append(slices.Clone(r), span{n, n})
}

// all says whether these are the rows 1 to n, none missing.
func (r rows) all(n int64) bool {
	return n == 0 && len(r) == 0 || len(r) == 1 && r[0] == span{1, n}
}

func (r rows) count() (n int64) {
	for _, s := range r {
		n += s.To - s.From + 1
	}
	return n
}

// write is a row that the app writes to the database it knows, which acknowledges it when it can.
func (w *World) write(id string) {
	a := w.byID(id)
	if a == nil || !a.provisioned() || a.Leader != "" || w.recovering(a) {
		return // the app gets an error; whether that may be is for watch to say
	}
	w.s.Acked++
	a.Rows, a.Xid = a.Rows.with(w.s.Acked), a.Xid+1
}
