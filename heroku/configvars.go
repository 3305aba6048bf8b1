package heroku

import (
	"context"
	"slices"
	"strings"
)

// ConfigVars is the configuration of an app. Every value may be a secret.
type ConfigVars map[string]Secret

// DatabaseURL returns the value of a variable when it is a PostgreSQL URL, else "".
func (v ConfigVars) DatabaseURL(name string) Secret {
	if value := v[name]; isPostgresURL(value) {
		return value
	}
	return ""
}

// DatabaseVars returns the names of all variables that hold a PostgreSQL URL, sorted. Some may be hard-coded
// copies that no attachment keeps up to date.
func (v ConfigVars) DatabaseVars() []string {
	var names []string
	for name, value := range v {
		if isPostgresURL(value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func isPostgresURL(s Secret) bool {
	return strings.HasPrefix(s.Reveal(), "postgres://") || strings.HasPrefix(s.Reveal(), "postgresql://")
}

// ConfigVars returns the configuration of an app. A token without a protected scope gets ErrForbidden.
func (c *Client) ConfigVars(ctx context.Context, app string) (ConfigVars, error) {
	vars := ConfigVars{}
	if err := c.call(ctx, get(platformHost, "apps", app, "config-vars"), &vars); err != nil {
		return nil, err
	}
	return vars, nil
}
