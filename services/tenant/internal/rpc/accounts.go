// Package rpc is the tenant service's doors for its neighbours (Connect): accounts for the console, settings for a cell's services.
// It turns messages into domain values and back, and decides nothing.
package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Accounts answers AccountService.
type Accounts struct{ Accounts *tenant.Accounts }

// callerIP is the address of the person the console calls for, as it passes it on (X-Forwarded-For); empty when it does not.
func callerIP(ctx context.Context) string {
	if info, ok := connect.CallInfoForHandlerContext(ctx); ok {
		return info.RequestHeader().Get("X-Forwarded-For")
	}
	return ""
}

// SignUp implements AccountServiceHandler.
func (a *Accounts) SignUp(ctx context.Context, r *tenantapi.SignUpRequest) (*tenantapi.SignUpResponse, error) {
	begun, err := a.Accounts.SignUp(ctx, tenant.SignUp{
		Email: r.GetEmail(), Password: r.GetPassword(), Account: r.GetAccount(), Region: r.GetRegion(), IP: callerIP(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &tenantapi.SignUpResponse{Id: string(begun.Operation), Token: string(begun.Token)}, nil
}

// FindSignup implements AccountServiceHandler.
func (a *Accounts) FindSignup(ctx context.Context, r *tenantapi.FindSignupRequest) (*tenantapi.Signup, error) {
	progress, err := a.Accounts.FindSignup(ctx, tenant.OperationID(r.GetId()), tenant.Token(r.GetToken()))
	if err != nil {
		return nil, err
	}
	op := progress.Operation
	out := &tenantapi.Signup{
		Id: string(op.ID), Status: string(op.Status), Steps: steps(op.Steps), Error: op.Error, ManagementClientSecret: progress.ManagementSecret,
	}
	if progress.Tenant != nil {
		out.Tenant = a.tenant(*progress.Tenant)
	}
	return out, nil
}

// SignIn implements AccountServiceHandler.
func (a *Accounts) SignIn(ctx context.Context, r *tenantapi.SignInRequest) (*tenantapi.SignInResponse, error) {
	signedIn, err := a.Accounts.SignIn(ctx, tenant.SignIn{
		Email: r.GetEmail(), Password: r.GetPassword(), Account: r.GetAccount(), Purpose: tenant.PurposeConsole, IP: callerIP(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &tenantapi.SignInResponse{Token: string(signedIn.Token), Expires: timestamppb.New(signedIn.Expires)}, nil
}

// SignOut implements AccountServiceHandler.
func (a *Accounts) SignOut(ctx context.Context, r *tenantapi.SignOutRequest) (*tenantapi.SignOutResponse, error) {
	if err := a.Accounts.SignOut(ctx, tenant.Token(r.GetToken())); err != nil {
		return nil, err
	}
	return &tenantapi.SignOutResponse{}, nil
}

// FindMember implements AccountServiceHandler.
func (a *Accounts) FindMember(ctx context.Context, r *tenantapi.FindMemberRequest) (*tenantapi.Member, error) {
	p, err := a.Accounts.Authenticate(ctx, tenant.Token(r.GetToken()))
	if err != nil {
		return nil, err
	}
	return &tenantapi.Member{Email: p.Member.Email, Account: string(p.Member.Slug), Role: string(p.Member.Role)}, nil
}

// ListTenants implements AccountServiceHandler.
func (a *Accounts) ListTenants(ctx context.Context, r *tenantapi.ListTenantsRequest) (*tenantapi.ListTenantsResponse, error) {
	p, err := a.Accounts.Authenticate(ctx, tenant.Token(r.GetToken()))
	if err != nil {
		return nil, err
	}
	tenants, err := a.Accounts.ListTenants(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &tenantapi.ListTenantsResponse{}
	for _, t := range tenants {
		if t.State == tenant.StateProvisioning { // the pages show how far it is
			if t, err = a.Accounts.FindTenant(ctx, p, t.ID); fault.Is(err, fault.KindNotFound) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		out.Tenants = append(out.Tenants, a.tenant(t))
	}
	return out, nil
}

// CreateTenant implements AccountServiceHandler.
func (a *Accounts) CreateTenant(ctx context.Context, r *tenantapi.CreateTenantRequest) (*tenantapi.Tenant, error) {
	token := tenant.Token(r.GetToken())
	p, err := a.Accounts.Authenticate(ctx, token)
	if err != nil {
		return nil, err
	}
	t, _, err := a.Accounts.CreateTenant(ctx, p, r.GetRegion(), token)
	if err != nil {
		return nil, err
	}
	return a.tenant(t), nil
}

// ListRegions implements AccountServiceHandler.
func (a *Accounts) ListRegions(context.Context, *tenantapi.ListRegionsRequest) (*tenantapi.ListRegionsResponse, error) {
	out := &tenantapi.ListRegionsResponse{}
	for i, r := range a.Accounts.Map.Regions() {
		out.Regions = append(out.Regions, &tenantapi.Region{Name: string(r), IsDefault: i == 0})
	}
	return out, nil
}

func (a *Accounts) tenant(t tenant.Tenant) *tenantapi.Tenant {
	where := a.Accounts.Map
	out := &tenantapi.Tenant{
		Id: string(t.ID), Name: string(t.Slug), Region: string(t.Region), Domain: where.Domain(t.Slug, t.Region),
		Issuer: where.Issuer(t.Slug, t.Region), State: string(t.State), ManagementClientId: t.ManagementClientID,
		Created: timestamppb.New(t.Created), Steps: steps(t.Steps),
	}
	if t.ManagementClientID != "" {
		out.ManagementAudience = where.ManagementAudience(t.Slug, t.Region)
	}
	return out
}

func steps(in []tenant.Step) []*tenantapi.Step {
	out := make([]*tenantapi.Step, 0, len(in))
	for _, s := range in {
		out = append(out, &tenantapi.Step{Name: string(s.Name), State: string(s.State), Started: stamp(s.Started), Ended: stamp(s.Ended)})
	}
	return out
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
