package events

import (
	"context"
	"log/slog"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/token/internal/token"
)

// UserFollower ends sessions of users to whom something happened. The processes of a cell share the work.
type UserFollower struct {
	Conn     *natskit.Conn
	Sessions *token.Sessions
	Log      *slog.Logger
	// Stream and Subjects are set by tests alone; empty means EVENTS and what the user service tells of changed and deleted users.
	Stream   string
	Subjects []string
}

// Run follows until ctx ends.
func (f *UserFollower) Run(ctx context.Context) error {
	cfg := natskit.ConsumerConfig{Stream: f.Stream, Durable: "token-users", Subjects: f.Subjects}
	if len(cfg.Subjects) == 0 {
		cfg.Subjects = []string{logapi.UserUpdated, logapi.UserDeleted}
	}
	return natskit.Consume(ctx, f.Conn, cfg, f.handle)
}

// handle takes a batch; one user's events in it are one look at the user.
func (f *UserFollower) handle(ctx context.Context, batch []natskit.Message) error {
	type user struct{ tenant, id string }
	seen := map[user]bool{}
	for _, m := range batch {
		e, err := logapi.Decode(m.Payload)
		if err != nil || e.Object == nil || e.Object.ID == "" { // it will never be understood; a session that is over dies at its next use
			f.Log.WarnContext(ctx, "event not understood", slog.String(telemetry.KeySubject, m.Subject))
			continue
		}
		u := user{string(e.Tenant), e.Object.ID}
		if seen[u] {
			continue
		}
		seen[u] = true
		if err := f.Sessions.Follow(ctx, e.Tenant, u.id); err != nil {
			return err
		}
	}
	return nil
}
