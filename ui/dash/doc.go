// Package dash is the full-screen dashboard. It draws a [steps.View], and turns keys into commands.
//
// There is one Bubble Tea model. Panels are plain structs and functions that draw into a rectangle; where the
// rectangles are is a pure function of the terminal's size. Update does no I/O: events arrive from one goroutine
// that coalesces them, and commands leave through functions that Bubble Tea runs. Nothing the dashboard does on its
// own, leaving included, changes the run.
//
// Everything is drawn with box and block characters; for terminals without UTF-8 the finished frame is translated
// to ASCII, cell by cell, so that there is one drawing and not two.
package dash
