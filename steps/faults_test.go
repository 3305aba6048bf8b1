package steps_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// faults is how many there are to survive.
const faults = 39

var (
	aTest     = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	aFunction = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
)

// testsOfTheModule are the names of all test functions there are.
func testsOfTheModule(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range aFunction.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A list of faults is worth nothing when the tests that it names are gone.
func TestEveryFaultNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	there := testsOfTheModule(t)
	for _, m := range aTest.FindAllStringSubmatch(string(text), -1) {
		if !there[m[1]] {
			t.Errorf("there is no test %s", m[1])
		}
	}
	next := 1
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		n, err := strconv.Atoi(strings.TrimPrefix(cells[0], "| "))
		if err != nil {
			continue
		}
		if n != next {
			t.Errorf("fault %d comes where %d is missing", n, next)
		}
		next = n + 1
		if len(cells) != 4 || len(cells[2]) < 20 || !aTest.MatchString(cells[3]) {
			t.Errorf("fault %d lacks what the operator is told, or a test: %q", n, line)
		}
	}
	if next != faults+1 {
		t.Errorf("%d faults, want %d", next-1, faults)
	}
}
