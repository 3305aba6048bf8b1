package cli

import (
	"fmt"
	"strings"

	"changeover/pgxfer/localpg"
)

// pair is between which servers a rehearsal moves.
type pair struct {
	from, to localpg.Installation
	// offered are all the simulated Heroku offers, its default first.
	offered []localpg.Installation
}

// majors are the majors offered.
func (p pair) majors() []int {
	var majors []int
	for _, i := range p.offered {
		majors = append(majors, i.Major)
	}
	return majors
}

// choosePair picks two installed majors: those asked for, or the newest two, or the same one twice.
func choosePair(from, to int) (pair, error) {
	all, err := localpg.Installations()
	if err != nil {
		return pair{}, err
	}
	servers, err := localpg.Servers(all)
	if err != nil {
		return pair{}, err
	}
	var majors []string
	for _, s := range servers {
		majors = append(majors, fmt.Sprint(s.Major))
	}
	find := func(major int) (localpg.Installation, error) {
		for _, s := range servers {
			if s.Major == major {
				return s, nil
			}
		}
		return localpg.Installation{}, fmt.Errorf("%w: there is no PostgreSQL %d server here; installed: %s; name another or install postgresql-%d",
			localpg.ErrNotInstalled, major, strings.Join(majors, ", "), major)
	}
	p := pair{to: servers[0], from: servers[min(1, len(servers)-1)], offered: servers}
	if to != 0 {
		if p.to, err = find(to); err != nil {
			return pair{}, err
		}
		// The newest that is not newer than the target.
		p.from = p.to
		for _, s := range servers {
			if s.Major < to {
				p.from = s
				break
			}
		}
	}
	if from != 0 {
		if p.from, err = find(from); err != nil {
			return pair{}, err
		}
	}
	return p, nil
}
