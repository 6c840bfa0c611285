// Package dashboard is the console's domain: what an account's member may see and do, asked of the control plane with the member's
// own key. It keeps nothing: the key is in the member's cookie, everything else is the control plane's.
package dashboard

import (
	"context"
	"log/slog"
	"time"
)

// Token is a member's key to the control plane; the console's session is nothing else. It never enters a log.
type Token string

// LogValue keeps the key out of logs, whatever is logged.
func (Token) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Member is who a token belongs to.
type Member struct {
	Email   string
	Account string
	Role    string
}

// Step is one step of making a tenant. State is pending, running, done or failed.
type Step struct {
	Name    string
	State   string
	Started time.Time // zero: not yet
	Ended   time.Time // zero: not yet
}

// Took is how long the step ran; zero while it does.
func (s Step) Took() time.Duration {
	if s.Started.IsZero() || s.Ended.IsZero() {
		return 0
	}
	return s.Ended.Sub(s.Started)
}

// Tenant is a tenant of the account. State is provisioning, active, suspended, deleted or failed.
type Tenant struct {
	ID, Name, Region, Domain, Issuer, State string
	ManagementAudience, ManagementClientID  string
	Created                                 time.Time
	Steps                                   []Step
}

// Signup is a sign-up's progress. Status is pending, provisioning, ready or failed.
type Signup struct {
	ID, Status, Error string
	Steps             []Step
	Tenant            Tenant
	// ManagementSecret is there in the one answer that first says ready, and never again.
	ManagementSecret string
}

// Application is what the sign-up form asks for.
type Application struct {
	Email, Password, Account, Region string
}

// Region is where tenants can live.
type Region struct {
	Name    string
	Default bool
}

// SignIn is what a member types to sign in. Account is empty unless the address is in several.
type SignIn struct {
	Email, Password, Account string
}

// Accounts is the control plane as the console needs it. Every failure is a fault whose sentence may be shown.
type Accounts interface {
	// SignUp starts a sign-up and gives its id and the owner's key. Conflict: the name is taken. Invalid: the form is wrong.
	SignUp(ctx context.Context, a Application) (id string, key Token, err error)
	// FindSignup gives the progress; NotFound for a key that is not its owner's.
	FindSignup(ctx context.Context, key Token, id string) (Signup, error)
	// SignIn gives a new key; Unauthenticated for a wrong e-mail or password, alike, and Conflict when several accounts fit.
	SignIn(ctx context.Context, in SignIn) (key Token, expires time.Time, err error)
	// SignOut ends the key; a repeat is fine.
	SignOut(ctx context.Context, key Token) error
	// FindMember gives who the key belongs to; Unauthenticated when it has ended.
	FindMember(ctx context.Context, key Token) (Member, error)
	// ListTenants gives the tenants of the member's account.
	ListTenants(ctx context.Context, key Token) ([]Tenant, error)
	// CreateTenant starts another tenant of the account; Conflict when it has one in the region.
	CreateTenant(ctx context.Context, key Token, region string) (Tenant, error)
	// ListRegions gives the regions, the default first.
	ListRegions(ctx context.Context) ([]Region, error)
}
