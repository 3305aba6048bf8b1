package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// environment is what a process that starts now gets: the app's own variables and those of
// attachments whose database is there.
func (a *app) environment() map[string]string {
	env := maps.Clone(a.config)
	for name, at := range a.vars {
		if url, has := at.url(); has {
			env[name] = url
		}
	}
	return env
}

func (s *Server) getConfigVars(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(a.environment()), nil
}

// patchConfigVars sets and, with null, removes variables. Those of attachments cannot be touched here.
func (s *Server) patchConfigVars(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	var in map[string]*string
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	names := slices.Sorted(maps.Keys(in))
	for _, name := range names {
		at, owned := a.vars[name]
		switch {
		case owned && in[name] == nil:
			return reply{}, invalidParams("Cannot destroy last attachment to billing app for resource %s", at.addon.name)
		case owned:
			return reply{}, invalidParams("Cannot overwrite attachment values %s.", name)
		}
	}
	var set, unset []string
	for _, name := range names {
		if in[name] == nil {
			delete(a.config, name)
			unset = append(unset, name)
			continue
		}
		a.config[name] = *in[name]
		set = append(set, name)
	}
	var parts []string
	for verb, list := range map[string][]string{"Set": set, "Unset": unset} {
		if len(list) > 0 {
			parts = append(parts, fmt.Sprintf("%s %s config vars", verb, strings.Join(list, ", ")))
		}
	}
	slices.Sort(parts)
	if len(parts) > 0 {
		s.release(a, releaseSpec{description: strings.Join(parts, "; ")})
	}
	return ok(a.environment()), nil
}
