package token

import (
	"context"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

const paramHint = "id_token_hint"

// expect notes whom the client means, where it sends back an ID token of that user (OIDC Core §3.1.2.1). To which
// client it was given, and whether it has expired, does not matter: it opens nothing, and the answer is for nobody else.
func (l *Logins) expect(ctx context.Context, t tenancy.Tenant, in received, r *Request) error {
	raw := in.params.Get(paramHint)
	if raw == "" {
		return nil
	}
	hint, err := l.readHint(ctx, t, raw)
	if err != nil {
		return err
	}
	_, err = l.config.FindClient(ctx, t.ID, hint.ClientID)
	if fault.Is(err, fault.KindNotFound) { // then it is an access token for an API
		return fault.Invalid(oauth.InvalidRequest, "Invalid id_token_hint").Because(err)
	}
	if err == nil && !r.meant(hint.Subject) { // the claims ask for another: nobody is both
		return errNotMeant()
	}
	r.Subject = hint.Subject
	return err
}

// meant says whether the request may be answered for the user.
func (r *Request) meant(userID string) bool { return r.Subject == "" || r.Subject == userID }

// errNotMeant is the answer to a request that was for another user (OIDC Core §3.1.2.1).
func errNotMeant() error {
	return fault.Denied(oauth.LoginRequired, "Login required")
}
