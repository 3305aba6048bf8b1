package heroku

import "encoding/json"

// UnmarshalJSON implements json.Unmarshaler with the leniency of this package.
func (d *Database) UnmarshalJSON(data []byte) error { return decode(data, d) }

func (d *Database) decodeLenient(raw []byte) error {
	*d = Database{}
	type plain Database
	if err := decodeInto(raw, (*plain)(d)); err != nil {
		return err
	}
	var members struct {
		Following json.RawMessage `json:"following"`
	}
	// Whatever `following` holds, anything but null means a follower; promoting one would stop all writes.
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	if kind := kindOf(members.Following); d.FollowingURL == "" && (kind == "object" || kind == "array") {
		d.FollowingURL = Secret(members.Following)
	}
	return nil
}

func (l *Leader) decodeLenient(raw []byte) error {
	*l = Leader{}
	if kindOf(raw) != "string" {
		type plain Leader
		return decodeInto(raw, (*plain)(l))
	}
	text, err := textOf(raw)
	if isUUID(text) {
		l.AddonID = text
	} else {
		l.Name = hideUserInfo(text)
	}
	return err
}

func (p *DatabasePlan) decodeLenient(raw []byte) error {
	*p = DatabasePlan{}
	if kindOf(raw) != "string" {
		type plain DatabasePlan
		return decodeInto(raw, (*plain)(p))
	}
	name, err := textOf(raw)
	p.Name = name
	return err
}

func (r *Row) decodeLenient(raw []byte) error {
	*r = Row{}
	type plain Row
	if err := decodeInto(raw, (*plain)(r)); err != nil && !isMismatch(err) {
		return err // a row that is no row stays empty: one odd line must not hide the others
	}
	for i, v := range r.Values {
		r.Values[i] = hideUserInfo(v)
	}
	return nil
}
