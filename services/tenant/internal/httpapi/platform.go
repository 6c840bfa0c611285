package httpapi

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// platform holds the handlers of the Platform API.
type platform struct{ accounts *tenant.Accounts }

// caller is who sends a request: the token they brought, whose it is on a member's route, and from where.
type caller struct {
	token     tenant.Token
	principal tenant.Principal
	ip        string
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// route is one line of the list in routes.go.
type route struct {
	method, path string
	id, summary  string
	status       int // of success
}

func (r route) operation() huma.Operation {
	return huma.Operation{
		OperationID: r.id, Summary: r.summary, Method: r.method, Path: r.path, DefaultStatus: r.status, MaxBodyBytes: maxBody,
		Middlewares: huma.Middlewares{identify},
	}
}

// public registers a route that anybody may call.
func public[I, O any](api huma.API, r route, handle func(context.Context, *I) (*O, error)) {
	huma.Register(api, r.operation(), rendered(handle))
}

// member registers a route for whoever holds a member's token.
func member[I, O any](api huma.API, p *platform, r route, handle func(context.Context, *I) (*O, error)) {
	op := r.operation()
	op.Middlewares = append(op.Middlewares, p.authenticate)
	op.Security = []map[string][]string{{"bearer": {}}}
	huma.Register(api, op, rendered(handle))
}

func rendered[I, O any](handle func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, mgmtkit.Rendered(ctx, err)
		}
		return out, nil
	}
}

// identify reads who calls from the request. Answers hold keys and secrets: no cache may keep them.
func identify(hc huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(hc)
	c.Header("Cache-Control", "no-store")
	who := caller{ip: httpkit.ClientIP(c.Request)}
	if scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		who.token = tenant.Token(strings.TrimSpace(token))
	}
	next(huma.WithValue(hc, callerKey{}, who))
}

// authenticate refuses whoever is no member.
func (p *platform) authenticate(hc huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(hc)
	who := callerOf(hc.Context())
	principal, err := p.accounts.Authenticate(hc.Context(), who.token)
	if err != nil {
		if fault.Is(err, fault.KindUnauthenticated) {
			c.Header("WWW-Authenticate", "Bearer")
		}
		httpkit.Write(c, err)
		return
	}
	who.principal = principal
	next(huma.WithValue(hc, callerKey{}, who))
}

type idInput struct {
	ID string `path:"id" maxLength:"64"`
}

type signUpInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254" doc:"The owner's e-mail address"`
		Password string `json:"password" maxLength:"512" doc:"The owner's password, at least 8 characters"`
		Account  string `json:"account" maxLength:"63" doc:"The account's name, first label of its hosts: 3 to 63 of a-z, 0-9 and hyphens"`
		Region   string `json:"region,omitempty" maxLength:"32" doc:"Where the first tenant lives; the default region when left out"`
	}
}

type signUpOutput struct {
	Location string `header:"Location"`
	Body     struct {
		ID     string `json:"id"`
		Token  string `json:"token" doc:"Opens the sign-up, and is the owner's key to the Platform API. Shown once"`
		Status string `json:"status"`
		Links  links  `json:"links"`
	}
}

type links struct {
	Self string `json:"self"`
}

func (p *platform) signUp(ctx context.Context, in *signUpInput) (*signUpOutput, error) {
	begun, err := p.accounts.SignUp(ctx, tenant.SignUp{
		Email: in.Body.Email, Password: in.Body.Password, Account: in.Body.Account, Region: in.Body.Region, IP: callerOf(ctx).ip,
	})
	if err != nil {
		return nil, err
	}
	out := &signUpOutput{Location: "/v1/signups/" + string(begun.Operation)}
	out.Body.ID, out.Body.Token = string(begun.Operation), string(begun.Token)
	out.Body.Status, out.Body.Links = string(tenant.StatusPending), links{Self: out.Location}
	return out, nil
}

func (p *platform) findSignup(ctx context.Context, in *idInput) (*progressOutput, error) {
	token := callerOf(ctx).token
	if token == "" {
		return nil, fault.Unauthenticated("Missing the token that the sign-up answered with")
	}
	progress, err := p.accounts.FindSignup(ctx, tenant.OperationID(in.ID), token)
	if err != nil {
		return nil, err
	}
	return &progressOutput{Body: p.wireProgress(progress, "/v1/signups/")}, nil
}

type signInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"512"`
		Account  string `json:"account,omitempty" maxLength:"63" doc:"Only needed when e-mail and password fit members of several accounts"`
	}
}

type signInOutput struct {
	Body struct {
		Token   string   `json:"token" doc:"Bearer token of the Platform API. Shown once"`
		Type    string   `json:"token_type"`
		Account string   `json:"account"`
		Expires wireTime `json:"expires_at"`
	}
}

func (p *platform) signIn(ctx context.Context, in *signInInput) (*signInOutput, error) {
	signedIn, err := p.accounts.SignIn(ctx, tenant.SignIn{
		Email: in.Body.Email, Password: in.Body.Password, Account: in.Body.Account, Purpose: tenant.PurposeAPI, IP: callerOf(ctx).ip,
	})
	if err != nil {
		return nil, err
	}
	out := &signInOutput{}
	out.Body.Token, out.Body.Type, out.Body.Account = string(signedIn.Token), "Bearer", string(signedIn.Member.Slug)
	out.Body.Expires = wireTime{signedIn.Expires}
	return out, nil
}

func (p *platform) signOut(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, p.accounts.SignOut(ctx, callerOf(ctx).token)
}

type regionsOutput struct {
	Body struct {
		Regions []wireRegion `json:"regions"`
	}
}

func (p *platform) listRegions(context.Context, *struct{}) (*regionsOutput, error) {
	out := &regionsOutput{}
	for i, r := range p.accounts.Map.Regions() {
		out.Body.Regions = append(out.Body.Regions, wireRegion{Name: string(r), Default: i == 0})
	}
	return out, nil
}

type membersOutput struct {
	Body struct {
		Members []wireMember `json:"members"`
	}
}

func (p *platform) listMembers(ctx context.Context, _ *struct{}) (*membersOutput, error) {
	members, err := p.accounts.ListMembers(ctx, callerOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	out := &membersOutput{}
	out.Body.Members = make([]wireMember, 0, len(members))
	for _, m := range members {
		out.Body.Members = append(out.Body.Members, wireMember{ID: string(m.ID), Email: m.Email, Role: string(m.Role), Created: wireTime{m.Created}})
	}
	return out, nil
}

type tenantsOutput struct {
	Body struct {
		Tenants []wireTenant `json:"tenants"`
	}
}

func (p *platform) listTenants(ctx context.Context, _ *struct{}) (*tenantsOutput, error) {
	tenants, err := p.accounts.ListTenants(ctx, callerOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	out := &tenantsOutput{}
	out.Body.Tenants = make([]wireTenant, 0, len(tenants))
	for _, t := range tenants {
		out.Body.Tenants = append(out.Body.Tenants, p.wireTenant(t, ""))
	}
	return out, nil
}

type createTenantInput struct {
	Body struct {
		Region  string `json:"region" maxLength:"32" doc:"A region in which the account has no tenant"`
		Account string `json:"account,omitempty" maxLength:"63" doc:"The caller's own account, for scripts that name it"`
	}
}

func (p *platform) createTenant(ctx context.Context, in *createTenantInput) (*progressOutput, error) {
	who := callerOf(ctx)
	if in.Body.Account != "" && in.Body.Account != string(who.principal.Member.Slug) {
		return nil, fault.NotFound("There is no such account")
	}
	t, op, err := p.accounts.CreateTenant(ctx, who.principal, in.Body.Region, who.token)
	if err != nil {
		return nil, err
	}
	t.Steps = nil
	return &progressOutput{
		Location: "/v1/operations/" + string(op.ID),
		Body:     p.wireProgress(tenant.Progress{Operation: op, Tenant: &t}, "/v1/operations/"),
	}, nil
}

type tenantOutput struct{ Body wireTenant }

func (p *platform) findTenant(ctx context.Context, in *idInput) (*tenantOutput, error) {
	t, err := p.accounts.FindTenant(ctx, callerOf(ctx).principal, tenantID(in.ID))
	if err != nil {
		return nil, err
	}
	return &tenantOutput{Body: p.wireTenant(t, "")}, nil
}

func (p *platform) deleteTenant(ctx context.Context, in *idInput) (*progressOutput, error) {
	who := callerOf(ctx)
	op, err := p.accounts.DeleteTenant(ctx, who.principal, tenantID(in.ID), who.token)
	if err != nil {
		return nil, err
	}
	return &progressOutput{
		Location: "/v1/operations/" + string(op.ID),
		Body:     p.wireProgress(tenant.Progress{Operation: op}, "/v1/operations/"),
	}, nil
}

func (p *platform) findOperation(ctx context.Context, in *idInput) (*progressOutput, error) {
	who := callerOf(ctx)
	progress, err := p.accounts.FindOperation(ctx, who.principal, tenant.OperationID(in.ID), who.token)
	if err != nil {
		return nil, err
	}
	return &progressOutput{Body: p.wireProgress(progress, "/v1/operations/")}, nil
}
