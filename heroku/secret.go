package heroku

import (
	"fmt"
	"log/slog"
)

// hidden is what every printed form of a Secret shows.
const hidden = "***"

// Secret is a token, a password or a database URL. Every way of printing or encoding it gives `***`;
// Reveal is the only way to the value, so that uses can be found by name. Never use one as a map key:
// encoding/json writes string keys without asking them.
type Secret string

// Reveal returns the value itself. Never pass the result to a log, an error or a command line.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (Secret) String() string { return hidden }

// GoString implements fmt.GoStringer, for %#v.
func (Secret) GoString() string { return hidden }

// Format implements fmt.Formatter: %x, %q and every other verb would otherwise print the underlying string.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalJSON implements json.Marshaler. A secret therefore does not survive being written and read back.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText implements encoding.TextMarshaler, for TOML and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
