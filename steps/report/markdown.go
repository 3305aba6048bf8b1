package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer"
	"changeover/steps"
)

// Markdown writes the report for people.
func (r Report) Markdown(w io.Writer) error {
	m := &markdown{}
	m.summary(r)
	m.timeline(r)
	m.steps(r)
	m.outages(r)
	m.lossy(r)
	m.transfer(r)
	m.throughput(r)
	m.verification(r)
	m.databases(r)
	m.confirmations(r)
	m.changes(r)
	m.leftovers(r)
	if _, err := io.WriteString(w, m.String()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

type markdown struct{ strings.Builder }

func (m *markdown) line(text string, args ...any) { fmt.Fprintf(m, text+"\n", args...) }

func (m *markdown) heading(text string) { m.line("\n## %s\n", text) }

// row writes cells; whatever is in them stays in its cell.
func (m *markdown) row(cells ...string) {
	for i := range cells {
		cells[i] = escape(cells[i])
	}
	m.line("| %s |", strings.Join(cells, " | "))
}

// head writes the first two rows of a table. A name with ":" behind it is a column of numbers.
func (m *markdown) head(names ...string) {
	rule := make([]string, len(names))
	for i, name := range names {
		rule[i] = "---"
		if plain, ok := strings.CutSuffix(name, ":"); ok {
			names[i], rule[i] = plain, "--:"
		}
	}
	m.row(names...)
	m.line("| %s |", strings.Join(rule, " | "))
}

var escapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`, "\n", " ", "\r", " ")

func escape(text string) string { return escapes.Replace(text) }

func (m *markdown) summary(r Report) {
	m.line("# Migration of %s: PostgreSQL %s to %s\n", escape(r.App), escape(r.FromVersion), escape(r.ToVersion))
	if r.Rehearsal {
		m.line("**This was a rehearsal: Heroku was simulated, the databases were real and local, and nothing was billed.**\n")
	}
	if !r.Complete {
		m.line("**The run is not complete.** %s\n", escape(r.Standing))
	}
	m.head("", "")
	m.row("Run", r.Run)
	m.row("Started", stamp(r.Started))
	m.row("Finished", stamp(r.Finished))
	m.row("Took", clock(duration(r.Seconds)))
	m.row("Production down", fmt.Sprintf("%s s in %s (budget %s)", number(r.OutageSeconds), count(len(r.Outages), "outage"), clock(duration(r.BudgetSeconds))))
	m.row("Size of the old database", size(r.Bytes))
	m.row("Differences found", r.differences())
	m.row("Cost", money(r.CostCents))
	m.row("Leftovers", fmt.Sprint(len(r.Leftovers)))
	if r.Box != "" {
		m.row("Box", r.Box)
	}
	m.row("Report made", strings.TrimSpace(stamp(r.Made)+" "+r.Tool))
}

func (r Report) differences() string {
	if r.Verification == nil {
		return "not compared yet"
	}
	return fmt.Sprint(r.Verification.Differences)
}

func (m *markdown) timeline(r Report) {
	var spans []span
	for _, s := range r.Steps {
		for _, worked := range r.spansOf(s) {
			label := fmt.Sprintf("%2d %s", s.Number, s.Name)
			if worked.For == ForUndo {
				label += ", undone"
			}
			spans = append(spans, span{label, worked.Start, until(worked.End, r.Made), '█'})
		}
	}
	for _, s := range r.Spans {
		if s.For == ForBail {
			spans = append(spans, span{"   bail-out", s.Start, until(s.End, r.Made), '█'})
		}
	}
	for _, o := range r.Outages {
		spans = append(spans, span{"   outage", o.Start, until(o.End, r.Made), '▒'})
	}
	for _, p := range r.Pauses {
		spans = append(spans, span{"   paused", p.Start, until(p.End, r.Made), '‖'})
	}
	rows := timeline(spans, 60)
	if len(rows) == 0 {
		return
	}
	m.heading("Timeline")
	m.line("```text\n%s\n```", strings.Join(rows, "\n"))
	for _, row := range rows {
		if strings.Contains(row, "~") {
			m.line("\n`~` stands for a stretch in which nothing ran.")
			break
		}
	}
}

func (m *markdown) steps(r Report) {
	m.heading("Steps")
	m.head("#:", "Step", "State", "Seconds:", "Attempts:", "Evidence")
	for _, s := range r.Steps {
		m.row(fmt.Sprint(s.Number), s.Name, string(s.State), number(s.Seconds), fmt.Sprint(s.Attempts), s.Evidence)
	}
}

func (m *markdown) outages(r Report) {
	m.heading("Outages")
	if len(r.Outages) == 0 {
		m.line("None so far.")
		return
	}
	m.head("Steps", "From", "To", "Seconds:")
	for _, o := range r.Outages {
		end := stamp(o.End)
		if o.End.IsZero() {
			end = "still lasting"
		}
		span := steps.Outage{FromStep: o.FromStep, ToStep: o.ToStep, End: o.End}.Span()
		m.row(span, stamp(o.Start), end, number(o.Seconds))
	}
	m.row("all", "", "", number(r.OutageSeconds))
}

func (m *markdown) transfer(r Report) {
	m.heading("Transfer")
	t := r.Transfer
	if t == nil {
		m.line("Nothing was dumped yet.")
		return
	}
	m.head("", "")
	m.row("Engine", t.Engine)
	m.row("Tables", whole(int64(t.Tables)))
	m.row("Rows", whole(t.Rows))
	m.row("Data", size(t.Bytes))
	m.row("Archive on disk", size(t.ArchiveBytes))
	m.row("Dump", fmt.Sprintf("%s s%s", number(t.DumpSeconds), rate(t.Bytes, t.DumpSeconds)))
	if t.RestoreSeconds > 0 {
		m.row("Restore", fmt.Sprintf("%s s%s", number(t.RestoreSeconds), rate(t.Bytes, t.RestoreSeconds)))
		m.row("Indexes", whole(int64(t.Indexes)))
	}
	m.skipped(t.Skipped)
}

// throughput is the plot of the other format in numbers.
func (m *markdown) throughput(r Report) {
	m.heading("Throughput")
	if len(r.Throughput) == 0 {
		m.line("Nothing was measured.")
		return
	}
	m.head("Transfer", "From", "To", "Moved:", "On average:", "At most:")
	for _, t := range r.Throughput {
		m.row(t.Name, stamp(t.Start), stamp(t.End), size(t.Bytes), size(t.Mean)+"/s", size(t.Peak)+"/s")
	}
}

func (m *markdown) skipped(list []pgxfer.Skipped) {
	if len(list) == 0 {
		m.line("\nNothing was left out.")
		return
	}
	m.line("\nLeft out on purpose:\n")
	m.head("Kind", "Object", "Why")
	for _, s := range list {
		m.row(s.Kind, s.Name, s.Reason)
	}
}

func (m *markdown) verification(r Report) {
	m.heading("Verification")
	v := r.Verification
	if v == nil {
		m.line("The databases were not compared yet.")
		return
	}
	m.head("Compared", "Number:")
	m.row("Tables", whole(int64(v.Tables)))
	m.row("Rows", whole(v.Rows))
	m.row("Sequences", whole(int64(v.Sequences)))
	m.row("Large objects", whole(v.LargeObjects))
	m.row("Differences", whole(int64(v.Differences)))
	m.line("\nIt took %s s.", number(v.Seconds))
	if v.Differences == 0 {
		return
	}
	m.line("")
	m.head("Difference", "Object", "Source", "Target")
	for _, d := range v.DifferenceList {
		m.row(d.Kind, d.Object, d.Source, d.Target)
	}
}

func (m *markdown) databases(r Report) {
	m.heading("Databases")
	m.head("Role", "Add-on", "Plan", "State", "Per hour:", "Created", "Destroyed")
	for _, d := range r.Databases {
		m.row(string(d.Role), d.Name, d.Plan, d.State, d.Price(), stamp(d.Created), stamp(d.Destroyed))
	}
	m.line("\nThe run has cost %s.", money(r.CostCents))
}

// Price is what it costs an hour.
func (d Database) Price() string {
	if d.Role == steps.OldPrimary && d.CentsHour == 0 {
		return "–" // it was paid for before and is none of the run's cost
	}
	return money(d.CentsHour)
}

func (m *markdown) confirmations(r Report) {
	m.heading("Confirmations")
	if len(r.Confirmations) == 0 {
		m.line("None are recorded.")
		return
	}
	m.head("When", "Who", "What", "Typed", "Reason")
	for _, c := range r.Confirmations {
		who := c.Operator
		if c.From != "" {
			who += " from " + c.From
		}
		m.row(stamp(c.At), who, c.what(), strings.Join(c.Answers, ", "), c.Reason)
	}
}

// what was confirmed, in words.
func (c Confirmation) what() string {
	if c.Step > 0 {
		return fmt.Sprintf("%s step %d", c.Verb, c.Step)
	}
	return string(c.Verb)
}

func (m *markdown) changes(r Report) {
	m.heading("What was changed outside")
	if len(r.Changes) == 0 {
		m.line("Nothing is recorded.")
		return
	}
	m.head("When", "Step", "Change", "Outcome")
	for _, c := range r.Changes {
		step := "bail"
		if c.Step > 0 {
			step = fmt.Sprint(c.Step)
		}
		m.row(stamp(c.At), step, c.Action, c.Outcome)
	}
}

func (m *markdown) leftovers(r Report) {
	m.heading("Leftovers")
	if len(r.Leftovers) == 0 {
		m.line("None.")
		return
	}
	for _, l := range r.Leftovers {
		m.line("- %s", escape(l))
	}
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return "–"
	}
	return at.UTC().Format("2006-01-02 15:04:05 UTC")
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

func number(seconds float64) string { return fmt.Sprintf("%.1f", seconds) }

func size(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

func whole(n int64) string { return strings.ReplaceAll(humanize.Comma(n), ",", " ") }

func money(cents int64) string { return fmt.Sprintf("$%d.%02d", cents/100, cents%100) }

func rate(n int64, seconds float64) string {
	if seconds <= 0 || n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%s/s)", size(int64(float64(n)/seconds)))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
