package tenant

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// AccountsDeps is what Accounts works with.
type AccountsDeps struct {
	Map       Map
	Store     Store
	Passwords Passwords
	// Kick wakes whoever begins pending operations; it must not block.
	Kick func()
	Now  clock.Now
	// Traceparent gives the trace of the request in ctx (W3C Trace Context), for the work to continue; nil: nobody traces.
	Traceparent func(ctx context.Context) string
}

// Accounts are the verbs of the people who sign up: strangers and members. Safe for concurrent use.
type Accounts struct {
	AccountsDeps

	signUps, signIns limits
}

// NewAccounts makes the verbs.
func NewAccounts(deps AccountsDeps) *Accounts {
	return &Accounts{
		AccountsDeps: deps,
		signUps: limits{
			person: newLimiter(signUpBurst, signUpEvery, deps.Now), bulk: newLimiter(bulkSignUpBurst, bulkSignUpEvery, deps.Now),
		},
		signIns: limits{
			person: newLimiter(signInBurst, signInEvery, deps.Now), bulk: newLimiter(bulkSignInBurst, bulkSignInEvery, deps.Now),
		},
	}
}

// SignUp is a stranger's wish for an account and a first tenant.
type SignUp struct {
	Email    string
	Password string
	Account  string
	Region   string // empty: the default
	IP       string // of the caller, for the limits; empty when unknown
}

// Begun is what a sign-up answers at once.
type Begun struct {
	Operation OperationID
	Token     Token // opens the sign-up, and is the owner's first key
}

// SignUp reserves the account's name and keeps the work to be done; the tenant comes later (FindSignup). Invalid with a sentence for
// bad input, Conflict for a name that is taken, TooMany past the limit.
func (a *Accounts) SignUp(ctx context.Context, in SignUp) (Begun, error) {
	email, err := ParseEmail(in.Email)
	if err != nil {
		return Begun{}, err
	}
	slug, err := ParseSlug(in.Account, a.Map.Regions())
	if err != nil {
		return Begun{}, err
	}
	region, err := a.Map.ParseRegion(in.Region)
	if err != nil {
		return Begun{}, err
	}
	if err := checkPassword(in.Password); err != nil {
		return Begun{}, err
	}
	if err := a.signUps.take(in.IP, email); err != nil {
		return Begun{}, err
	}
	hash, err := a.Passwords.Hash(ctx, in.Password)
	if err != nil {
		return Begun{}, err
	}
	now, token := a.Now(), newToken()
	account := Account{ID: AccountID(newID("acc", now)), Slug: slug, Created: now}
	owner := Member{
		ID: MemberID(newID("mbr", now)), Account: account.ID, Slug: slug, Email: email, PasswordHash: hash, Role: RoleOwner, Created: now,
	}
	t := a.newTenant(account.ID, slug, region, now)
	op, err := a.newOperation(ctx, KindSignUp, t, token, now)
	if err != nil {
		return Begun{}, err
	}
	err = a.Store.SignUp(ctx, NewAccount{
		Account: account, Owner: owner, Token: newRecord(token, owner.ID, PurposeSignUp, now), Tenant: t, Operation: op,
	})
	if err != nil {
		return Begun{}, err
	}
	a.Kick()
	return Begun{Operation: op.ID, Token: token}, nil
}

// Progress is an operation as whoever asked for it sees it.
type Progress struct {
	Operation Operation
	Tenant    *Tenant // once ready
	// ManagementSecret is set once in the life of an operation: when it is first read, ready, with the token that asked for it.
	ManagementSecret string
}

// FindSignup gives a sign-up's progress to the bearer of the token that SignUp gave. Unknown, and opened with any other token, it is
// NotFound.
func (a *Accounts) FindSignup(ctx context.Context, id OperationID, token Token) (Progress, error) {
	notFound := fault.NotFound("There is no such sign-up")
	op, err := a.Store.FindSignup(ctx, id)
	if fault.Is(err, fault.KindNotFound) {
		return Progress{}, notFound
	}
	if err != nil {
		return Progress{}, err
	}
	if !opens(op, token) {
		return Progress{}, notFound
	}
	if op.Status != StatusFailed { // of one that failed neither account nor tokens are left, and its owner may still learn why
		if _, err := a.Authenticate(ctx, token); fault.Is(err, fault.KindUnauthenticated) {
			return Progress{}, notFound // signed out, or past its end
		} else if err != nil {
			return Progress{}, err
		}
	}
	return a.progress(ctx, op, token)
}

