package heroku

import (
	"encoding/base64"
	"regexp"
	"strings"
)

var (
	postgresURL = regexp.MustCompile(`(?i)\bpostgres(?:ql)?://[^\s"'<>]+`)
	userInfo    = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#"'<>]*@`)
)

// shortestToken is the length below which a token is not searched for in messages: replacing every "a"
// would make them unreadable, and no real token is that short.
const shortestToken = 6

// scrub removes the token, in plain and Basic form, and every database URL from text made by a server or a
// library. Servers do quote what they were sent: the follow value of an add-on may be a database URL.
func scrub(text string, token Secret) string {
	if t := token.Reveal(); len(t) >= shortestToken {
		text = strings.ReplaceAll(text, t, hidden)
		text = strings.ReplaceAll(text, base64.StdEncoding.EncodeToString([]byte(":"+t)), hidden)
	}
	text = postgresURL.ReplaceAllString(text, "postgres://"+hidden)
	return userInfo.ReplaceAllString(text, "${1}"+hidden+"@")
}

// hideUserInfo removes user and password from a URL inside text and keeps the rest: rows of database facts
// name other databases by URL, and host, port and path are needed to tell which.
func hideUserInfo(text string) string {
	return userInfo.ReplaceAllString(text, "${1}"+hidden+"@")
}
