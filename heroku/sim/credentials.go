package sim

import "slices"

// credential is a role of a database that Heroku manages.
type credential struct {
	id       string
	name     string
	user     string
	password secret
}

func newDefaultCredential(a access) *credential {
	return &credential{id: newID(), name: "default", user: a.user, password: a.password}
}

type credentialJSON struct {
	UUID        string     `json:"uuid"`
	Name        string     `json:"name"`
	State       string     `json:"state"`
	Host        string     `json:"host"`
	Port        int        `json:"port"`
	Database    string     `json:"database"`
	Credentials []roleJSON `json:"credentials"`
}

type roleJSON struct {
	User        string `json:"user"`
	Password    string `json:"password"`
	State       string `json:"state"`
	Connections int    `json:"connections"`
}

func (d *addon) credentialJSON(c *credential) credentialJSON {
	role := roleJSON{User: c.user, Password: string(c.password), State: "active"}
	if c.name == "default" {
		role.Connections = d.sample.Connections
	}
	return credentialJSON{
		UUID: c.id, Name: c.name, State: "active", Host: "localhost", Port: d.port(), Database: d.access.database, Credentials: []roleJSON{role},
	}
}

func (d *addon) credential(name string) (*credential, bool) {
	i := slices.IndexFunc(d.credentials, func(c *credential) bool { return c.name == name })
	if i < 0 {
		return nil, false
	}
	return d.credentials[i], true
}

// copies are a database and its followers. Followers are physical copies: their roles are their leader's.
func (s *Server) copies(d *addon) []*addon {
	list := []*addon{d}
	for _, o := range s.addons {
		if o.leader == d {
			list = append(list, o)
		}
	}
	return list
}

func (s *Server) listCredentials(r *request) (reply, error) {
	d, err := s.databaseOf(r)
	if err != nil {
		return reply{}, err
	}
	list := []credentialJSON{}
	for _, c := range d.credentials {
		list = append(list, d.credentialJSON(c))
	}
	return ok(list), nil
}

func (s *Server) getCredential(r *request) (reply, error) {
	d, err := s.databaseOf(r)
	if err != nil {
		return reply{}, err
	}
	c, found := d.credential(r.PathValue("c"))
	if !found {
		return reply{}, notFound("credential", "credential")
	}
	return ok(d.credentialJSON(c)), nil
}

// createCredential makes a real role without any rights: grants are the caller's business, as on Heroku.
func (s *Server) createCredential(r *request) (reply, error) {
	d, db, err := s.liveDatabase(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Name string `json:"name"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	_, taken := d.credential(in.Name)
	essential, follower := d.plan.essential(), d.follower()
	s.mu.Unlock()
	switch {
	case in.Name == "" || !validAddonName.MatchString(in.Name):
		return reply{}, unprocessable("Credential names must start with a letter and can only contain letters, digits, underscores and dashes.")
	case taken:
		return reply{}, unprocessable("Credential %s already exists.", in.Name)
	case essential:
		return reply{}, unprocessable("You can't create a custom credential on Essential-tier databases.")
	case follower:
		return reply{}, unprocessable("Credentials are created on the leader.")
	}
	c := &credential{id: newID(), name: in.Name, user: in.Name, password: newAccess().password}
	if err := db.AddRole(r.Context(), c.user, c.password); err != nil {
		return reply{}, unprocessable("credential %s was not created: %v", in.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.copies(d) {
		own := *c
		o.credentials = append(o.credentials, &own)
	}
	return created(d.credentialJSON(c)), nil
}

// rotateCredential gives a role another password, which every attached app gets by a release.
func (s *Server) rotateCredential(r *request) (reply, error) {
	d, db, err := s.liveDatabase(r)
	if err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	c, found := d.credential(r.PathValue("c"))
	follower := d.follower()
	s.mu.Unlock()
	if !found {
		return reply{}, notFound("credential", "credential")
	}
	if follower {
		return reply{}, unprocessable("Credentials are rotated on the leader.")
	}
	fresh := newAccess().password
	if err := db.SetPassword(r.Context(), c.user, fresh); err != nil {
		return reply{}, unprocessable("credential %s was not rotated: %v", c.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.copies(d) {
		if own, has := o.credential(c.name); has {
			own.password = fresh
		}
		if c.name == "default" {
			o.access.password = fresh
		}
	}
	for _, at := range s.attachmentsOf(d) {
		s.release(at.app, releaseSpec{description: "Update " + at.name + " by heroku-postgresql"})
	}
	return ok(map[string]string{"message": "rotating " + c.name}), nil
}
