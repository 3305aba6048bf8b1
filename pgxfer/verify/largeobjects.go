package verify

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/zeebo/xxh3"

	"changeover/pgxfer"
)

// objects sums up all large objects: how many, how long, and a digest of number and content of each.
type objects struct {
	count, bytes int64
	a, b         uint64
}

func (o objects) String() string {
	return fmt.Sprintf("%d objects, %d bytes, digest %016x%016x", o.count, o.bytes, o.a, o.b)
}

// allObjects sums up large objects as the level asks for: their numbers, or their content as well.
func (s *side) allObjects(ctx context.Context, level string) (objects, error) {
	if level == pgxfer.LevelDigest {
		return s.largeObjects(ctx)
	}
	var sum objects
	var digest int64
	err := s.keeper.QueryRow(ctx, `SELECT pg_catalog.count(*), COALESCE(pg_catalog.sum(oid::bigint), 0)::bigint FROM pg_catalog.pg_largeobject_metadata`).Scan(
		&sum.count, &digest)
	if err != nil {
		return sum, fmt.Errorf("counting large objects of %s: %w", s.endpoint, err)
	}
	sum.a = uint64(digest)
	return sum, nil
}

const (
	objectBatch = 64        // objects per query
	objectChunk = 256 << 10 // bytes of each in the first query, and per query afterwards
)

// largeObjects reads every large object through lo_get: the table behind it is closed to all but superusers. An object can be of
// terabytes, so it is read in pieces. Only the owner may read one, so an object of somebody else is an error and not left out.
func (s *side) largeObjects(ctx context.Context) (objects, error) {
	var sum objects
	after := int64(-1)
	for {
		rows, err := s.keeper.Query(ctx, `SELECT oid::bigint, pg_catalog.lo_get(oid, 0, $3) FROM
			(SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid::bigint > $1 ORDER BY oid LIMIT $2) batch ORDER BY 1`,
			after, objectBatch, objectChunk)
		if err != nil {
			return sum, fmt.Errorf("reading large objects of %s: %w", s.endpoint, err)
		}
		type object struct {
			OID  int64
			Data []byte
		}
		batch, err := pgx.CollectRows(rows, pgx.RowToStructByPos[object])
		if err != nil {
			return sum, fmt.Errorf("reading large objects of %s: %w", s.endpoint, err)
		}
		for _, o := range batch {
			if err := s.addObject(ctx, &sum, o.OID, o.Data); err != nil {
				return sum, fmt.Errorf("reading large object %d of %s: %w", o.OID, s.endpoint, err)
			}
			after = o.OID
		}
		if len(batch) < objectBatch {
			return sum, nil
		}
	}
}

func (s *side) addObject(ctx context.Context, sum *objects, oid int64, data []byte) error {
	hash := xxh3.New()
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(oid))
	_, _ = hash.Write(number[:])
	length := int64(0)
	for {
		_, _ = hash.Write(data)
		length += int64(len(data))
		if len(data) < objectChunk {
			break
		}
		if err := s.keeper.QueryRow(ctx, `SELECT pg_catalog.lo_get($1::bigint::oid, $2, $3)`, oid, length, objectChunk).Scan(&data); err != nil {
			return err
		}
	}
	digest := hash.Sum128()
	sum.count++
	sum.bytes += length
	sum.a += digest.Lo
	sum.b += digest.Hi
	return nil
}
