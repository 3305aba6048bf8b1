package meter

import (
	"time"

	"changeover/pgxfer"
)

// Board keeps the workers of one attempt. It belongs to one goroutine.
type Board struct {
	slots []slot
}

type slot struct {
	key    string // session holding the slot; empty when free
	seen   bool   // in the present round
	worker pgxfer.Worker
	rate   Rate
}

// Begin starts a round of samples: sessions not shown until [Board.Workers] have ended.
func (b *Board) Begin() {
	for i := range b.slots {
		b.slots[i].seen = false
	}
}

// Show notes what the session called key does now. It keeps its number as long as it lives; afterwards another may take it over.
func (b *Board) Show(at time.Time, key string, w pgxfer.Worker) {
	s := b.slot(key)
	s.seen = true
	old := s.worker
	w.ID = old.ID
	if old.Kind != w.Kind || old.Object != w.Object || old.Part != w.Part {
		w.Started, w.Moved = at, at
		s.rate = Rate{}
	} else {
		w.Started, w.Moved = old.Started, old.Moved
		if old.Phase == w.Phase { // a new phase counts something else
			w.Bytes.Done, w.Rows.Done = max(w.Bytes.Done, old.Bytes.Done), max(w.Rows.Done, old.Rows.Done)
		}
		if w.Bytes.Done != old.Bytes.Done || w.Rows.Done != old.Rows.Done || w.Blocks.Done != old.Blocks.Done || w.Phase != old.Phase {
			w.Moved = at
		}
	}
	w.Bytes, w.Rows, w.Blocks = unfinished(w.Bytes), unfinished(w.Rows), unfinished(w.Blocks)
	s.rate.Add(at, w.Bytes.Done)
	w.Rate = s.rate.PerSecond()
	s.worker = w
}

// unfinished keeps a count that reached its total one short of it: what a worker still shows is not finished before the server said so.
func unfinished(c pgxfer.Count) pgxfer.Count {
	if c.Total > 0 && c.Done >= c.Total {
		c.Done = c.Total - 1
	}
	return c
}

// slot finds the session's slot, or gives it the lowest free one.
func (b *Board) slot(key string) *slot {
	free := -1
	for i := range b.slots {
		if b.slots[i].key == key {
			return &b.slots[i]
		}
		if b.slots[i].key == "" && free < 0 {
			free = i
		}
	}
	if free < 0 {
		b.slots = append(b.slots, slot{worker: pgxfer.Worker{ID: len(b.slots) + 1}})
		free = len(b.slots) - 1
	}
	b.slots[free].key = key
	return &b.slots[free]
}

// Workers ends the round and lists all workers by number. One whose session has ended is idle.
func (b *Board) Workers() []pgxfer.Worker {
	list := make([]pgxfer.Worker, len(b.slots))
	for i := range b.slots {
		s := &b.slots[i]
		if !s.seen {
			s.key, s.rate = "", Rate{}
			s.worker = pgxfer.Worker{ID: s.worker.ID}
		}
		list[i] = s.worker
	}
	return list
}
