package httpapi

import (
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Management is what the operations of the Management API call.
type Management struct {
	Ring     Ring
	Keys     *token.Keys
	Consents token.ConsentStore
	Devices  *token.Devices
	Sessions *token.Sessions
	Now      clock.Now
}

// MountManagement hangs this service's operations of the Management API on api.
func MountManagement(api *mgmtkit.API, d Management) {
	d.mountKeys(api)
	d.mountGrants(api)
	d.mountSessions(api)
	d.mountRefreshTokens(api)
	d.mountDeviceCredentials(api)
}
