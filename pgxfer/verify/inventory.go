package verify

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/schema"
)

// inventory is every definition by what it defines, such as "index public.events_idx".
type inventory map[string]string

// inventory asks for the definitions of everything the user's. Objects of extensions are theirs to define; of extensions themselves
// only the presence counts, because a newer server brings newer versions.
func (s *side) inventory(ctx context.Context, common int, salt string) (inventory, error) {
	found := inventory{}
	for _, ask := range inventoryQueries(dialect{major: s.version.Major(), common: common, salt: salt}) {
		rows, err := s.keeper.Query(ctx, ask)
		if err != nil {
			return nil, fmt.Errorf("listing definitions of %s: %w", s.endpoint, err)
		}
		var object, definition string
		if _, err := pgx.ForEachRow(rows, []any{&object, &definition}, func() error {
			found[object] = definition
			return nil
		}); err != nil {
			return nil, fmt.Errorf("listing definitions of %s: %w", s.endpoint, err)
		}
	}
	return found, nil
}

// compare lists what is missing, extra or defined otherwise in the target.
func (i inventory) compare(target inventory) (list []pgxfer.Difference) {
	for object, definition := range i {
		got, ok := target[object]
		switch {
		case !ok:
			list = append(list, pgxfer.Difference{Kind: "missing", Object: object, Source: short(definition)})
		case got != definition:
			from := firstDifference(definition, got)
			list = append(list, pgxfer.Difference{Kind: "definition", Object: object, Source: short(definition[from:]), Target: short(got[from:])})
		}
	}
	for object, definition := range target {
		if _, ok := i[object]; !ok && !strings.HasPrefix(object, "extension ") {
			list = append(list, pgxfer.Difference{Kind: "extra", Object: object, Target: short(definition)})
		}
	}
	return list
}

// firstDifference is where to begin to show two long texts: a little before they part.
func firstDifference(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n < 60 {
		return 0
	}
	return strings.LastIndexByte(a[:n-30], ' ') + 1
}

func short(definition string) string {
	const limit = 200
	text := strings.Join(strings.Fields(definition), " ")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

// renamed is the inventory as it reads where extensions are in other schemas.
func (i inventory) renamed(list []schema.Moved) inventory {
	renamed := make(inventory, len(i))
	for object, definition := range i {
		renamed[schema.RewriteNames(object, list)] = schema.RewriteNames(definition, list)
	}
	return renamed
}

// normalise makes definitions of different majors comparable. From 16 on views name columns without their table where that is clear, so
// between majors the text of queries is compared without qualifiers, parentheses and blanks. That forgives a rewritten query only
// if it differs in nothing else. The words are those that only one of the servers puts in quotes.
func (i inventory) normalise(words []string) inventory {
	quoted := regexp.MustCompile(`"(` + strings.Join(words, "|") + `)"`)
	normal := make(inventory, len(i))
	for object, definition := range i {
		if len(words) > 0 {
			object, definition = quoted.ReplaceAllString(object, "$1"), quoted.ReplaceAllString(definition, "$1")
		}
		kind, _, _ := strings.Cut(object, " ")
		switch {
		case queryText.MatchString(object):
			definition = qualifier.ReplaceAllString(definition, "")
			definition = noise.Replace(strings.Join(strings.Fields(definition), " "))
		case kind == "trigger": // until 11 a trigger's function was called a procedure
			definition = strings.Replace(definition, " EXECUTE PROCEDURE ", " EXECUTE FUNCTION ", 1)
		case kind == "collation":
			if m := icuCollation.FindStringSubmatch(definition); m != nil {
				definition = m[1] + languageTag(m[2]) + m[3]
			}
		}
		normal[object] = definition
	}
	return normal
}

// keywords are the words that the server puts in quotes where they are names. Each major has more of them: "json" is one from 17 on.
func (s *side) keywords(ctx context.Context) (map[string]bool, error) {
	rows, err := s.keeper.Query(ctx, `SELECT word FROM pg_catalog.pg_get_keywords() WHERE catcode <> 'U'`)
	if err != nil {
		return nil, fmt.Errorf("listing keywords of %s: %w", s.endpoint, err)
	}
	found := map[string]bool{}
	var word string
	if _, err := pgx.ForEachRow(rows, []any{&word}, func() error {
		found[word] = true
		return nil
	}); err != nil {
		return nil, fmt.Errorf("listing keywords of %s: %w", s.endpoint, err)
	}
	return found, nil
}

// onlyOne are the words in one of the sets and not in the other.
func onlyOne(a, b map[string]bool) (words []string) {
	for _, sets := range [][2]map[string]bool{{a, b}, {b, a}} {
		for word := range sets[0] {
			if !sets[1][word] {
				words = append(words, word)
			}
		}
	}
	return words
}

var (
	queryText = regexp.MustCompile(`^(view|materialized view|rule) `)
	qualifier = regexp.MustCompile(`(\w+|"(?:[^"]|"")+")\.`)
	noise     = strings.NewReplacer("(", "", ")", "", " ", "")
)
