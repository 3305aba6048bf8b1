package pgxfer_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"changeover/pgxfer/cases"
)

// howMany cases there are.
const howMany = 55

var (
	row = regexp.MustCompile(`^\| (\d+) \| (.+?) \| (.+) \|$`)
	// mention is a file, a test of the file before it, or a part of either by its name.
	mention = regexp.MustCompile("`([\\w./]+\\.go)`|`(Test\\w+)`|\"([^\"]+)\"")
)

// CASES.md promises tests: none may be missing, and no case without a test or a reason.
func TestEveryCaseIsListed(t *testing.T) {
	text, err := os.ReadFile("CASES.md")
	if err != nil {
		t.Fatal(err)
	}
	nasty := map[int]bool{}
	last := 0
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "| ") {
			exist(t, line)
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		number, _ := strconv.Atoi(m[1])
		if number != last+1 {
			t.Errorf("case %d follows case %d", number, last)
		}
		last = number
		if len(strings.Fields(m[3])) < 2 {
			t.Errorf("case %d has neither a test nor a reason", number)
		}
		nasty[number] = strings.Contains(m[3], "*nasty*")
	}
	if last != howMany {
		t.Errorf("the last case is %d, want %d", last, howMany)
	}
	for _, c := range cases.All() {
		if !nasty[c.Number] {
			t.Errorf("there is a nasty %q for case %d, which does not say so", c.Name, c.Number)
		}
	}
}

// exist wants every file, test and part of a test that the line names.
func exist(t *testing.T, line string) {
	t.Helper()
	var file, content string
	for _, m := range mention.FindAllStringSubmatch(line, -1) {
		switch {
		case m[1] != "":
			raw, err := os.ReadFile(m[1])
			if err != nil {
				t.Errorf("%v in %s", err, line)
			}
			file, content = m[1], string(raw)
		case m[2] != "" && file != "" && strings.HasSuffix(file, "_test.go"):
			if !strings.Contains(content, "\nfunc "+m[2]+"(t *testing.T) {") {
				t.Errorf("%s has no %s: %s", file, m[2], line)
			}
		case m[3] != "" && file != "":
			if !strings.Contains(content, strconv.Quote(m[3])) {
				t.Errorf("%s has no %q: %s", file, m[3], line)
			}
		}
	}
}
