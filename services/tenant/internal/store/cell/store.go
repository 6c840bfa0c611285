// Package cell keeps tenants' settings in their cell's PostgreSQL: schema tenant of the cell's database, under row-level security.
// It fills tenant.SettingsStore.
package cell

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/store/cell/sqlcgen"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the schema's, for pgkit.Migrate.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Store is the settings table. Safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	q    *sqlcgen.Queries
	now  clock.Now
	kick func()
}

// New makes a store over a pool of the runtime role; kick wakes the relay of the outbox.
func New(pool *pgxpool.Pool, now clock.Now, kick func()) *Store {
	return &Store{pool: pool, q: sqlcgen.New(pool), now: now, kick: kick}
}

var errNoSettings = fault.NotFound("The tenant has no settings")

// Create implements tenant.SettingsStore.
func (s *Store) Create(ctx context.Context, id tenancy.ID, settings tenant.Settings) error {
	document, err := encode(settings)
	if err != nil {
		return err
	}
	return pgkit.Error(pgkit.InTenant(ctx, s.pool, id, func(tx pgx.Tx) error {
		return s.q.WithTx(tx).CreateSettings(ctx, sqlcgen.CreateSettingsParams{TenantID: string(id), Document: document, CreatedAt: s.now()})
	}), nil)
}

// Find implements tenant.SettingsStore.
func (s *Store) Find(ctx context.Context, id tenancy.ID) (tenant.Settings, error) {
	var document []byte
	err := pgkit.InTenantRead(ctx, s.pool, id, func(tx pgx.Tx) (err error) {
		document, err = s.q.WithTx(tx).FindSettings(ctx, string(id))
		return err
	})
	if err != nil {
		return nil, pgkit.Error(err, errNoSettings)
	}
	return decode(document)
}

// Update implements tenant.SettingsStore.
func (s *Store) Update(ctx context.Context, id tenancy.ID, change func(tenant.Settings) (tenant.Settings, error)) (tenant.Settings, error) {
	var updated tenant.Settings
	err := pgkit.InTenant(ctx, s.pool, id, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		document, err := q.LockSettings(ctx, string(id))
		if err != nil {
			return err
		}
		old, err := decode(document)
		if err != nil {
			return err
		}
		if updated, err = change(old); err != nil {
			return err
		}
		if document, err = encode(updated); err != nil {
			return err
		}
		now := s.now()
		if err := q.UpdateSettings(ctx, sqlcgen.UpdateSettingsParams{TenantID: string(id), Document: document, UpdatedAt: now}); err != nil {
			return err
		}
		event := logapi.New(now, id, logapi.SettingsUpdated)
		event.Object = &logapi.Object{Kind: "settings", ID: string(id)}
		event.Entry = logapi.EntryOf(audit.From(ctx).Answered(updated))
		return appendEvent(ctx, tx, event)
	})
	if err != nil {
		return nil, pgkit.Error(err, errNoSettings)
	}
	s.kick()
	return updated, nil
}

// Remove implements tenant.SettingsStore. Facts that are not published yet go too: nobody is left to read them.
func (s *Store) Remove(ctx context.Context, id tenancy.ID) error {
	return pgkit.Error(pgkit.InTenant(ctx, s.pool, id, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if err := q.DeleteSettings(ctx, string(id)); err != nil {
			return err
		}
		if err := q.DeleteOutbox(ctx, string(id)); err != nil {
			return err
		}
		// The others of the cell drop what they cached of the tenant.
		return appendEvent(ctx, tx, logapi.New(s.now(), id, logapi.TenantRemoved))
	}), nil)
}

func appendEvent(ctx context.Context, tx pgx.Tx, event logapi.Event) error {
	payload, err := event.Encode()
	if err != nil {
		return fault.Internal(err)
	}
	return pgkit.AppendOutbox(ctx, tx, event.Tenant, event.Subject, event.ID, payload)
}

func encode(settings tenant.Settings) ([]byte, error) {
	if settings == nil {
		settings = tenant.Settings{}
	}
	document, err := json.Marshal(settings)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding settings: %w", err))
	}
	return document, nil
}

func decode(document []byte) (tenant.Settings, error) {
	settings := tenant.Settings{}
	if err := json.Unmarshal(document, &settings); err != nil {
		return nil, fault.Internal(fmt.Errorf("decoding settings: %w", err))
	}
	return settings, nil
}
