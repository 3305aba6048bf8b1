package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// shapes are secrets that can be told by their looks. Values that are only known by heart (a password fetched a
// moment ago) are the caller's to redact; this is the last net. A text without the hint cannot match: every string
// of every record comes through here, and expressions are slow.
var shapes = []struct {
	hint string
	find *regexp.Regexp
	put  string
}{
	{"://", regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s"'<>/@]*:[^\s"'<>]*@`), "${1}***@"}, // user and password of a URL
	{"HRKU-", regexp.MustCompile(`\bHRKU-[A-Za-z0-9_-]{8,}`), "***"},                                // Heroku API keys of today; older ones look like any UUID
	{"IA", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`), "***"},                              // AWS access key ids
	{" ", regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}`), "${1} ***"},
	{"=", regexp.MustCompile(`(?i)\b(password|passwd|pgpassword|secret_access_key)(\s*=\s*)('[^']*'|[^\s'&,;]+)`), "${1}${2}***"},
}

// Redact replaces everything in a text that looks like a secret by ***.
func Redact(text string) string {
	for _, s := range shapes {
		if strings.Contains(text, s.hint) {
			text = s.find.ReplaceAllString(text, s.put)
		}
	}
	return text
}

// redactJSON passes every string of a JSON value through redact. It works on the decoded strings, because in the
// encoded ones a password may hide behind escapes.
func redactJSON(raw json.RawMessage, redact func(string) string) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // int64s must not pass through float64
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("payload is not JSON: %w", err)
	}
	return marshal(redactValue(v, redact))
}

func redactValue(v any, redact func(string) string) any {
	switch v := v.(type) {
	case string:
		return redact(v)
	case []any:
		for i := range v {
			v[i] = redactValue(v[i], redact)
		}
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[redact(key)] = redactValue(value, redact)
		}
		return out
	default:
		return v
	}
}
