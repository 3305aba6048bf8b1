package steps

import (
	"context"
	"fmt"

	"changeover/pgxfer"
)

// HerokuDatabases finds the endpoint of a role by asking Heroku each time.
//
// Three sources tell a database's URL. The data API comes first: the config var of an attachment never appears
// when a release phase fails, and it changes name when somebody re-attaches the database.
type HerokuDatabases struct {
	Heroku Heroku
	Look   Look
}

// Endpoint implements Databases.
func (d HerokuDatabases) Endpoint(ctx context.Context, role Role) (pgxfer.Endpoint, error) {
	id, err := addonID(d.Look, role)
	if err != nil {
		return pgxfer.Endpoint{}, err
	}
	db, err := d.Heroku.Database(ctx, id)
	if err != nil {
		return pgxfer.Endpoint{}, fmt.Errorf("asking Heroku for the address of %s: %w", role, err)
	}
	url := db.ResourceURL.Reveal()
	if url == "" {
		vars, err := d.Heroku.ConfigVars(ctx, d.Look.Config().App)
		if err != nil {
			return pgxfer.Endpoint{}, fmt.Errorf("asking Heroku for the address of %s: %w", role, err)
		}
		if known, ok := FactDatabase(role).Get(d.Look.Facts()); ok {
			url = vars.DatabaseURL(known.Attachment + "_URL").Reveal()
		}
	}
	return pgxfer.ParseEndpoint(string(role), url)
}

// Open implements Databases.
func (d HerokuDatabases) Open(ctx context.Context, role Role) (Server, error) {
	endpoint, err := d.Endpoint(ctx, role)
	if err != nil {
		return nil, err
	}
	return openServer(ctx, endpoint, d.Look)
}

// addonID is the id of a role's add-on, from the facts or, for old-primary, from the set-up.
func addonID(l Look, role Role) (string, error) {
	if role == OldPrimary {
		return l.Config().OldPrimary.ID, nil
	}
	db, ok := FactDatabase(role).Get(l.Facts())
	if !ok || !db.Alive() {
		return "", fmt.Errorf("%s does not exist", role)
	}
	return db.AddonID, nil
}

// addonName is the name of a role's add-on, for people and for calls that want a name.
func addonName(l Look, role Role) string {
	if role == OldPrimary {
		return l.Config().OldPrimary.Name
	}
	if db, ok := FactDatabase(role).Get(l.Facts()); ok {
		return db.Name
	}
	return string(role)
}
