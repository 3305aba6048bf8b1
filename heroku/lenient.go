package heroku

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// decode reads JSON the way Heroku's answers need it: unknown fields are ignored, null means absent, numbers
// may be strings and strings numbers, and a value of an unexpected kind leaves its field empty, as long as
// nothing depends on it. A field tagged `heroku:"required"` must be there and make sense: a quantity or a
// state that silently became zero would be acted upon. `heroku:"alt=other"` names an older key.
func decode(data []byte, into any) error {
	if !json.Valid(data) {
		return fmt.Errorf("%d bytes that are not JSON", len(data))
	}
	return assign(data, reflect.ValueOf(into).Elem())
}

// lenient is implemented by types with more than one shape.
type lenient interface {
	decodeLenient(raw []byte) error
}

// errMismatch says that a value is of another kind than its field. Only required fields make it an error.
type errMismatch struct{ want, got string }

func (e errMismatch) Error() string { return "expected " + e.want + ", found " + e.got }

var timeType = reflect.TypeFor[time.Time]()

func assign(raw []byte, v reflect.Value) error {
	if l, ok := v.Addr().Interface().(lenient); ok {
		return l.decodeLenient(raw)
	}
	return assignKind(raw, v)
}

func assignKind(raw []byte, v reflect.Value) error {
	raw = bytes.TrimSpace(raw)
	if v.Kind() == reflect.Pointer {
		return assignPointer(raw, v)
	}
	if kindOf(raw) == "null" {
		v.SetZero()
		return errMismatch{v.Kind().String(), "null"}
	}
	if v.Type() == timeType {
		return assignTime(raw, v)
	}
	switch v.Kind() {
	case reflect.Struct:
		return assignStruct(raw, v)
	case reflect.Slice:
		return assignSlice(raw, v)
	case reflect.Map:
		return assignMap(raw, v)
	case reflect.String:
		s, err := textOf(raw)
		v.SetString(s)
		return err
	case reflect.Bool:
		b, err := boolOf(raw)
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int64:
		n, err := intOf(raw)
		v.SetInt(n)
		return err
	default:
		return fmt.Errorf("cannot decode into %s", v.Type())
	}
}

func assignPointer(raw []byte, v reflect.Value) error {
	v.SetZero()
	if kindOf(raw) == "null" {
		return errMismatch{v.Type().Elem().Kind().String(), "null"}
	}
	p := reflect.New(v.Type().Elem())
	if err := assign(raw, p.Elem()); err != nil {
		return err
	}
	v.Set(p)
	return nil
}

func assignStruct(raw []byte, v reflect.Value) error {
	if kindOf(raw) != "object" {
		return errMismatch{"object", kindOf(raw)}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		required, alt := options(field.Tag.Get("heroku"))
		value, ok := members[name]
		if (!ok || kindOf(value) == "null") && alt != "" {
			value, ok = members[alt]
		}
		if !ok {
			if required {
				return fmt.Errorf("field %q is missing", name)
			}
			continue
		}
		err := assign(value, v.Field(i))
		if err != nil && (required || !isMismatch(err)) {
			return fmt.Errorf("field %q: %w", name, wrapHard(err))
		}
	}
	return nil
}

// wrapHard hides the kind of a mismatch, so that no outer optional field swallows it.
func wrapHard(err error) error {
	if isMismatch(err) {
		return errors.New(err.Error())
	}
	return err
}

func isMismatch(err error) bool {
	var m errMismatch
	return errors.As(err, &m)
}

func options(tag string) (required bool, alt string) {
	for option := range strings.SplitSeq(tag, ",") {
		if option == "required" {
			required = true
		}
		if name, ok := strings.CutPrefix(option, "alt="); ok {
			alt = name
		}
	}
	return required, alt
}

// assignSlice reads an array. A lone scalar counts as an array of one; scalars of another kind are left out.
func assignSlice(raw []byte, v reflect.Value) error {
	v.SetZero()
	items := []json.RawMessage{raw}
	if kindOf(raw) == "array" {
		if err := json.Unmarshal(raw, &items); err != nil {
			return err
		}
	} else if v.Type().Elem().Kind() == reflect.Struct || kindOf(raw) == "object" {
		return errMismatch{"array", kindOf(raw)}
	}
	out := reflect.MakeSlice(v.Type(), 0, len(items))
	for i, item := range items {
		element := reflect.New(v.Type().Elem()).Elem()
		err := assign(item, element)
		if isMismatch(err) && element.Kind() != reflect.Struct {
			continue
		}
		if err != nil {
			return fmt.Errorf("element %d: %w", i, wrapHard(err))
		}
		out = reflect.Append(out, element)
	}
	v.Set(out)
	return nil
}

func assignMap(raw []byte, v reflect.Value) error {
	v.SetZero()
	if kindOf(raw) != "object" {
		return errMismatch{"object", kindOf(raw)}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	out := reflect.MakeMapWithSize(v.Type(), len(members))
	for key, value := range members {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := assign(value, element); err != nil {
			if isMismatch(err) {
				continue
			}
			return fmt.Errorf("member %q: %w", key, err)
		}
		out.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), element)
	}
	v.Set(out)
	return nil
}

// timeLayouts: the Platform API uses RFC 3339, database facts also a form without seconds and zone (UTC).
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04 MST", "2006-01-02 15:04"}

func assignTime(raw []byte, v reflect.Value) error {
	v.SetZero()
	text, err := textOf(raw)
	if err != nil {
		return err
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			v.Set(reflect.ValueOf(t.UTC()))
			return nil
		}
	}
	return errMismatch{"time", "other text"}
}

func kindOf(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	default:
		return "number"
	}
}

func textOf(raw []byte) (string, error) {
	switch kind := kindOf(raw); kind {
	case "string":
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case "number", "boolean":
		return string(bytes.TrimSpace(raw)), nil
	default:
		return "", errMismatch{"string", kind}
	}
}

func boolOf(raw []byte) (bool, error) {
	text, err := textOf(raw)
	if err != nil {
		return false, errMismatch{"boolean", kindOf(raw)}
	}
	b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(text)))
	if err != nil {
		return false, errMismatch{"boolean", "other " + kindOf(raw)}
	}
	return b, nil
}

func intOf(raw []byte) (int64, error) {
	text, err := textOf(raw)
	if err != nil || kindOf(raw) == "boolean" {
		return 0, errMismatch{"number", kindOf(raw)}
	}
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, errMismatch{"whole number", "other " + kindOf(raw)}
	}
	return int64(f), nil
}

// decodeInto decodes a struct field by field, for types that implement lenient on top of it.
func decodeInto(raw []byte, into any) error {
	return assignKind(raw, reflect.ValueOf(into).Elem())
}
