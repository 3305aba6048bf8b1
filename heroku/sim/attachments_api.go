package sim

import (
	"encoding/json"
	"strings"
)

// named is how a caller refers to an app or add-on: an object with name or id, or the bare text.
type named string

func (n *named) UnmarshalJSON(raw []byte) error {
	var p planRef
	err := p.UnmarshalJSON(raw)
	*n = named(p)
	return err
}

var _ json.Unmarshaler = (*named)(nil)

func (s *Server) createAttachment(r *request) (reply, error) {
	var in struct {
		Addon     named   `json:"addon"`
		App       named   `json:"app"`
		Name      string  `json:"name"`
		Namespace *string `json:"namespace"`
		Confirm   string  `json:"confirm"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	a, found := s.findApp(string(in.App))
	if !found {
		return reply{}, appNotFound()
	}
	d, found := s.findAddon(string(in.Addon))
	if !found || d.state == stateDeprovisioning || d.state == stateDeprovisioned {
		return reply{}, addonNotFound()
	}
	namespace := ""
	if in.Namespace != nil {
		namespace = *in.Namespace
	}
	if name, is := strings.CutPrefix(namespace, "credential:"); is {
		if _, found := d.credential(name); !found {
			return reply{}, unprocessable("Could not find credential %s of %s.", name, d.name)
		}
	}
	at, err := s.plannedAttachment(a, d, in.Name, namespace, in.Confirm)
	if err != nil {
		return reply{}, err
	}
	s.attach(at)
	return created(s.attachmentJSON(r, at)), nil
}

// attachPool attaches the pooler of a database. The simulator has no pgbouncer: the URL leads to the server.
func (s *Server) attachPool(r *request) (reply, error) {
	d, err := s.databaseOf(r)
	if err != nil {
		return reply{}, err
	}
	in := struct {
		App        string `json:"app"`
		Credential string `json:"credential"`
		Name       string `json:"name"`
	}{Credential: "default"}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	a, found := s.findApp(in.App)
	if !found {
		return reply{}, appNotFound()
	}
	if in.Name == "" {
		in.Name = "DATABASE_CONNECTION_POOL"
	}
	at, err := s.plannedAttachment(a, d, in.Name, "connection-pooling:"+in.Credential, "")
	if err != nil {
		return reply{}, err
	}
	s.attach(at)
	return created(s.attachmentJSON(r, at)), nil
}

// attachmentOf is the attachment in the call's path: by id, or below an app also by name.
func (s *Server) attachmentOf(r *request) (*attachment, error) {
	want := r.PathValue("attachment")
	if r.PathValue("app") == "" {
		for _, at := range s.attachments {
			if at.id == want {
				return at, nil
			}
		}
		return nil, attachmentNotFound()
	}
	a, err := s.appOf(r)
	if err != nil {
		return nil, err
	}
	for _, at := range s.attachments {
		if at.app == a && (at.id == want || at.name == want) {
			return at, nil
		}
	}
	return nil, attachmentNotFound()
}

func (s *Server) getAttachment(r *request) (reply, error) {
	at, err := s.attachmentOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(s.attachmentJSON(r, at)), nil
}

func (s *Server) deleteAttachment(r *request) (reply, error) {
	at, err := s.attachmentOf(r)
	if err != nil {
		return reply{}, err
	}
	if s.lastBilling(at) {
		return reply{}, lastBillingRefusal(at)
	}
	j := s.attachmentJSON(r, at)
	s.detach(at)
	return ok(j), nil
}

func (s *Server) listAttachments(r *request) (reply, error) {
	return s.pagedAttachments(r, func(*attachment) bool { return true })
}

func (s *Server) listAppAttachments(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	return s.pagedAttachments(r, func(at *attachment) bool { return at.app == a })
}

// listAddonAttachments lists them over all apps: it is how others that write to a database are found.
func (s *Server) listAddonAttachments(r *request) (reply, error) {
	d, err := s.addonOf(r)
	if err != nil {
		return reply{}, err
	}
	return s.pagedAttachments(r, func(at *attachment) bool { return at.addon == d })
}

func (s *Server) pagedAttachments(r *request, match func(*attachment) bool) (reply, error) {
	type entry struct {
		at   *attachment
		json any
	}
	list := []entry{}
	for _, at := range s.attachments {
		if match(at) {
			list = append(list, entry{at, s.attachmentJSON(r, at)})
		}
	}
	p, err := paged(s, r, list, keys[entry]{
		"id": func(e entry) string { return e.at.id }, "name": func(e entry) string { return e.at.name },
	}, "")
	if err != nil {
		return p, err
	}
	page := []any{}
	for _, e := range p.body.([]entry) {
		page = append(page, e.json)
	}
	p.body = page
	return p, nil
}
