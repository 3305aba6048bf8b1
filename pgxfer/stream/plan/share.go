package plan

import "strings"

// shared keeps strings once that occur over and over: tens of thousands of tables are of a few schemas, and most have columns that others have.
type shared struct {
	texts map[string]string
	lists map[string][]string
}

func newShared() shared { return shared{map[string]string{}, map[string][]string{}} }

func (s shared) text(t *string) {
	if same, ok := s.texts[*t]; ok {
		*t = same
		return
	}
	s.texts[*t] = *t
}

func (s shared) list(l *[]string) {
	if *l == nil {
		return
	}
	key := strings.Join(*l, "\x00") // which no name can hold
	if same, ok := s.lists[key]; ok && len(same) == len(*l) {
		*l = same
		return
	}
	for i := range *l {
		s.text(&(*l)[i])
	}
	s.lists[key] = *l
}

// share makes equal strings of the plan the same.
func (p *Plan) share() {
	s := newShared()
	for i := range p.Tables {
		s.table(&p.Tables[i])
	}
	for i := range p.Indexes {
		s.index(&p.Indexes[i])
	}
	for i := range p.Constraints {
		s.constraint(&p.Constraints[i])
	}
}

func (s shared) table(t *Table) {
	s.text(&t.Schema)
	s.list(&t.Columns)
}

func (s shared) index(x *Index) {
	s.text(&x.Schema)
	s.text(&x.Method)
}

func (s shared) constraint(c *Constraint) {
	s.text(&c.Type)
	s.text(&c.Deferred)
}
