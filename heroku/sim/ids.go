package sim

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// secret is a password or token. Formatted, it prints ***.
type secret string

func (secret) String() string   { return "***" }
func (secret) GoString() string { return "***" }

func newID() string    { return uuid.NewString() }
func newToken() string { return "HRKU-" + newID() }

// randomHex returns n random hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)[:n]
}

// access is how an owner reaches a database. A follower has its leader's, being a physical copy.
type access struct {
	database string
	user     string
	password secret
}

// newAccess invents names of the form that Heroku gives.
func newAccess() access {
	return access{
		database: "d" + randomHex(14),
		user:     "u" + randomHex(13),
		password: secret("p" + randomHex(64)),
	}
}

// url is the connection string for a server on port. The scheme is postgres because the official
// CLI ignores every other, and the host is localhost because only for that name does it not
// insist on TLS.
func (a access) url(port int) string {
	return fmt.Sprintf("postgres://%s:%s@localhost:%d/%s", a.user, string(a.password), port, a.database)
}

// publicURL is url without user and password, as database info names a leader.
func (a access) publicURL(port int) string {
	return fmt.Sprintf("postgres://localhost:%d/%s", port, a.database)
}

// colours are the names Heroku gives to attachments that nobody named.
var colours = []string{
	"AMBER", "AQUA", "BLACK", "BLUE", "BRONZE", "BROWN", "CHARCOAL", "COBALT", "COPPER", "CRIMSON",
	"CYAN", "GOLD", "GRAY", "GREEN", "IVORY", "JADE", "MAROON", "MAUVE", "NAVY", "OLIVE", "ONYX",
	"ORANGE", "PINK", "PUCE", "PURPLE", "RED", "ROSE", "SILVER", "TEAL", "VIOLET", "WHITE", "YELLOW",
}

// freeColour is an attachment name HEROKU_POSTGRESQL_<COLOUR> that taken does not hold. The first
// choice depends on turn, so that the databases of one app differ in colour.
func freeColour(turn int, taken []string) string {
	for i := range colours {
		name := "HEROKU_POSTGRESQL_" + colours[(turn*7+30+i)%len(colours)]
		if !slices.Contains(taken, name) {
			return name
		}
	}
	return fmt.Sprintf("HEROKU_POSTGRESQL_WHITE_%d", len(taken))
}

var shapes = []string{"angular", "asymmetrical", "clean", "concave", "contoured", "crystalline", "cubed", "curly", "deep", "dimensional", "flat", "fluffy", "globular", "lively", "metric", "opaque", "parallel", "polished", "reticulated", "rigid", "round", "shallow", "slippery", "solid", "symmetrical", "tapered", "trapezoidal", "vertical"}

// newAddonName invents a globally unique add-on name.
func newAddonName() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	n := int(b[0])<<8 | int(b[1])
	return fmt.Sprintf("postgresql-%s-%05d", shapes[int(b[2])%len(shapes)], 10000+n)
}
