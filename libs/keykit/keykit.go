// Package keykit is how a service that is called with this platform's tokens has the keys by which they verify: asked of the token
// service, kept in memory, and dropped within a second of a change. It never sees a private key.
package keykit

import (
	"context"
	"log/slog"

	logapi "github.com/postern-id/postern/libs/api/log"
	tokenapi "github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
)

// Keys are the tenants' public keys. Safe for concurrent use.
type Keys struct {
	*jwtkit.CachedKeys

	conn *natskit.Conn
	log  *slog.Logger
}

// New makes Keys that the token service is asked for. Run makes them hear of changes; without it they are up to a minute old.
func New(tokens tokenapiconnect.TokenServiceClient, conn *natskit.Conn, now clock.Now, log *slog.Logger) *Keys {
	fetch := func(ctx context.Context, tenant tenancy.ID) ([]byte, error) {
		res, err := tokens.ListKeys(ctx, &tokenapi.ListKeysRequest{TenantId: string(tenant)})
		if err != nil {
			return nil, err
		}
		return res.GetJwksJson(), nil
	}
	return &Keys{CachedKeys: jwtkit.NewCachedKeys(fetch, now), conn: conn, log: log}
}

// Run drops keys that changed, and those of tenants that are gone, until ctx ends. After a gap in the stream all are asked for anew.
func (k *Keys) Run(ctx context.Context) error {
	return natskit.Follow(ctx, k.conn, []string{logapi.KeySubjects, logapi.TenantRemoved}, func(m natskit.Message) {
		event, err := logapi.Decode(m.Payload)
		if err != nil { // whose keys changed cannot be known, so all are doubtful
			k.log.WarnContext(ctx, "event not understood", slog.String(telemetry.KeySubject, m.Subject), slog.String(telemetry.KeyCause, err.Error()))
			k.Missed()
			return
		}
		k.Forget(event.Tenant)
	}, k.Missed)
}
