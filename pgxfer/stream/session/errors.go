package session

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Code is the SQLSTATE of an error of the server, or empty.
func Code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// Passing says whether trying again, in a new session, may help: connections that broke, servers that restart, queries that a
// follower had to cancel. Anything about the data or the statement itself is final.
func Passing(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if code := Code(err); code != "" {
		for _, class := range []string{"08", "57P0", "53", "40"} {
			if strings.HasPrefix(code, class) {
				return true
			}
		}
		return code == "25006" // read-only: a leader that became a follower, or is about to be promoted
	}
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "conn closed")
}

// Refused says whether the server refused the statement for what it is: for want of rights, or because of the rows. What may pass, was
// cancelled, or is an error of the server's own is none of that. Extensions raise most of their errors as internal ones.
func Refused(err error) bool {
	code := Code(err)
	if code == "" || Passing(err) || code == "XX001" || code == "XX002" {
		return false
	}
	class := code[:2]
	return class != "25" && class != "57" && class != "58"
}

// NotYet says whether a server let nobody in, now: it has no room, or is starting or stopping. A server that cannot be reached at all is
// something else, such as a wrong address.
func NotYet(err error) bool { return Full(err) || Code(err) == "57P03" }

// Full says whether the server has no room for one more session, now.
func Full(err error) bool {
	return Code(err) == "53300"
}
