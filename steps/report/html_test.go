package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"changeover/steps"
)

func asHTML(r Report, out *bytes.Buffer) error { return r.HTML(out) }

func TestMarkdownOfANight(t *testing.T) { golden.RequireEqual(t, render(t, asMarkdown, night(t))) }

func TestHTMLOfANight(t *testing.T) { golden.RequireEqual(t, render(t, asHTML, night(t))) }

func TestHTMLOfABailOut(t *testing.T) { golden.RequireEqual(t, render(t, asHTML, bailed(t))) }

// moments are reports of all ages of a run.
func moments(t *testing.T) map[string]Input {
	t.Helper()
	unknown := halfway(t)
	unknown.View.Paused, unknown.View.Alarm = true, "the engine was restarted and maintenance mode is still on"
	unknown.View.Steps[3].State = steps.Unknown
	undoing := halfway(t)
	undoing.View.Steps[3].State = steps.RollingBack
	undoing.History.Spans = []Span{{Step: 4, Attempt: 1, For: ForUndo, Start: at(49), State: steps.RollingBack}}
	return map[string]Input{
		"nothing": {}, "fresh": {Config: config(), Made: at(0)}, "halfway": halfway(t), "unknown": unknown, "undoing": undoing,
		"bailed": bailed(t), "finished": finished(t), "night": night(t),
	}
}

func TestStanding(t *testing.T) {
	for name, want := range map[string]string{
		"fresh":    "0 of 0 steps are done.",
		"halfway":  "Step 4, Dump, is running. 3 of 12 steps are done.",
		"unknown":  "ALARM: the engine was restarted and maintenance mode is still on. Step 4, Dump, is in an unknown state. 3 of 12 steps are done. The run is paused.",
		"bailed":   "It was bailed out of: production is back on old-primary. Step 3, Into maintenance, is rolled back. Step 4, Dump, is failed. 2 of 12 steps are done.",
		"undoing":  "Step 4, Dump, is being rolled back. 3 of 12 steps are done.",
		"finished": "All twelve steps are done.",
	} {
		if got := Make(moments(t)[name]).Standing; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestEveryFormatCarriesEveryFact takes each text of the JSON and looks for it in the other two.
func TestEveryFormatCarriesEveryFact(t *testing.T) {
	for name, in := range moments(t) {
		var facts any
		if err := json.Unmarshal(render(t, asJSON, in), &facts); err != nil {
			t.Fatal(err)
		}
		page := html.UnescapeString(string(render(t, asHTML, in)))
		text := unescapeMarkdown(string(render(t, asMarkdown, in)))
		each(facts, "", func(path, value string) {
			if _, err := time.Parse(time.RFC3339, value); err == nil {
				return // times have their own tests; here they are written differently
			}
			// What spans were for is drawn, or is the label of a row.
			if strings.HasPrefix(path, ".spans") || path == ".box" || name == "finished" && path == ".standing" {
				return
			}
			if !strings.Contains(page, value) {
				t.Errorf("%s: %s = %q is not in the HTML", name, path, value)
			}
			if !strings.Contains(text, value) && path != ".standing" {
				t.Errorf("%s: %s = %q is not in the Markdown", name, path, value)
			}
		})
	}
}

func unescapeMarkdown(text string) string {
	return strings.NewReplacer(`\_`, "_", `\*`, "*", `\|`, "|", `\[`, "[", "\\`", "`", "&lt;", "<").Replace(text)
}

func each(value any, path string, do func(path, value string)) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			each(v, path+"."+name, do)
		}
	case []any:
		for _, v := range value {
			each(v, path, do)
		}
	case string:
		do(path, value)
	}
}

var svgs = regexp.MustCompile(`(?s)<svg .*?</svg>`)