// FindOperation gives an operation of the member's account; NotFound.
func (a *Accounts) FindOperation(ctx context.Context, p Principal, id OperationID, token Token) (Progress, error) {
	op, err := a.Store.FindOperation(ctx, p.Member.Account, id)
	if err != nil {
		return Progress{}, err
	}
	return a.progress(ctx, op, token)
}

func (a *Accounts) progress(ctx context.Context, op Operation, token Token) (Progress, error) {
	p := Progress{Operation: op}
	if op.Status != StatusReady || op.Kind == KindDeleteTenant {
		return p, nil
	}
	t, err := a.Store.FindTenant(ctx, op.Account, op.Tenant)
	if err != nil {
		return Progress{}, err
	}
	t.Steps = nil
	p.Tenant = &t
	if !opens(op, token) {
		return p, nil
	}
	sealed, err := a.Store.TakeSecret(ctx, op.Account, op.ID)
	if fault.Is(err, fault.KindNotFound) {
		return p, nil
	}
	if err != nil {
		return Progress{}, err
	}
	p.ManagementSecret, err = OpenBox(token, op.ID, sealed)
	return p, err
}

// opens reports whether op was asked for with token, in a time that does not tell how nearly.
func opens(op Operation, token Token) bool {
	hash := token.Hash()
	return subtle.ConstantTimeCompare(hash[:], op.TokenHash[:]) == 1
}

// SignIn is a member's e-mail and password.
type SignIn struct {
	Email    string
	Password string
	Account  string // only needed when both fit members of several accounts
	Purpose  Purpose
	IP       string
}

// SignedIn is a new token and its end.
type SignedIn struct {
	Token   Token
	Expires time.Time
	Member  Member
}

// maxCandidates bounds the passwords tried for one sign-in: whoever shares an address with more members names the account.
const maxCandidates = 5

// SignIn gives a new token to a member. A wrong password, an unknown address and a wrong account are Unauthenticated after the same
// work; Conflict "account_required" when several accounts fit; TooMany after too many failures.
func (a *Accounts) SignIn(ctx context.Context, in SignIn) (SignedIn, error) {
	refused := fault.Unauthenticated("Wrong e-mail or password")
	email, err := ParseEmail(in.Email)
	if err != nil || len(in.Password) > passwordMax {
		return SignedIn{}, refused
	}
	if err := a.signIns.take(in.IP, email); err != nil {
		return SignedIn{}, err
	}
	members, err := a.Store.MembersByEmail(ctx, email, Slug(in.Account), maxCandidates)
	if err != nil {
		return SignedIn{}, err
	}
	if len(members) == 0 {
		if _, err := a.Passwords.Hash(ctx, in.Password); err != nil { // as long as a check takes: who is a member is not told by the time
			return SignedIn{}, err
		}
		return SignedIn{}, refused
	}
	var fits []Member
	for _, m := range members {
		ok, err := a.Passwords.Matches(ctx, m.PasswordHash, in.Password)
		if err != nil {
			return SignedIn{}, err
		}
		if ok {
			fits = append(fits, m)
		}
	}
	if len(fits) == 0 {
		return SignedIn{}, refused
	}
	a.signIns.giveBack(in.IP, email) // only failures count
	if len(fits) > 1 {
		return SignedIn{}, fault.Conflict("account_required", "This e-mail belongs to several accounts: name the account")
	}
	token := newToken()
	record := newRecord(token, fits[0].ID, in.Purpose, a.Now())
	if err := a.Store.SaveToken(ctx, record); err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Token: token, Expires: record.Expires, Member: fits[0]}, nil
}

