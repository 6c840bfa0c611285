// Package keyring keeps tenants' public keys in memory, so that signing asks the database nothing and the JWKS is there while every
// engine is away.
package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/cache"
	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	fresh   = time.Minute
	tenants = 20_000
	// refresh is the least time between two questions for one tenant, however many unknown key IDs are tried.
	refresh = 2 * time.Second
	// completing bounds the completion of a tenant's keys: who asks for keys waits for it, and there are some to go on with.
	completing = 2 * time.Second
)

// Completer gives tenants from before the keys that new ones have (token.Keys).
type Completer interface {
	Complete(ctx context.Context, tenant tenancy.ID, published []token.SigningKey) ([]token.SigningKey, error)
}

// Ring is the domain's KeyRing.
type Ring struct {
	keys *cache.Cache[keySet]
	now  clock.Now

	store    token.KeyStore
	complete Completer // nil: keys are taken as they are
	wait     func(ctx context.Context, d time.Duration) error
	log      *slog.Logger
}

type keySet struct {
	keys    []token.SigningKey
	jwks    []byte
	bare    []byte
	parsed  jose.JSONWebKeySet
	asked   time.Time
	changes time.Time // when the order will be another one; zero: never
}

// Ends implements cache.Ending.
func (s keySet) Ends() time.Time { return s.changes }

var (
	_ cache.Ending     = keySet{}
	_ token.KeyRing    = (*Ring)(nil)
	_ jwtkit.KeySource = documents{}
)

// Option of a ring.
type Option func(*Ring)

// Completing makes the ring complete the keys of tenants from before as it comes across them.
func Completing(by Completer, log *slog.Logger) Option {
	return func(r *Ring) { r.complete, r.log = by, log }
}

// New makes a ring over the store.
func New(store token.KeyStore, now clock.Now, options ...Option) *Ring {
	r := &Ring{now: now, store: store, wait: wait}
	for _, option := range options {
		option(r)
	}
	r.keys = cache.New(cache.Config{TTL: fresh, Max: tenants, Now: now}, func(ctx context.Context, tenant tenancy.ID, _ string) (keySet, error) {
		return r.load(ctx, tenant)
	})
	return r
}

func (r *Ring) load(ctx context.Context, tenant tenancy.ID) (keySet, error) {
	keys, err := r.store.ListKeys(ctx, tenant)
	if err != nil {
		return keySet{}, err
	}
	if len(keys) == 0 {
		return keySet{}, fault.NotFound("The tenant has no signing key")
	}
	if r.complete != nil && !token.IsComplete(keys) {
		keys = r.completed(ctx, tenant, keys)
	}
	return render(keys, r.now())
}

// completed gives the keys with what they lacked, or as they are while that cannot be made: the next question tries again.
func (r *Ring) completed(ctx context.Context, tenant tenancy.ID, keys []token.SigningKey) []token.SigningKey {
	ctx, cancel := context.WithTimeout(ctx, completing)
	defer cancel()
	all, err := r.complete.Complete(ctx, tenant, keys)
	if err != nil {
		r.log.WarnContext(ctx, "keys not completed", slog.String(telemetry.KeyTenant, string(tenant)), slog.String(telemetry.KeyCause, err.Error()))
		return keys
	}
	return all
}

func render(keys []token.SigningKey, now time.Time) (set keySet, err error) {
	set = keySet{keys: token.OrderKeys(keys, now), asked: now, changes: token.NextChange(keys, now)}
	shown := token.ShownKeys(set.keys)
	if set.jwks, err = token.JWKS(shown, false); err != nil {
		return keySet{}, fault.Internal(err)
	}
	if set.bare, err = token.JWKS(shown, true); err != nil {
		return keySet{}, fault.Internal(err)
	}
	// Verifiers in this house have no trouble with keys that the world is not shown, and need not hear when it is.
	all, err := token.JWKS(set.keys, false)
	if err != nil {
		return keySet{}, fault.Internal(err)
	}
	if err := json.Unmarshal(all, &set.parsed); err != nil {
		return keySet{}, fault.Internal(fmt.Errorf("reading our own key set: %w", err))
	}
	return set, nil
}

