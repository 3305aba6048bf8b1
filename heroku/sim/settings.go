package sim

import (
	"maps"
	"slices"
)

type settingJSON struct {
	Value   any            `json:"value"`
	Default any            `json:"default"`
	Desc    string         `json:"desc"`
	Values  map[string]any `json:"values"`
}

var defaultSettings = map[string]settingJSON{
	"log_lock_waits":             {Value: true, Default: true, Desc: "Delay-detecting locks are logged", Values: map[string]any{"true": "Log when a deadlock might happen", "false": "Do not log"}},
	"log_connections":            {Value: true, Default: true, Desc: "Connections are logged", Values: map[string]any{"true": "Log", "false": "Do not log"}},
	"log_statement":              {Value: "ddl", Default: "ddl", Desc: "Which statements are logged", Values: map[string]any{"none": "None", "ddl": "Data definition", "mod": "Data changes", "all": "All"}},
	"log_min_duration_statement": {Value: 2000, Default: 2000, Desc: "Slow statements are logged (ms)", Values: map[string]any{}},
	"auto_explain":               {Value: false, Default: false, Desc: "Plans of slow statements are logged", Values: map[string]any{"true": "Log", "false": "Do not log"}},
}

func newSettings() map[string]any {
	m := map[string]any{}
	for name, d := range defaultSettings {
		m[name] = d.Value
	}
	return m
}

func (d *addon) settingsJSON() map[string]settingJSON {
	m := maps.Clone(defaultSettings)
	for name, v := range d.settings {
		j := m[name]
		j.Value = v
		m[name] = j
	}
	return m
}

func (s *Server) getSettings(r *request) (reply, error) {
	d, err := s.productionDatabase(r)
	if err != nil {
		return reply{}, err
	}
	return ok(d.settingsJSON()), nil
}

func (s *Server) patchSettings(r *request) (reply, error) {
	d, err := s.productionDatabase(r)
	if err != nil {
		return reply{}, err
	}
	var in map[string]any
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if _, known := defaultSettings[name]; !known {
			return reply{}, unprocessable("%s is not a setting.", name)
		}
	}
	maps.Copy(d.settings, in)
	return ok(d.settingsJSON()), nil
}

// productionDatabase refuses Essential databases.
func (s *Server) productionDatabase(r *request) (*addon, error) {
	d, err := s.databaseOf(r)
	if err != nil {
		return nil, err
	}
	if d.plan.essential() {
		return nil, unprocessable("You can't perform this operation on Essential-tier databases.")
	}
	return d, nil
}
