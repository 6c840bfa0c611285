// Package accounts is the console's way to the control plane: the tenant service's AccountService as dashboard.Accounts.
package accounts

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/services/console/internal/dashboard"
)

// Remote fills dashboard.Accounts. Faults come through as the control plane made them (rpckit.ClientOption).
type Remote struct {
	Service tenantapiconnect.AccountServiceClient
}

var _ dashboard.Accounts = Remote{}

// SignUp implements dashboard.Accounts.
func (r Remote) SignUp(ctx context.Context, a dashboard.Application) (string, dashboard.Token, error) {
	res, err := r.Service.SignUp(ctx, &tenantapi.SignUpRequest{Email: a.Email, Password: a.Password, Account: a.Account, Region: a.Region})
	if err != nil {
		return "", "", err
	}
	return res.GetId(), dashboard.Token(res.GetToken()), nil
}

// FindSignup implements dashboard.Accounts.
func (r Remote) FindSignup(ctx context.Context, key dashboard.Token, id string) (dashboard.Signup, error) {
	s, err := r.Service.FindSignup(ctx, &tenantapi.FindSignupRequest{Id: id, Token: string(key)})
	if err != nil {
		return dashboard.Signup{}, err
	}
	return dashboard.Signup{
		ID: s.GetId(), Status: s.GetStatus(), Error: s.GetError(), Steps: steps(s.GetSteps()), Tenant: tenant(s.GetTenant()),
		ManagementSecret: s.GetManagementClientSecret(),
	}, nil
}

// SignIn implements dashboard.Accounts.
func (r Remote) SignIn(ctx context.Context, in dashboard.SignIn) (dashboard.Token, time.Time, error) {
	res, err := r.Service.SignIn(ctx, &tenantapi.SignInRequest{Email: in.Email, Password: in.Password, Account: in.Account})
	if err != nil {
		return "", time.Time{}, err
	}
	return dashboard.Token(res.GetToken()), when(res.GetExpires()), nil
}

// SignOut implements dashboard.Accounts.
func (r Remote) SignOut(ctx context.Context, key dashboard.Token) error {
	_, err := r.Service.SignOut(ctx, &tenantapi.SignOutRequest{Token: string(key)})
	return err
}

// FindMember implements dashboard.Accounts.
func (r Remote) FindMember(ctx context.Context, key dashboard.Token) (dashboard.Member, error) {
	m, err := r.Service.FindMember(ctx, &tenantapi.FindMemberRequest{Token: string(key)})
	if err != nil {
		return dashboard.Member{}, err
	}
	return dashboard.Member{Email: m.GetEmail(), Account: m.GetAccount(), Role: m.GetRole()}, nil
}

// ListTenants implements dashboard.Accounts.
func (r Remote) ListTenants(ctx context.Context, key dashboard.Token) ([]dashboard.Tenant, error) {
	res, err := r.Service.ListTenants(ctx, &tenantapi.ListTenantsRequest{Token: string(key)})
	if err != nil {
		return nil, err
	}
	var out []dashboard.Tenant
	for _, t := range res.GetTenants() {
		out = append(out, tenant(t))
	}
	return out, nil
}

// CreateTenant implements dashboard.Accounts.
func (r Remote) CreateTenant(ctx context.Context, key dashboard.Token, region string) (dashboard.Tenant, error) {
	t, err := r.Service.CreateTenant(ctx, &tenantapi.CreateTenantRequest{Token: string(key), Region: region})
	if err != nil {
		return dashboard.Tenant{}, err
	}
	return tenant(t), nil
}

// ListRegions implements dashboard.Accounts.
func (r Remote) ListRegions(ctx context.Context) ([]dashboard.Region, error) {
	res, err := r.Service.ListRegions(ctx, &tenantapi.ListRegionsRequest{})
	if err != nil {
		return nil, err
	}
	var out []dashboard.Region
	for _, region := range res.GetRegions() {
		out = append(out, dashboard.Region{Name: region.GetName(), Default: region.GetIsDefault()})
	}
	return out, nil
}

func tenant(t *tenantapi.Tenant) dashboard.Tenant {
	return dashboard.Tenant{
		ID: t.GetId(), Name: t.GetName(), Region: t.GetRegion(), Domain: t.GetDomain(), Issuer: t.GetIssuer(), State: t.GetState(),
		ManagementAudience: t.GetManagementAudience(), ManagementClientID: t.GetManagementClientId(), Created: when(t.GetCreated()),
		Steps: steps(t.GetSteps()),
	}
}

func steps(in []*tenantapi.Step) []dashboard.Step {
	out := make([]dashboard.Step, 0, len(in))
	for _, s := range in {
		out = append(out, dashboard.Step{Name: s.GetName(), State: s.GetState(), Started: when(s.GetStarted()), Ended: when(s.GetEnded())})
	}
	return out
}

func when(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
