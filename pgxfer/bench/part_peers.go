package main

import (
	"context"
	"fmt"
)

// peers is the comparison with what people use.
type peers struct {
	Bytes   int64    `json:"database_bytes"`
	Rows    int64    `json:"rows"`
	Tables  int      `json:"tables"`
	Samples []sample `json:"samples"`
	Bound   bound    `json:"lower_bound"`
}

// shapesName is the database with all five shapes.
const shapesName = "shapes"

// runPeers runs each way once in each round.
func (b *bench) runPeers(ctx context.Context) error {
	source, want, err := b.shapes(ctx)
	if err != nil {
		return err
	}
	p := &peers{}
	b.results.Peers = p
	if err := p.measure(ctx, b, source, want); err != nil {
		return err
	}
	critical := &alone{}
	for round := range b.options.Rounds {
		for _, w := range b.options.peers() {
			if err := b.once(ctx, w, &trial{source: source, target: b.targetOf(source), jobs: b.options.Jobs}, want, round, &p.Samples); err != nil {
				return err
			}
		}
		if err := critical.measure(ctx, b, source); err != nil {
			return err
		}
	}
	p.Bound = critical.lowerBound(b.results.Machine.Cores, p.Samples)
	b.say("lower bound: %s", p.Bound)
	return nil
}

// once runs a way and keeps what it came to.
func (b *bench) once(ctx context.Context, w way, t *trial, want contents, round int, samples *[]sample) error {
	s, err := b.try(ctx, w, t, want)
	if err != nil {
		return err
	}
	s.Round = round + 1
	*samples = append(*samples, s)
	if s.Error != "" {
		b.say("round %d, %s with %d jobs FAILED: %s", s.Round, w.name, s.Jobs, s.Error)
		return nil
	}
	b.say("round %d, %s with %d jobs: %.2f s (other programs used %.1f s of CPU meanwhile)", s.Round, w.name, s.Jobs, s.Seconds, s.OtherCPU)
	return nil
}

// shapes makes the database with all five shapes, once.
func (b *bench) shapes(ctx context.Context) (database, contents, error) {
	if b.stock == nil {
		b.say("making a database of %d MB", b.options.Megabytes)
		_, stock, err := b.servers.makeSource(ctx, shapesName, shapes(b.options.Megabytes))
		if err != nil {
			return database{}, nil, err
		}
		b.stock = stock
	}
	return b.servers.database(b.servers.source, shapesName), b.stock, nil
}

// targetOf is the database of the same name on the target.
func (b *bench) targetOf(d database) database { return b.servers.database(b.servers.target, d.name) }

func (p *peers) measure(ctx context.Context, b *bench, source database, want contents) error {
	conn, err := source.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for what, n := range want {
		if len(what) > 8 && what[:8] == "rows of " {
			p.Tables++
			p.Rows += n
		}
	}
	if err := conn.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&p.Bytes); err != nil {
		return fmt.Errorf("measuring the database: %w", err)
	}
	b.say("%d MB, %d tables, %d rows", p.Bytes/1e6, p.Tables, p.Rows)
	return nil
}