// TestPicturesAreWellFormedAndHaveWords: browsers repair what is broken, and then something is missing.
func TestPicturesAreWellFormedAndHaveWords(t *testing.T) {
	for name, in := range moments(t) {
		for _, picture := range svgs.FindAllString(string(render(t, asHTML, in)), -1) {
			d := xml.NewDecoder(strings.NewReader(picture))
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v in\n%s", name, err, picture)
				}
			}
			if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") || strings.Contains(picture, `width="-`) {
				t.Errorf("%s: a size is no number:\n%s", name, picture)
			}
			if !strings.Contains(picture, `aria-hidden="true"`) && (!strings.Contains(picture, "<title id=") || !strings.Contains(picture, "<desc id=")) {
				t.Errorf("%s: a picture without words:\n%s", name, picture[:200])
			}
		}
	}
}

func TestTheGanttShowsEveryAttempt(t *testing.T) {
	g := newGantt(Make(night(t)))
	bars := map[string][]string{}
	for _, row := range g.Rows {
		for _, b := range row.Bars {
			bars[row.Label] = append(bars[row.Label], b.Class)
			if b.X < g.Left || b.X+b.W > g.Right+0.01 || b.W < thinnest {
				t.Errorf("%s has a bar from %.1f, %.1f wide; the picture has %.1f to %.1f", row.Label, b.X, b.W, g.Left, g.Right)
			}
		}
	}
	for label, want := range map[string]string{
		"Users shut out": "[outage outage]", "4 Dump": "[done]", "5 Fast primary": "[undo undo done]", "6 Restore": "[failed done]", "Paused": "[paused]",
	} {
		if got := fmt.Sprint(bars[label]); got != want {
			t.Errorf("%s: bars %s, want %s", label, got, want)
		}
	}
	if len(g.Cuts) != 1 || g.Cuts[0].Label != "24 h" {
		t.Errorf("cuts %v, want the soak of 24 h left out", g.Cuts)
	}
	if g := newGantt(Make(halfway(t))); g.Rows[4].Bars[0].Class != "running" || !strings.HasSuffix(g.Rows[4].Note, "running") {
		t.Errorf("a running step is drawn as %+v", g.Rows[4])
	}
	if newGantt(Make(Input{})) != nil || newPlot(Make(Input{})) != nil {
		t.Error("a run that did nothing has pictures")
	}
}

func TestThroughputAddsUp(t *testing.T) {
	r := Make(night(t))
	if len(r.Throughput) != 4 {
		t.Fatalf("%d transfers, want 4", len(r.Throughput))
	}
	for _, p := range r.Throughput {
		var sum float64
		for i, rate := range p.Rates {
			end := p.End
			if i+1 < len(p.Rates) {
				end = p.Rates[i+1].At
			}
			sum += float64(rate.Bytes) * end.Sub(rate.At).Seconds()
		}
		if diff := sum/float64(p.Bytes) - 1; diff > 0.001 || diff < -0.001 {
			t.Errorf("%s: the area under the curve is %.0f bytes, moved were %d", p.Name, sum, p.Bytes)
		}
		if len(p.Rates) > mostRates || p.Peak < p.Mean {
			t.Errorf("%s: %d rates, mean %d, peak %d", p.Name, len(p.Rates), p.Mean, p.Peak)
		}
	}
	if got := r.Throughput[0].Name + "; " + r.Throughput[3].Name; got != "Dump; Restore, verification, attempt 2" {
		t.Errorf("names %s", got)
	}
}

func TestThePageAsksNobodyForAnything(t *testing.T) {
	for name, in := range moments(t) {
		page := string(render(t, asHTML, in))
		for _, bad := range []string{"http:", "https:", "src=", "@import", "<script", "<link rel=\"stylesheet", "<iframe"} {
			at := strings.Index(strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, ""), bad)
			if at >= 0 {
				t.Errorf("%s: %q is in the page", name, bad)
			}
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onload='x`
	in := night(t)
	in.Config.App, in.View.Run.Box, in.Tool, in.View.Alarm = evil, evil, evil, evil
	in.Leftovers = []string{evil}
	for i := range in.View.Steps {
		in.View.Steps[i].Name, in.View.Steps[i].Reason = evil, evil
	}
	for i := range in.History.Confirmations {
		c := &in.History.Confirmations[i]
		c.Operator, c.From, c.Reason, c.Answers = evil, evil, evil, []string{evil}
	}
	in.History.Pauses[0].By, in.History.Changes[0].Action = evil, evil
	in.Facts.Set(string(steps.FactVerification), json.RawMessage(fmt.Sprintf(`{"differences":[{"kind":%q,"object":%q,"source":%q,"target":%q}]}`, evil, evil, evil, evil)))
	page := string(render(t, asHTML, in))
	for _, bad := range []string{"<script", "<img", `" onload`, "' onload"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q survived", bad)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the text is gone instead of escaped")
	}
}
