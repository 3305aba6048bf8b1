package sampledb

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// chunkBytes is about how much one INSERT adds, so that progress moves and a follower keeps up.
const chunkBytes = 16 << 20

// products is the number of rows that rows.sql gives the table of this name.
const products = 200

// large is one of the tables whose row count follows from the wanted size. Its statement inserts the
// rows lo to hi; i is the row's number.
type large struct {
	table  string
	rows   int64
	perRow int64
	insert string
}

// largeTables loads the tables in an order in which references point backwards.
func (f *filler) largeTables(ctx context.Context) error {
	for _, t := range f.plan.tables() {
		step := max(1, chunkBytes/t.perRow)
		for lo := int64(1); lo <= t.rows; lo += step {
			hi := min(lo+step-1, t.rows)
			sql := t.insert + fmt.Sprintf(" FROM generate_series(%d::bigint, %d) AS i", lo, hi)
			if err := f.run(ctx, f.expand(sql)); err != nil {
				return fmt.Errorf("%s: %w", t.table, err)
			}
			f.progress(t.table, (hi-lo+1)*t.perRow)
		}
	}
	return nil
}

// expand replaces {n}, for a digit n, by a non-negative bigint that depends on i, n and the seed, {md5 n} by
// 32 hexadecimal digits, and {salt n} by the number that makes them differ.
// hashint8extended gives the same on every major; random() does not.
func (f *filler) expand(sql string) string {
	for n := range 10 {
		salt := f.options.Seed*10 + int64(n)
		number := fmt.Sprintf("(hashint8extended(i, %d) & 9223372036854775807)", salt)
		sql = strings.ReplaceAll(sql, fmt.Sprintf("{salt %d}", n), strconv.FormatInt(salt, 10))
		digest := fmt.Sprintf("md5(i || '/%d')", salt)
		sql = strings.ReplaceAll(sql, fmt.Sprintf("{%d}", n), number)
		sql = strings.ReplaceAll(sql, fmt.Sprintf("{md5 %d}", n), digest)
	}
	return sql
}

// noise is an SQL expression of n times 32 hexadecimal digits that compress badly. It differs per row and salt.
func noise(n, salt int) string {
	return fmt.Sprintf("(SELECT string_agg(md5({%d} || ':' || k), '' ORDER BY k) FROM generate_series(1, %d) AS k)", salt, n)
}

func (p plan) tables() []large {
	return []large{
		{"customers", p.customers, customerBytes, `INSERT INTO customers (name, email, home, tags, scores, preferences, referrer_id, created_at)
			SELECT initcap(translate(substr({md5 0}, 1, 7), '0123456789', 'ghijklmnop')) || ' ' || initcap(translate(substr({md5 0}, 10, 9), '0123456789', 'qrstuvwxyz')),
				'customer' || i || '@' || substr({md5 1}, 1, 6) || '.example',
				CASE WHEN i % 5 <> 0 THEN ROW({1} % 200 || ' ' || substr({md5 1}, 8, 8) || ' St, "rear"', substr({md5 1}, 16, 6), lpad(({2} % 100000)::text, 5, '0'))::address END,
				CASE i % 4 WHEN 0 THEN '{}' WHEN 1 THEN '{new}' WHEN 2 THEN '{"says \"hi\"",NULL,back\\slash}' ELSE ARRAY['tag' || {3} % 50, 'b'] END::text[],
				CASE WHEN i % 3 = 0 THEN ARRAY[({4} % 1000)::int, NULL, -1] END,
				jsonb_build_object('locale', (ARRAY['de', 'en', 'fr', 'ja'])[1 + {5} % 4], 'mail', i % 2 = 0, 'seen', {6} % 100000),
				CASE WHEN i > 10 AND i % 4 = 0 THEN 1 + {7} % (i - 1) END,
				timestamp '2016-01-01' + i * interval '97 seconds'`},
		{"orders", p.orders, orderBytes, fmt.Sprintf(`INSERT INTO orders (customer_id, status, total, delivery, note, placed_at)
			SELECT 1 + {0} %% %d, (enum_range(NULL::order_status))[1 + {1} %% 4], ({2} %% 1000000) / 100.0,
				CASE WHEN i %% 6 = 0 THEN ROW({3} %% 90 || E'\tBack\\yard', 'Ünterstadt', NULL)::address END,
				CASE i %% 9 WHEN 0 THEN '' WHEN 1 THEN E'line one\nline two \\. \\N' WHEN 2 THEN NULL ELSE 'leave at door ' || {4} %% 5000 END,
				timestamptz '2022-06-01 00:00+00' + i * interval '61 seconds'`, p.customers)},
		{"order_items", p.items, orderItemBytes, fmt.Sprintf(`INSERT INTO order_items (order_id, line, product_id, quantity, price)
			SELECT 1 + (i - 1) %% %d, 1 + (i - 1) / %d, 1 + {0} %% %d, 1 + {1} %% 9, ({2} %% 100000) / 100.0`, p.orders, p.orders, products)},
		{"invoices", p.invoices, invoiceBytes, fmt.Sprintf(`INSERT INTO invoices (order_id, issued_on, amount, lines)
			SELECT CASE WHEN i %% 10 <> 0 THEN 1 + {0} %% %d END, date '2022-07-01' + ({1} %% 1460)::int, ({2} %% 1000000) / 100.0,
				jsonb_build_array({3} %% 1000, {md5 4}, jsonb_build_object('text', 'item ' || {5} %% 100))`, p.orders)},
		{"events", p.events, eventBytes, fmt.Sprintf(`INSERT INTO events (customer_id, kind, payload, body, occurred_at)
			SELECT CASE WHEN i %% 7 <> 0 THEN 1 + {0} %% %d END,
				CASE WHEN i %% 97 = 0 THEN 'failure' ELSE (ARRAY['view', 'click', 'search', 'buy'])[1 + {1} %% 4] END,
				jsonb_build_object('session', {md5 2}, 'path', '/shop/' || {3} %% 3000, 'ms', {4} %% 20000, 'agent', (ARRAY['firefox', 'safari', 'curl'])[1 + {5} %% 3],
					'cart', jsonb_build_array({6} %% 500, {7} %% 500), 'utm', CASE WHEN i %% 3 = 0 THEN jsonb_build_object('source', 'mail', 'n', {8} %% 40) END),
				CASE WHEN i %% 50 = 0 THEN %s ELSE 'request ' || {md5 8} || ' by ' || {md5 9} || ' done' END,
				timestamptz '2023-01-01 00:00+00' + i * interval '1.7 seconds'`, p.customers, noise(100, 9))},
		{"documents", p.documents, documentBytes, `INSERT INTO documents (id, title, body, raw)
			SELECT {md5 0}::uuid, 'Document ' || i || ' – ' || substr({md5 1}, 1, 8), repeat('All work and no play, ' || {2} % 1000 || '. ', 400), ` + noise(120, 3)},
		{"attachments", p.attachments, attachmentBytes, fmt.Sprintf(`INSERT INTO attachments (document_id, content, digest)
			SELECT CASE WHEN i %% 4 <> 0 THEN md5(1 + {0} %% %d || '/{salt 0}')::uuid END, decode(%s, 'hex'), sha256(i::text::bytea)`, p.documents, noise(280, 1))},
	}
}
