package sampledb

// Bytes per row with all indexes and TOAST, and fixed sizes, as measured on PostgreSQL 15 and 17 by
// TestMeasureBytesPerRow at 400 MB.
const (
	eventBytes      = 552
	customerBytes   = 440
	orderBytes      = 205
	orderItemBytes  = 100
	invoiceBytes    = 214
	documentBytes   = 4500
	attachmentBytes = 5760

	// emptyBytes is a database with nothing of ours; it differs little between majors.
	emptyBytes = 7700 << 10
	// smallTableBytes is a small table with its rows, index, TOAST and catalog entries.
	smallTableBytes = 48 << 10
	// otherBytes is everything whose size does not depend on the options.
	otherBytes = 3 << 20

	// eventShare is the dominating table's part of the whole database; small databases, where catalogs
	// and small tables weigh more, give it the given part of what is left.
	eventShare     = 0.67
	eventShareLeft = 0.75
)

// plan is how many rows each large table gets.
type plan struct {
	events, customers, orders, items, invoices, documents, attachments int64
}

// planFor divides the bytes among the tables. It looks at nothing but its arguments, so that equal options
// give equal rows everywhere.
func planFor(bytes int64, smallTables int) plan {
	left := float64(bytes - emptyBytes - otherBytes - int64(smallTables)*smallTableBytes)
	left = max(left, 256<<10) // too small a wish: a little of everything all the same
	events := min(eventShare*float64(bytes), eventShareLeft*left)
	rest := left - events
	rows := func(part float64, perRow int64) int64 {
		return max(20, int64(part)/perRow)
	}
	return plan{
		events:      rows(events, eventBytes),
		customers:   rows(0.15*rest, customerBytes),
		orders:      rows(0.20*rest, orderBytes),
		items:       rows(0.20*rest, orderItemBytes),
		invoices:    rows(0.15*rest, invoiceBytes),
		documents:   rows(0.20*rest, documentBytes),
		attachments: rows(0.10*rest, attachmentBytes),
	}
}
