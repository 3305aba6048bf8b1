package heroku

import "github.com/google/uuid"

// Ref names something at Heroku. Either field may be empty: Heroku writes references as {id,name}, as a bare
// name or as a bare UUID.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (r *Ref) decodeLenient(raw []byte) error {
	*r = Ref{}
	if kindOf(raw) != "string" {
		type plain Ref
		return decodeInto(raw, (*plain)(r))
	}
	text, err := textOf(raw)
	if isUUID(text) {
		r.ID = text
	} else {
		r.Name = text
	}
	return err
}

// identity is a reference as Heroku takes it in a body.
type identity struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

func identityOf(idOrName string) identity {
	if isUUID(idOrName) {
		return identity{ID: idOrName}
	}
	return identity{Name: idOrName}
}

// isUUID accepts the 36-character form only; the uuid package also takes forms Heroku does not use.
func isUUID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil
}
