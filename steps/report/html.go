package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"changeover/steps"
)

//go:embed page
var pageFiles embed.FS

var page = template.Must(template.New("").Funcs(template.FuncMap{
	"stamp": stamp, "number": number, "size": size, "whole": whole, "count": count, "money": money, "join": strings.Join,
	"rate": rate, "int64": func(n int) int64 { return int64(n) }, "px": func(v float64) string { return fmt.Sprintf("%.1f", v) },
	"seconds": func(s float64) string { return clock(duration(s)) }, "glyph": glyph, "what": Confirmation.what,
	"plus": func(a, b float64) float64 { return a + b }, "minus": func(a, b float64) float64 { return a - b },
}).ParseFS(pageFiles, "page/*.tmpl"))

// HTML writes the report as one page that needs nothing else: style and pictures are in it, and it forbids the browser
// to ask anybody for anything. Whatever text a run has collected is escaped.
func (r Report) HTML(w io.Writer) error {
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	data := struct {
		Report
		Style       template.CSS
		Gantt       *gantt
		Plot        *plot
		BudgetUsed  float64 // percent, at most 100
		OverBudget  bool
		Differences string
	}{Report: r, Style: template.CSS(style), Gantt: newGantt(r), Plot: newPlot(r), Differences: r.differences()}
	if r.BudgetSeconds > 0 {
		data.BudgetUsed = min(r.OutageSeconds/r.BudgetSeconds*100, 100)
		data.OverBudget = r.OutageSeconds > r.BudgetSeconds
	}
	if err := page.ExecuteTemplate(w, "report.html.tmpl", data); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// glyph stands before the word of a state, so that nothing hangs on colour.
func glyph(state steps.State) string {
	switch state {
	case steps.Done:
		return "✓"
	case steps.Running, steps.Verifying:
		return "▶"
	case steps.Paused:
		return "‖"
	case steps.Failed, steps.NeedsHuman:
		return "!"
	case steps.Unknown:
		return "?"
	case steps.RollingBack, steps.RolledBack:
		return "↺"
	case steps.Ready:
		return "○"
	default:
		return "·"
	}
}
