package sim

import "strings"

// resolveAttachments answers with every attachment a fuzzy name can mean: name, config var, id, add-on.
func (s *Server) resolveAttachments(r *request) (reply, error) {
	var in struct {
		Attachment string  `json:"addon_attachment"`
		App        *string `json:"app"`
		Service    string  `json:"addon_service"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	a, name, err := s.resolveApp(in.App, in.Attachment)
	if err != nil {
		return reply{}, err
	}
	var list []any
	for _, at := range s.attachments {
		inApp := a == nil || at.app == a
		if inApp && (at.named(name) || at.id == name || at.addon.name == name || at.addon.id == name) {
			list = append(list, s.attachmentJSON(r, at))
		}
	}
	if len(list) == 0 {
		return reply{}, attachmentNotFound()
	}
	return ok(list), nil
}

// resolveAddons answers with every add-on a fuzzy name can mean: its name or id, or an attachment of the app.
func (s *Server) resolveAddons(r *request) (reply, error) {
	var in struct {
		Addon string  `json:"addon"`
		App   *string `json:"app"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	a, name, err := s.resolveApp(in.App, in.Addon)
	if err != nil {
		return reply{}, err
	}
	if d, found := s.findAddon(name); found {
		return ok([]addonJSON{s.addonJSON(r, d)}), nil
	}
	var list []addonJSON
	seen := map[*addon]bool{}
	for _, at := range s.attachments {
		if a != nil && at.app == a && at.named(name) && !seen[at.addon] {
			seen[at.addon] = true
			list = append(list, s.addonJSON(r, at.addon))
		}
	}
	if len(list) == 0 {
		return reply{}, addonNotFound()
	}
	return ok(list), nil
}

// resolveApp takes apart app::name, where the app in the name wins.
func (s *Server) resolveApp(given *string, name string) (*app, string, error) {
	if other, rest, qualified := strings.Cut(name, "::"); qualified {
		given, name = &other, rest
	}
	if given == nil || *given == "" {
		return nil, name, nil
	}
	a, found := s.findApp(*given)
	if !found {
		return nil, name, appNotFound()
	}
	return a, name, nil
}
