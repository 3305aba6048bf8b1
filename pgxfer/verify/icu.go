package verify

import (
	"regexp"
	"slices"
	"strings"
)

// icuCollation is the definition of a collation whose locale ICU reads.
var icuCollation = regexp.MustCompile(`^(provider i, locale )([^,]*)((?s:.*))$`)

// Names that ICU had for settings of collations, and for their values, before those of language tags.
var (
	icuKeys = map[string]string{
		"collation": "co", "colalternate": "ka", "colbackwards": "kb", "colcaselevel": "kc", "colcasefirst": "kf",
		"colhiraganaquaternary": "kh", "colnormalization": "kk", "colnumeric": "kn", "colreorder": "kr", "colstrength": "ks",
	}
	icuValues = map[string]string{
		"phonebook": "phonebk", "traditional": "trad", "dictionary": "dict", "gb2312han": "gb2312", "non-ignorable": "noignore",
		"primary": "level1", "secondary": "level2", "tertiary": "level3", "quaternary": "level4", "quarternary": "level4", "identical": "identic", "yes": "true", "no": "false",
	}
)

// languageTag writes a locale as servers from 16 on keep it: "de@collation=phonebook" is "de-u-co-phonebk" there, which means the same.
func languageTag(locale string) string {
	base, keywords, _ := strings.Cut(strings.ToLower(locale), "@")
	tag, extension, _ := strings.Cut(strings.ReplaceAll(base, "_", "-"), "-u-")
	if tag == "" || tag == "root" {
		tag = "und"
	}
	settings := map[string]string{}
	key := ""
	for _, part := range strings.Split(extension, "-") {
		switch {
		case len(part) == 2:
			key = part
			settings[key] = ""
		case part != "":
			settings[key] = strings.TrimPrefix(settings[key]+"-"+part, "-")
		}
	}
	for _, keyword := range strings.Split(keywords, ";") {
		name, value, _ := strings.Cut(keyword, "=")
		if known, ok := icuKeys[name]; ok {
			name = known
		}
		if known, ok := icuValues[value]; ok {
			value = known
		}
		if name != "" {
			settings[name] = strings.ReplaceAll(value, "_", "-")
		}
	}
	var keys []string
	for key := range settings {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for n, key := range keys {
		if n == 0 {
			tag += "-u"
		}
		tag += "-" + key
		if value := settings[key]; value != "" && value != "true" {
			tag += "-" + value
		}
	}
	return tag
}
