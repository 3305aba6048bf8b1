package format

import "strings"

// SpeaksUTF8 says whether the locale is a UTF-8 one; getenv is os.Getenv. Without any setting it is the C locale, which is
// not.
func SpeaksUTF8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			return strings.Contains(strings.ToLower(strings.ReplaceAll(v, "-", "")), "utf8")
		}
	}
	return false
}
