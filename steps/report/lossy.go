package report

import (
	"fmt"
	"time"

	"changeover/pgxfer/pgserver"
	"changeover/steps"
)

// Lossy is the way back from behind a point of no return.
type Lossy struct {
	Began time.Time  `json:"began"`
	Ended time.Time  `json:"ended,omitzero"` // absent while production is not back
	From  steps.Role `json:"from"`           // the database that holds what was lost
	Name  string     `json:"name"`
	Since time.Time  `json:"since"` // when the app began to write what is lost
	// Tables are those written to since, the most written first; empty also when that could not be counted.
	Tables []pgserver.TableWrites `json:"tables"`
	// Unknown says why the count is not the whole truth.
	Unknown   string `json:"unknown,omitempty"`
	OldWrites string `json:"old_writes,omitempty"` // who wrote to old-primary meanwhile
}

func makeLossy(f *steps.Facts) *Lossy {
	lossy, ok := steps.FactLossy.Get(f)
	if !ok {
		return nil
	}
	db, _ := steps.FactDatabase(lossy.From).Get(f)
	l := &Lossy{
		Began: lossy.Began, Ended: lossy.Ended, From: lossy.From, Name: db.Name, Since: lossy.Loss.Since,
		Tables: orEmpty(lossy.Loss.Tables), Unknown: lossy.Loss.Unknown, OldWrites: lossy.OldWrites,
	}
	if lossy.Counted.IsZero() {
		l.Unknown = "it has not been counted yet"
	}
	for i := range l.Tables {
		clean(&l.Tables[i].Table)
	}
	clean(&l.Unknown)
	clean(&l.OldWrites)
	return l
}

func (m *markdown) lossy(r Report) {
	l := r.Lossy
	if l == nil {
		return
	}
	m.heading("Lost by going back")
	state := "is not back yet"
	if !l.Ended.IsZero() {
		state = "was back at " + stamp(l.Ended)
	}
	m.line("At %s somebody decided to go back to old-primary although the app would lose writes; production %s.", stamp(l.Began), state)
	m.line("What the app has written since %s is in %s (%s) and nowhere else.\n", stamp(l.Since), l.From, escape(l.Name))
	if l.Unknown != "" {
		m.line("**The count is not the whole truth: %s.**\n", escape(l.Unknown))
	}
	if l.OldWrites != "" {
		m.line("**old-primary was not as it had been left: %s.**\n", escape(l.OldWrites))
	}
	if len(l.Tables) == 0 {
		m.line("No written row was counted.")
		return
	}
	m.head("Table", "Inserted:", "Updated:", "Deleted:")
	for _, t := range l.Tables {
		m.row(t.Table, fmt.Sprint(t.Inserted), fmt.Sprint(t.Updated), fmt.Sprint(t.Deleted))
	}
}
