package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Ask is what somebody wants to do.
type Ask struct {
	Client *Client
	Grant  oauth.GrantType
	// User is nil when the client acts for itself, and while nobody has logged in.
	User *User
	// Connection is how the user came; empty while nobody has logged in.
	Connection string
	// AuthTime is when the user proved who they are; zero while they just did, or nobody has logged in.
	AuthTime time.Time
	Audience string
	Scope    Scope
	// Front says that the authorization endpoint hands tokens out, which takes oauth.GrantImplicit, too.
	Front bool
	// Agreed says that a login with this ask behind it has asked the user; it counts for first parties alone.
	Agreed bool
	// Unasked says that nobody has asked the user, although Agreed says that there was a login.
	Unasked bool
	// Asking says that the user is about to be asked: what is permitted then is what they are asked for.
	Asking bool
	// Unverifiable says that the answer goes to a callback that proves nobody.
	Unverifiable bool
	Proven
	// Ephemeral says that the session which is used ends with its browser; Online, that a refresh token is exchanged which lives as long as
	// its session.
	Ephemeral, Online bool
	// Handed says that the session, or the one the refresh token came from, was handed on from an app; Transfer, that one is to be.
	Handed, Transfer bool
	// Later says that no access token is handed out yet: the key is asked for at the token endpoint.
	Later bool
}

// Permit is what may be done.
type Permit struct {
	ResourceServer *ResourceServer // nil: no API was asked for
	Scope          Scope
	// Binding is what the access token is to be bound to: the thumbprint of a key, or one of a certificate behind its mark. Empty: nothing.
	Binding string
}

// Policy is the one point where it is decided whether a client may do what it asks. Every grant, every login, every session that is
// used again, silently or not, and every redemption of a code passes it, so that a new flow cannot leave a check out.
type Policy struct {
	config   Configuration
	consents ConsentStore
}

// NewPolicy makes a policy over what the tenants set up and their users agreed to.
func NewPolicy(config Configuration, consents ConsentStore) *Policy {
	return &Policy{config: config, consents: consents}
}

// Check gives what may be done, or a fault with the wire's code and sentence.
func (p *Policy) Check(ctx context.Context, t tenancy.Tenant, ask Ask) (Permit, error) {
	if !ask.Client.Allows(ask.Grant) {
		return Permit{}, grantNotAllowed(ask.Grant)
	}
	if ask.Front && !ask.Client.Allows(oauth.GrantImplicit) {
		return Permit{}, grantNotAllowed(oauth.GrantImplicit)
	}
	if err := ask.Client.foreign(ask.Grant); err != nil {
		return Permit{}, err
	}
	rs, err := p.resourceServer(ctx, t, ask)
	if err != nil {
		return Permit{}, err
	}
	binding := ask.binding(rs)
	if err := ask.unproven(rs, binding); err != nil {
		return Permit{}, err
	}
	if ask.Grant == oauth.GrantTokenExchange {
		if err := ask.exchanges(rs); err != nil {
			return Permit{}, err
		}
	}
	if rs != nil && rs.System && !ask.Client.FirstParty { // whatever it was granted: the platform's own is not for third parties
		return Permit{}, notAuthorized(ask.Client, rs)
	}
	decide := p.user
	if ask.Grant == oauth.GrantClientCredentials {
		decide = p.machine
	}
	permit, err := decide(ctx, t, ask, rs)
	if err != nil {
		return Permit{}, err
	}
	permit.Binding = binding
	return permit, nil
}

// resourceServer finds the API that is asked for; nil when it is /userinfo or none.
func (p *Policy) resourceServer(ctx context.Context, t tenancy.Tenant, ask Ask) (*ResourceServer, error) {
	if ask.Audience == "" {
		return nil, nil //nolint:nilnil // no API is a fine answer
	}
	rs, err := p.config.FindResourceServer(ctx, t.ID, ask.Audience)
	if fault.Is(err, fault.KindNotFound) {
		return nil, fault.Denied(oauth.AccessDenied, "Service not enabled within domain: "+ask.Audience)
	}
	return rs, err
}

// machine decides for a client that acts for itself (RFC 6749 §4.4).
func (p *Policy) machine(ctx context.Context, t tenancy.Tenant, ask Ask, rs *ResourceServer) (Permit, error) {
	if ask.Client.Public() {
		return Permit{}, grantNotAllowed(ask.Grant)
	}
	if rs == nil {
		return Permit{}, fault.Denied(oauth.AccessDenied, "No audience parameter was provided, and no default audience has been configured")
	}
	grant, err := p.grant(ctx, t, ask.Client, rs, SubjectClient)
	if err != nil {
		return Permit{}, err
	}
	if grant.OrganizationUsage == organizationRequired {
		return Permit{}, organizationMissing()
	}
	if len(ask.Scope) == 0 {
		return Permit{ResourceServer: rs, Scope: grant.Scope}, nil
	}
	if more := ask.Scope.without(grant.Scope); len(more) > 0 {
		return Permit{}, fault.Denied(oauth.AccessDenied, "Client has not been granted scopes: "+strings.Join(more, ", "))
	}
	return Permit{ResourceServer: rs, Scope: ask.Scope}, nil
}

