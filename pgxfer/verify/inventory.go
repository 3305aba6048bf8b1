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
func (s *side) inventory(ctx context.Context) (inventory, error) {
	found := inventory{}
	for _, ask := range inventoryQueries(s.version) {
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

// normalise makes definitions of different majors comparable: from 16 on views name columns without their table where that is clear, so
// between majors the text of queries is compared without qualifiers, parentheses and blanks. That forgives a rewritten query only
// if it differs in nothing else.
func (i inventory) normalise() {
	for object, definition := range i {
		if queryText.MatchString(object) {
			definition = qualifier.ReplaceAllString(definition, "")
			i[object] = noise.Replace(strings.Join(strings.Fields(definition), " "))
		}
		if strings.HasPrefix(object, "trigger ") { // until 11 a trigger's function was called a procedure
			i[object] = strings.Replace(definition, " EXECUTE PROCEDURE ", " EXECUTE FUNCTION ", 1)
		}
	}
}

var (
	queryText = regexp.MustCompile(`^(view|materialized view|rule) `)
	qualifier = regexp.MustCompile(`(\w+|"(?:[^"]|"")+")\.`)
	noise     = strings.NewReplacer("(", "", ")", "", " ", "")
)
