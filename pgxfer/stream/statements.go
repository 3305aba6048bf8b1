package stream

import "strings"

// cutStatement takes the first statement, without its semicolon, from definitions that pg_dump has written. Names and texts in them may
// hold anything, function bodies between dollar signs do not occur in what is cut here.
func cutStatement(sql string) (first, rest string) {
	quote := byte(0)
	for i := 0; i < len(sql); i++ {
		switch c := sql[i]; {
		case quote != 0:
			if c == quote {
				quote = 0 // a doubled quote opens again at once
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ';':
			return strings.TrimSpace(sql[:i]), strings.TrimSpace(sql[i+1:])
		}
	}
	return strings.TrimSpace(sql), ""
}
