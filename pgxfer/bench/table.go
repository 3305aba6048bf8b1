package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is printed as Markdown, in columns that people can read as they are.
type table struct {
	columns []string
	right   int // how many columns, from the second on, are numbers
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.columns))
	for _, row := range append([][]string{t.columns}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(escape(cell)), 3)
		}
	}
	line := func(cells []string) {
		padded := make([]string, len(t.columns))
		for i := range padded {
			cell := ""
			if i < len(cells) {
				cell = escape(cells[i])
			}
			room := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.number(i) {
				padded[i] = room + cell
			} else {
				padded[i] = cell + room
			}
		}
		fmt.Fprintln(w, "| "+strings.Join(padded, " | ")+" |")
	}
	line(t.columns)
	rule := make([]string, len(t.columns))
	for i := range rule {
		rule[i] = strings.Repeat("-", widths[i])
		if t.number(i) {
			rule[i] = rule[i][1:] + ":"
		}
	}
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
}

func (t *table) number(column int) bool { return column > 0 && column <= t.right }

func escape(cell string) string { return strings.ReplaceAll(cell, "|", `\|`) }
