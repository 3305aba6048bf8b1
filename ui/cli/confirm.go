package cli

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"

	"changeover/steps"
)

// answers are what stands for a confirmation on the command line: --yes or --confirm WORD …, or typed at a terminal.
type answers struct {
	yes   bool
	words []string
	take  bool // control, from whoever drives
}

// unconfirmed is a command that needs a yes and has none. Scripts see the same exit code as for a wrong one.
type unconfirmed struct{ c steps.Confirmation }

func (u unconfirmed) Error() string {
	return fmt.Sprintf("%s %s Say so with %s", u.c.Question, strings.Join(u.c.Consequences, " "), flagsFor(u.c))
}

func (unconfirmed) Is(target error) bool { return target == steps.ErrConfirm }

// answer returns the answers to a confirmation. Without flags it asks at a terminal, and says which flags to give elsewhere.
func (a *app) answer(c steps.Confirmation, given answers) ([]string, error) {
	switch {
	case c.Tier == steps.TierKey:
		return nil, nil
	case c.Tier == steps.TierYes && given.yes:
		return []string{"y"}, nil
	case c.Tier == steps.TierTyped && len(given.words) > 0:
		return given.words, nil
	}
	in, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(in.Fd()) {
		return nil, unconfirmed{c}
	}
	fmt.Fprintln(a.out, c.Question)
	for _, line := range c.Consequences {
		fmt.Fprintln(a.out, "  "+line)
	}
	reader := bufio.NewReader(in)
	if c.Tier == steps.TierYes {
		fmt.Fprint(a.out, "y or N: ")
		return readAnswers(reader, 1)
	}
	fmt.Fprintf(a.out, "Type %s: ", strings.Join(c.Words, ", then "))
	return readAnswers(reader, len(c.Words))
}

func readAnswers(r *bufio.Reader, n int) ([]string, error) {
	var typed []string
	for range n {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("%w: nothing was typed", steps.ErrConfirm)
		}
		typed = append(typed, strings.TrimSpace(line))
	}
	return typed, nil
}

func flagsFor(c steps.Confirmation) string {
	if c.Tier == steps.TierYes {
		return "--yes"
	}
	var flags []string
	for _, word := range c.Words {
		if strings.Contains(word, " ") {
			word = strconv.Quote(word)
		}
		flags = append(flags, "--confirm "+word)
	}
	return strings.Join(flags, " ")
}
