package dash

import "strings"

// lookup is the value of a variable in an environment; the last entry of a name wins, as in a process.
func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// normalise makes NO_COLOR mean what no-color.org says, any value that is not empty, where the terminal library
// wants a boolean.
func normalise(env []string) []string {
	value := lookup(env, "NO_COLOR")
	out := make([]string, 0, len(env)+1)
	for _, e := range env {
		if !strings.HasPrefix(e, "NO_COLOR=") {
			out = append(out, e)
		}
	}
	if value != "" {
		out = append(out, "NO_COLOR=1")
	}
	return out
}
