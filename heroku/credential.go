package heroku

import (
	"context"
	"net"
	"net/url"
	"strconv"
)

// Credential is a role of a database that Heroku manages. "default" owns the data; others carry grants that a
// dump does not bring along.
type Credential struct {
	UUID     string           `json:"uuid"`
	Name     string           `json:"name" heroku:"required"`
	State    string           `json:"state"` // active, rotating, revoking …
	Host     string           `json:"host"`
	Port     int              `json:"port"`
	Database string           `json:"database"`
	Users    []CredentialUser `json:"credentials"`
}

// CredentialUser is one user of a credential. During a rotation there are two.
type CredentialUser struct {
	User        string `json:"user"`
	Password    Secret `json:"password"`
	State       string `json:"state"` // active, enabling, revoking, revoked, archived
	Connections int    `json:"connections"`
}

// DefaultCredential is the name of the credential that owns the data.
const DefaultCredential = "default"

// URL returns the database URL of the credential's active user, "" when there is none.
func (c Credential) URL() Secret {
	for _, u := range c.Users {
		if u.State != "active" || c.Host == "" || u.User == "" {
			continue
		}
		port := c.Port
		if port == 0 {
			port = 5432
		}
		full := url.URL{
			Scheme: "postgres", User: url.UserPassword(u.User, u.Password.Reveal()),
			Host: net.JoinHostPort(c.Host, strconv.Itoa(port)), Path: "/" + c.Database,
		}
		return Secret(full.String())
	}
	return ""
}

// Credentials returns all credentials of a database, by id or name. Essential plans refuse it.
func (c *Client) Credentials(ctx context.Context, db string) ([]Credential, error) {
	r := get(dataHost, "postgres", "v0", "databases", db, "credentials")
	r.basic = true // recorded from the official CLI for these reads only
	return list[Credential](ctx, c, r)
}

// Credential returns one credential of a database, with host and password.
func (c *Client) Credential(ctx context.Context, db, name string) (Credential, error) {
	r := get(dataHost, "postgres", "v0", "databases", db, "credentials", name)
	r.basic = true
	var cred Credential
	err := c.call(ctx, r, &cred)
	return cred, err
}
