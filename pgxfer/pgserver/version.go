package pgserver

import (
	"context"
	"fmt"
	"strconv"
)

// Version is server_version_num, such as 150008 for 15.8.
type Version int

// Major is the number people call the version by: 15 for 15.8.
func (v Version) Major() int { return int(v) / 10000 }

// Minor is the bug-fix release within the major.
func (v Version) Minor() int { return int(v) % 10000 }

// String is major.minor. Servers before 10 had two-part majors and are not supported.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major(), v.Minor()) }

// ServerVersion asks for server_version_num.
func ServerVersion(ctx context.Context, q Querier) (Version, error) {
	var text string
	if err := q.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_version_num')`).Scan(&text); err != nil {
		return 0, fmt.Errorf("asking for the server version: %w", err)
	}
	num, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("asking for the server version: %q is not a number", text)
	}
	return Version(num), nil
}
