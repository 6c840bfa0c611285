package events

import (
	"context"
	"log/slog"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
)

// Configuration is what is remembered of the neighbours' things.
type Configuration interface {
	Changed(tenant tenancy.ID, kind, id string)
	Missed()
}

// Ring is what is remembered of keys.
type Ring interface {
	Forget(tenant tenancy.ID)
	Missed()
}

// Follower makes the caches drop what neighbours, and this service's other processes, say has changed.
type Follower struct {
	Conn          *natskit.Conn
	Configuration Configuration
	Ring          Ring
	Log           *slog.Logger
}

// subjects are what the caches depend on.
var subjects = []string{logapi.ClientSubjects, "postern.tenant.>", logapi.KeySubjects}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	return natskit.Follow(ctx, f.Conn, subjects, func(m natskit.Message) { f.handle(ctx, m) }, func() {
		f.Configuration.Missed()
		f.Ring.Missed()
	})
}

func (f *Follower) handle(ctx context.Context, m natskit.Message) {
	e, err := logapi.Decode(m.Payload)
	if err != nil { // what it changed cannot be known, so all of it is doubtful
		f.Log.WarnContext(ctx, "event not understood", slog.String(telemetry.KeySubject, m.Subject), slog.String(telemetry.KeyCause, err.Error()))
		f.Configuration.Missed()
		f.Ring.Missed()
		return
	}
	switch {
	case e.Object == nil:
		f.Configuration.Changed(e.Tenant, "", "")
	case e.Object.Kind == "key":
		f.Ring.Forget(e.Tenant)
	case e.Subject == logapi.SettingsUpdated:
		f.Configuration.Changed(e.Tenant, "settings", "")
	default:
		f.Configuration.Changed(e.Tenant, e.Object.Kind, e.Object.ID)
	}
	if e.Subject == logapi.TenantRemoved {
		f.Ring.Forget(e.Tenant)
	}
}
