package token

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// SessionFinder finds sessions by their public names.
type SessionFinder interface {
	// FindSessionByID is SessionAdmin's.
	FindSessionByID(ctx context.Context, tenant tenancy.ID, id string, now time.Time) (Session, error)
}

// errSessionOver is told to the log of requests.
var errSessionOver = errors.New("the session that the refresh token lives as long as is over, or another host's")

// online holds an exchange to the session that its family lives as long as, and notes that it is used: that keeps it from idling out, and
// does not move its absolute end.
func (g *Refresh) online(ctx context.Context, x Exchange, a *Authorization) error {
	s, err := g.Sessions.FindSessionByID(ctx, x.Tenant.ID, a.SessionID, x.Now)
	if fault.Is(err, fault.KindNotFound) {
		a.Renewal.SessionOver = true
		return errRefresh().Because(errSessionOver)
	}
	if err != nil {
		return err
	}
	settings, err := g.Config.FindSettings(ctx, x.Tenant.ID)
	if err != nil {
		return err
	}
	absolute, idle := settings.Lifetimes(s.Ephemeral)
	if s.outlived(x.Now, absolute, idle) || s.Host != x.Tenant.Host || s.UserID != a.UserID {
		a.Renewal.SessionOver = true
		return errRefresh().Because(errSessionOver)
	}
	a.Ephemeral = s.Ephemeral
	a.Renewal.Rotation.Session = &SessionUse{
		SessionID: s.ID, ClientID: x.Client.ID, Hears: x.Client.Backchannel.URL != "", Now: x.Now, IdleUntil: earlier(x.Now.Add(idle), s.Until),
		Origin: x.Origin.clipped(),
	}
	return nil
}

// endOnline ends the session of a refresh token that lives as long as it: the one cannot be taken back without the other.
func (r *Revoker) endOnline(ctx context.Context, t tenancy.Tenant, family RefreshToken, f Fact) error {
	err := r.Sessions.EndSession(ctx, t.ID, SessionEnd{SessionID: family.SessionID, By: ByRevocation, Now: f.Time}, f)
	if fault.Is(err, fault.KindNotFound) { // it ended meanwhile
		return nil
	}
	return err
}

// SessionEnder ends sessions.
type SessionEnder interface {
	// EndSession is LoginStore's.
	EndSession(ctx context.Context, tenant tenancy.ID, e SessionEnd, fact Fact) error
}