// Keys gives all of the tenant's keys, in the order of token.OrderKeys.
func (r *Ring) Keys(ctx context.Context, tenant tenancy.ID) ([]token.SigningKey, error) {
	set, err := r.keys.Get(ctx, tenant, "")
	return set.keys, err
}

// JWKS gives the document as the world sees it, rendered once; withoutAlg the one that names no algorithms. It must not be changed.
func (r *Ring) JWKS(ctx context.Context, tenant tenancy.ID, withoutAlg bool) ([]byte, error) {
	set, err := r.keys.Get(ctx, tenant, "")
	if withoutAlg {
		return set.bare, err
	}
	return set.jwks, err
}

// Renew gives the keys as the store has them now, from memory while it is away. A neighbour that was told of a change asks at once, and
// may have heard of it before this process has.
func (r *Ring) Renew(ctx context.Context, tenant tenancy.ID) ([]token.SigningKey, error) {
	set, err := r.keys.Renew(ctx, tenant, "")
	return set.keys, err
}

// Forget drops a tenant's keys: they changed.
func (r *Ring) Forget(tenant tenancy.ID) { r.keys.Forget(tenant, "") }

// Missed makes all keys old: changes may have gone by unheard.
func (r *Ring) Missed() { r.keys.Expire() }

// Documents is the ring as verifiers read it.
func (r *Ring) Documents() jwtkit.KeySource { return documents{r} }

type documents struct{ ring *Ring }

// Keys implements jwtkit.KeySource.
func (d documents) Keys(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	set, err := d.ring.keys.Get(ctx, tenant, "")
	return set.parsed, err
}

// Refresh implements jwtkit.KeySource. It asks the store once in two seconds at most.
func (d documents) Refresh(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	set, err := d.ring.keys.Get(ctx, tenant, "")
	if err == nil && !d.ring.now().Before(set.asked.Add(refresh)) {
		set, err = d.ring.keys.Renew(ctx, tenant, "")
	}
	return set.parsed, err
}

// Verifier checks access tokens by the keys of a ring.
type Verifier struct{ jwt *jwtkit.Verifier }

var _ token.Verifier = Verifier{}

// NewVerifier makes a Verifier over a ring.
func NewVerifier(ring *Ring, now clock.Now) Verifier {
	return Verifier{&jwtkit.Verifier{Keys: ring.Documents(), Now: now}}
}

// VerifyAccess implements token.Verifier.
func (v Verifier) VerifyAccess(ctx context.Context, t tenancy.Tenant, raw, audience string) (token.AccessClaims, error) {
	c, err := v.jwt.VerifyBound(ctx, t, raw, audience)
	if err != nil {
		return token.AccessClaims{}, err
	}
	binding := c.Thumbprint
	if c.Certificate != "" && binding == "" {
		binding = token.BoundToCertificate(c.Certificate)
	}
	if c.Bound && (binding == "" || c.Thumbprint != "" && c.Certificate != "") {
		return token.AccessClaims{}, fault.Unauthenticated("Invalid token").Because(errors.New("it is bound to what cannot be proved here"))
	}
	actor, err := actorOf(c.Raw["act"])
	if err != nil {
		return token.AccessClaims{}, fault.Unauthenticated("Invalid token").Because(err)
	}
	return token.AccessClaims{
		Subject: c.Subject, ClientID: c.AuthorizedParty, Scope: c.Scope, Issued: c.IssuedAt, Expires: c.Expiry, Actor: actor, Thumbprint: binding,
	}, nil
}

// actorOf reads an act claim (RFC 8693 §4.1); nil: there is none. It is as deep as what was signed here, which is bounded.
func actorOf(claim any) (*token.Actor, error) {
	if claim == nil {
		return nil, nil //nolint:nilnil // nobody acts is a fine answer
	}
	act, _ := claim.(map[string]any)
	subject, _ := act["sub"].(string)
	if subject == "" {
		return nil, errors.New("its act claim names nobody")
	}
	before, err := actorOf(act["act"])
	if err != nil {
		return nil, err
	}
	return &token.Actor{Subject: subject, Before: before}, nil
}