// Authenticate gives who holds the token; Unauthenticated for one that is unknown, past its end or signed out.
func (a *Accounts) Authenticate(ctx context.Context, token Token) (Principal, error) {
	refused := fault.Unauthenticated("Missing, unknown or expired token")
	if !token.wellFormed() {
		return Principal{}, refused
	}
	hash := token.Hash()
	p, err := a.Store.FindPrincipal(ctx, hash, a.Now())
	if fault.Is(err, fault.KindNotFound) {
		return Principal{}, refused
	}
	if err != nil {
		return Principal{}, err
	}
	if subtle.ConstantTimeCompare(hash[:], p.Token.Hash[:]) != 1 {
		return Principal{}, refused
	}
	return p, nil
}

// SignOut ends a token; a repeat is fine.
func (a *Accounts) SignOut(ctx context.Context, token Token) error {
	return a.Store.DeleteToken(ctx, token.Hash())
}

// ListMembers gives the members of the principal's account.
func (a *Accounts) ListMembers(ctx context.Context, p Principal) ([]Member, error) {
	return a.Store.ListMembers(ctx, p.Member.Account)
}

// ListTenants gives the tenants of the principal's account, oldest first.
func (a *Accounts) ListTenants(ctx context.Context, p Principal) ([]Tenant, error) {
	return a.Store.ListTenants(ctx, p.Member.Account)
}

// FindTenant gives a tenant of the principal's account with the steps of its newest operation; NotFound.
func (a *Accounts) FindTenant(ctx context.Context, p Principal, id tenancy.ID) (Tenant, error) {
	return a.Store.FindTenant(ctx, p.Member.Account, id)
}

// CreateTenant keeps the work of making another tenant of the principal's account, whose management secret only token will open.
// Conflict when the account has, or had, a tenant in the region.
func (a *Accounts) CreateTenant(ctx context.Context, p Principal, region string, token Token) (Tenant, Operation, error) {
	r, err := a.Map.ParseRegion(region)
	if err != nil {
		return Tenant{}, Operation{}, err
	}
	now := a.Now()
	t := a.newTenant(p.Member.Account, p.Member.Slug, r, now)
	op, err := a.newOperation(ctx, KindCreateTenant, t, token, now)
	if err != nil {
		return Tenant{}, Operation{}, err
	}
	if err := a.Store.CreateTenant(ctx, t, op); err != nil {
		return Tenant{}, Operation{}, err
	}
	t.Steps = op.Steps
	a.Kick()
	return t, op, nil
}

// DeleteTenant keeps the work of deleting a tenant of the principal's account, for good. NotFound; Conflict when it is being made or
// deleted, or is deleted.
func (a *Accounts) DeleteTenant(ctx context.Context, p Principal, id tenancy.ID, token Token) (Operation, error) {
	t, err := a.Store.FindTenant(ctx, p.Member.Account, id)
	if err != nil {
		return Operation{}, err
	}
	op, err := a.newOperation(ctx, KindDeleteTenant, t, token, a.Now())
	if err != nil {
		return Operation{}, err
	}
	if err := a.Store.DeleteTenant(ctx, op); err != nil {
		return Operation{}, err
	}
	a.Kick()
	return op, nil
}

func (a *Accounts) newTenant(account AccountID, slug Slug, r Region, now time.Time) Tenant {
	return Tenant{
		ID: tenancy.ID(newID("tnt", now)), Account: account, Slug: slug, Region: r, State: StateProvisioning, Created: now,
	}
}

func (a *Accounts) newOperation(ctx context.Context, k Kind, t Tenant, token Token, now time.Time) (Operation, error) {
	prefix := "opr"
	if k == KindSignUp {
		prefix = "sgn"
	}
	op := Operation{
		ID: OperationID(newID(prefix, now)), Kind: k, Status: StatusPending, Account: t.Account, Slug: t.Slug, Tenant: t.ID,
		Region: t.Region, Created: now, TokenHash: token.Hash(),
	}
	if a.Traceparent != nil {
		op.Traceparent = a.Traceparent(ctx)
	}
	for _, name := range StepsOf(k) {
		op.Steps = append(op.Steps, Step{Name: name, State: StepPending})
	}
	var err error
	op.BoxKey, err = BoxKey(token, op.ID)
	return op, err
}

func newRecord(t Token, m MemberID, p Purpose, now time.Time) TokenRecord {
	return TokenRecord{Hash: t.Hash(), Member: m, Purpose: p, Created: now, Expires: now.Add(p.life())}
}
