package classic

import (
	"regexp"
	"strings"

	"changeover/pgxfer"
)

// describe says what a session works on, from the statement it runs. The progress views do not know statements other than COPY and
// CREATE INDEX, and cannot name an index that is not committed yet.
func describe(query string) (kind, object string) {
	query = strings.TrimSpace(query)
	if kind, rest, ok := leading(query); ok {
		name, rest := cutName(rest)
		if kind == pgxfer.KindConstraint {
			if c := addConstraint.FindString(rest); c != "" {
				constraint, _ := cutName(rest[len(c):])
				return kind, constraint + " on " + name
			}
			return pgxfer.KindSchema, name
		}
		return kind, name
	}
	if largeObject.MatchString(query) {
		return pgxfer.KindObjects, "large objects"
	}
	if strings.HasPrefix(query, "SELECT pg_catalog.setval(") {
		return pgxfer.KindSequence, ""
	}
	return pgxfer.KindSchema, ""
}

var (
	statements = []struct {
		kind   string
		prefix *regexp.Regexp
	}{
		{pgxfer.KindData, regexp.MustCompile(`^COPY (\(SELECT .* FROM (ONLY )?)?`)},
		{pgxfer.KindIndex, regexp.MustCompile(`^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?(IF NOT EXISTS )?`)},
		{pgxfer.KindConstraint, regexp.MustCompile(`^ALTER TABLE (IF EXISTS )?(ONLY )?`)},
		{pgxfer.KindData, regexp.MustCompile(`^REFRESH MATERIALIZED VIEW (CONCURRENTLY )?`)},
		{pgxfer.KindAnalyze, regexp.MustCompile(`^ANALYZE (ONLY )?`)},
	}
	addConstraint = regexp.MustCompile(`^\s+ADD CONSTRAINT `)
	largeObject   = regexp.MustCompile(`bloboid|pg_largeobject|lo_create|lo_open|FETCH \d+ IN blob`)
)

func leading(query string) (kind, rest string, ok bool) {
	for _, s := range statements {
		if p := s.prefix.FindString(query); p != "" {
			return s.kind, query[len(p):], true
		}
	}
	return "", "", false
}

// cutName takes a name, qualified or not, quoted or not, from the start of a statement's rest. The name comes without its quotes.
func cutName(s string) (name, rest string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(" \t\n(,;)", c) >= 0:
			return b.String(), s[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
