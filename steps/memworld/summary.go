package memworld

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Summary is what must not depend on what died when: what there is, and how often each thing was brought about.
type Summary struct {
	Databases   []string // name, plan, whom it follows, what it lacks
	Attachments []string
	Apps        []string
	Archives    []string
	Machine     string
	Changes     map[string]int
}

// Summary of the world as it is now.
func (w *World) Summary() Summary {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Summary{Machine: fmt.Sprintf("%+v", w.s.Machine), Changes: maps.Clone(w.s.Counts)}
	maps.DeleteFunc(s.Changes, func(what string, _ int) bool { return repeatable(what) })
	names := map[string]string{"": "nobody"}
	for _, a := range w.s.Addons {
		names[a.ID] = a.Name
	}
	for _, a := range w.s.Addons {
		if a.alive() {
			s.Databases = append(s.Databases, fmt.Sprintf("%s %s follows %s, %d tables, loaded %t", a.Name, a.Plan, names[a.Leader], a.Tables, a.Loaded))
		}
	}
	for _, at := range w.s.Attachments {
		s.Attachments = append(s.Attachments, fmt.Sprintf("%s/%s %s", at.App, at.Name, names[at.Addon]))
	}
	for _, name := range w.appNames() {
		a := w.s.Apps[name]
		s.Apps = append(s.Apps, fmt.Sprintf("%s maintenance %t %v, writes held by %s: all %t", name, a.Maintenance, a.Formation, names[w.serving(name)], w.complete(name)))
	}
	for dir, a := range w.s.Archives {
		s.Archives = append(s.Archives, fmt.Sprintf("%s complete %t", filepath.Base(dir), a.Complete))
	}
	for _, list := range []*[]string{&s.Databases, &s.Attachments, &s.Archives} {
		slices.Sort(*list)
	}
	return s
}

// repeatable says whether a change is work on the box or of the transfer engine, which may be done over.
func repeatable(what string) bool {
	verb, _, _ := strings.Cut(what, " ")
	return slices.Contains([]string{"begin", "finish", "discard", "empty", "prepare", "give"}, verb)
}

func (w *World) complete(app string) bool {
	a := w.byID(w.serving(app))
	return a != nil && a.Loaded && a.Rows.all(w.s.Acked)
}
