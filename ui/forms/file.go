package forms

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Setting is a flag with its values, one for most.
type Setting struct {
	Flag   string
	Values []string
}

// ReadFile reads settings from TOML. Its keys are the flags of init with _ for -: also_app = ["blog"]. What a flag
// accepts is decided by whoever has the flags.
func ReadFile(name string, r io.Reader) ([]Setting, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	var keys map[string]any
	if err := toml.Unmarshal(raw, &keys); err != nil {
		return nil, fmt.Errorf("%s is not TOML: %w", name, err)
	}
	var list []Setting
	for key, value := range keys {
		values, err := texts(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %s %w", name, key, err)
		}
		list = append(list, Setting{strings.ReplaceAll(key, "_", "-"), values})
	}
	slices.SortFunc(list, func(a, b Setting) int { return strings.Compare(a.Flag, b.Flag) })
	return list, nil
}

// texts is a TOML value as it would be typed.
func texts(value any) ([]string, error) {
	switch v := value.(type) {
	case string, int64, bool:
		return []string{fmt.Sprint(v)}, nil
	case []any:
		var all []string
		for _, one := range v {
			text, is := one.(string)
			if !is {
				return nil, fmt.Errorf("must be a list of texts")
			}
			all = append(all, text)
		}
		return all, nil
	}
	return nil, fmt.Errorf("must be a text, a whole number, true or false, or a list of texts")
}