// user decides for a client that acts for a user.
func (p *Policy) user(ctx context.Context, t tenancy.Tenant, ask Ask, rs *ResourceServer) (Permit, error) {
	if ask.Client.OrganizationUsage == organizationRequired {
		return Permit{}, organizationMissing()
	}
	if err := ask.Client.misconfigured(); err != nil {
		return Permit{}, err
	}
	if err := ask.handsOn(); err != nil {
		return Permit{}, err
	}
	if ask.refreshOff(rs) {
		return Permit{}, errRefresh().Because(errOfflineOff)
	}
	granted, err := p.grantedToUsers(ctx, t, ask.Client, rs)
	if err != nil {
		return Permit{}, err
	}
	wanted := ask.Scope
	if ask.Grant == oauth.GrantPassword || ask.Grant == oauth.GrantPasswordRealm {
		if !ask.Client.FirstParty {
			return Permit{}, grantNotAllowed(ask.Grant) // a third party never gets to see a password
		}
		if len(wanted) == 0 { // who sees the password is trusted with what it opens (this wire's default, RFC 6749 §3.3)
			wanted = allForUser(rs)
		}
	}
	if ask.User != nil {
		if ask.User.Blocked {
			return Permit{}, fault.Denied("unauthorized", "user is blocked")
		}
		if !ask.AuthTime.IsZero() && ask.AuthTime.Before(ask.User.LoginsValidFrom) {
			return Permit{}, loginOver()
		}
		if err := p.connected(ctx, t, ask); err != nil {
			return Permit{}, err
		}
	}
	if ask.Client.Strict { // it acts for users, and is not told who they are
		wanted = wanted.without(userScopes)
	}
	scope := wanted.forUser(rs)
	if granted != nil {
		scope = scope.within(granted)
	}
	scope = ask.withRefresh(scope, rs)
	if err := ask.unbound(scope); err != nil {
		return Permit{}, err
	}
	if ask.User != nil && !ask.Asking {
		if err := p.agreed(ctx, t, ask, rs, scope); err != nil {
			return Permit{}, err
		}
	}
	return Permit{ResourceServer: rs, Scope: scope}, nil
}

// connected refuses a user who came by a connection that is off for the client. An API that acts for a user it was called for logs nobody
// in: which connections are on was decided at the client whose token it was called with.
func (p *Policy) connected(ctx context.Context, t tenancy.Tenant, ask Ask) error {
	if ask.Grant == oauth.GrantTokenExchange {
		return nil
	}
	connections, err := p.config.ListConnections(ctx, t.ID, ask.Client.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(connections, func(c Connection) bool { return c.Name == ask.Connection }) {
		return connectionOff()
	}
	return nil
}

// grantedToUsers gives what the client may ask of the API on behalf of users; nil where the API lets every client ask. A third party
// needs a grant whatever the API says.
func (p *Policy) grantedToUsers(ctx context.Context, t tenancy.Tenant, c *Client, rs *ResourceServer) ([]string, error) {
	switch {
	case rs == nil:
		return nil, nil
	case rs.UserPolicy == AccessDeny:
		return nil, notAuthorized(c, rs)
	case rs.UserPolicy != AccessGrant && c.FirstParty:
		return nil, nil
	}
	grant, err := p.grant(ctx, t, c, rs, SubjectUser)
	if err != nil {
		return nil, err
	}
	return append([]string{}, grant.Scope...), nil
}

// grant finds what the client may ask of the API on behalf of that kind of subject.
func (p *Policy) grant(ctx context.Context, t tenancy.Tenant, c *Client, rs *ResourceServer, subject SubjectType) (*ClientGrant, error) {
	grant, err := p.config.FindClientGrant(ctx, t.ID, c.ID, rs.Identifier, subject)
	if fault.Is(err, fault.KindNotFound) {
		return nil, notAuthorized(c, rs)
	}
	return grant, err
}

func grantNotAllowed(g oauth.GrantType) error {
	return fault.Denied(oauth.UnauthorizedClient, fmt.Sprintf("Grant type '%s' not allowed for the client.", g))
}

func notAuthorized(c *Client, rs *ResourceServer) error {
	return fault.Denied(oauth.AccessDenied, fmt.Sprintf("Client %q is not authorized to access resource server %q.", c.ID, rs.Identifier))
}

func organizationMissing() error {
	return fault.Invalid(oauth.InvalidRequest, "parameter organization is required for this client")
}

// Connection picks the database where the client's users prove their password: the one of that name, else the client's first. One
// that is off for the client is none.
func (p *Policy) Connection(ctx context.Context, t tenancy.Tenant, c *Client, name string) (Connection, error) {
	connections, err := p.config.ListConnections(ctx, t.ID, c.ID)
	if err != nil {
		return Connection{}, err
	}
	for _, con := range connections {
		if con.Strategy == StrategyDatabase && (name == "" || name == con.Name) {
			return con, nil
		}
	}
	if name != "" {
		return Connection{}, fault.Invalid(oauth.InvalidRequest, "The connection is not enabled for the client")
	}
	return Connection{}, fault.Invalid(oauth.InvalidRequest, "No connection is enabled for the client")
}

// errConnectionOff lets an interactive request fall back to the login page, where a connection that is on may be used.
var errConnectionOff = errors.New("the connection of the login is off for this client")

// errOfflineOff is told to the log of requests.
var errOfflineOff = errors.New("the API gives no refresh tokens of that kind any more")

// errLoginOver lets an interactive request fall back to the login page, too.
var errLoginOver = errors.New("what the user logs in with has changed since the login, or this is another user of the same id")

func loginOver() *fault.Error {
	return fault.Denied(oauth.LoginRequired, "Login required").Because(errLoginOver)
}

func connectionOff() *fault.Error {
	return fault.Denied(oauth.AccessDenied, "The connection is not enabled for the client").Because(errConnectionOff)
}
