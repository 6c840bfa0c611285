// Package pgkit opens PostgreSQL one way for every service: a pool for the runtime role, migrations by the owner role,
// transactions that carry their tenant (so that row-level security sees it), the translation of SQLSTATEs into faults, and the
// outbox with its relay. It knows no table but the outbox, and it never retries a statement.
package pgkit
