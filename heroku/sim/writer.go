package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// writeTime bounds one transaction of a writer, so that a dyno cannot outlive its SIGKILL.
	writeTime = 5 * time.Second
	// retryEvery is how often a dyno without a database tries again, at least.
	retryEvery = 500 * time.Millisecond
)

// writer is the process inside a dyno: it writes numbered rows to the database it was started with.
type writer struct {
	name   string
	url    secret
	every  time.Duration
	ledger *ledger
	now    func() time.Time
	// idle says that no work arrives: web dynos behind the maintenance page.
	idle func() bool
	// report tells how the last attempt went.
	report func(error)

	conn *pgx.Conn
	// shop says that the sample data's tables are there, to be written to as well.
	shop bool
}

// newWriter makes the process of a dyno. Dynos of further apps get names of their own.
func (s *Server) newWriter(d *dyno, url secret) *writer {
	w := &writer{name: d.process, url: url, every: s.opts.Writers.Every, ledger: s.ledger, now: s.now}
	if d.app.name != s.opts.App {
		w.name = d.app.name + "/" + d.process
	}
	w.idle = func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return d.kind == "web" && d.app.maintenance && !s.now().Before(d.app.maintenanceSince.Add(s.opts.Delays.WebDrain))
	}
	w.report = func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		state := "up"
		if err != nil {
			state = "crashed"
		}
		if d.state != state {
			s.opts.Log("dyno %s is %s", w.name, state)
			d.state, d.updated = state, s.now()
		}
	}
	return w
}

// run writes until finished is closed, always ending a transaction that was begun, or until ctx ends.
func (w *writer) run(ctx context.Context, finished <-chan struct{}) {
	defer w.disconnect()
	for {
		pause := w.every
		if !w.idle() {
			err := w.write(ctx)
			w.report(err)
			if err != nil {
				w.ledger.failed(w.name, err)
				w.disconnect()
				pause = max(w.every, retryEvery)
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-finished:
			timer.Stop()
			return
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.conn.Close(ctx)
	w.conn = nil
}

func (w *writer) connect(ctx context.Context) error {
	if w.url == "" {
		return errors.New("no DATABASE_URL")
	}
	config, err := pgx.ParseConfig(string(w.url))
	if err != nil {
		return errors.New("DATABASE_URL cannot be read") // the error of pgx may quote it
	}
	config.RuntimeParams["application_name"] = w.name
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	w.conn = conn
	return conn.QueryRow(ctx, "SELECT to_regclass('public.orders') IS NOT NULL AND to_regclass('public.events') IS NOT NULL").Scan(&w.shop)
}

// write does one transaction: the writer's next number, and an order with its event when there is a shop.
func (w *writer) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	if w.conn == nil {
		if err := w.connect(ctx); err != nil {
			return err
		}
	}
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()

	// The lock waits for a transaction of ours whose connection broke and which the server may still be
	// committing: only then is the highest number final.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", "app_writes "+w.name); err != nil {
		return err
	}
	var highest int64
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) FROM app_writes WHERE writer = $1", w.name).Scan(&highest); err != nil {
		return err
	}
	w.ledger.found(w.name, highest)
	n := highest + 1
	if _, err := tx.Exec(ctx, "INSERT INTO app_writes (writer, n, payload) VALUES ($1, $2, md5($1::text || $2::bigint::text))", w.name, n); err != nil {
		return err
	}
	if w.shop {
		if err := w.sell(ctx, tx, n); err != nil {
			return fmt.Errorf("order: %w", err)
		}
	}
	w.ledger.attempt(w.name, n)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	w.ledger.acknowledged(w.name, n, w.now())
	return nil
}

// sell writes what a shop's dyno writes: an order that is placed and then paid, and an event about it.
func (w *writer) sell(ctx context.Context, tx pgx.Tx, n int64) error {
	var order, customer int64
	err := tx.QueryRow(ctx, `INSERT INTO public.orders (customer_id, status, total, placed_at)
		SELECT id, 'placed', 10 + $1::bigint % 90, now() FROM public.customers ORDER BY id OFFSET $1::bigint % 5 LIMIT 1
		RETURNING id, customer_id`, n).Scan(&order, &customer)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE public.orders SET status = 'paid', note = $2, updated_at = now() WHERE id = $1", order, "by "+w.name); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO public.events (customer_id, kind, payload, occurred_at)
		VALUES ($1, 'order.paid', jsonb_build_object('order', $2::bigint, 'writer', $3::text), now())`, customer, order, w.name)
	return err
}
