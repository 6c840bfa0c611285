// Package keyring keeps tenants' public keys in memory, so that signing asks the database nothing and the JWKS is there while every
// engine is away.
package keyring

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/cache"
	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	fresh   = time.Minute
	tenants = 20_000
)

// Ring is the domain's KeyRing.
type Ring struct {
	keys *cache.Cache[keySet]
	docs *jwtkit.CachedKeys
}

type keySet struct {
	keys []token.SigningKey
	jwks []byte
}

var _ token.KeyRing = (*Ring)(nil)

// New makes a ring over the store.
func New(store token.KeyStore, now clock.Now) *Ring {
	r := &Ring{keys: cache.New(cache.Config{TTL: fresh, Max: tenants, Now: now},
		func(ctx context.Context, tenant tenancy.ID, _ string) (keySet, error) {
			keys, err := store.ListKeys(ctx, tenant)
			if err != nil {
				return keySet{}, err
			}
			if len(keys) == 0 {
				return keySet{}, fault.NotFound("The tenant has no signing key")
			}
			jwks, err := token.JWKS(keys)
			if err != nil {
				return keySet{}, fault.Internal(err)
			}
			return keySet{keys: keys, jwks: jwks}, nil
		})}
	r.docs = jwtkit.NewCachedKeys(r.JWKS, now)
	return r
}

// Keys implements token.KeyRing.
func (r *Ring) Keys(ctx context.Context, tenant tenancy.ID) ([]token.SigningKey, error) {
	set, err := r.keys.Get(ctx, tenant, "")
	return set.keys, err
}

// JWKS gives the document as the world sees it, rendered once. It must not be changed.
func (r *Ring) JWKS(ctx context.Context, tenant tenancy.ID) ([]byte, error) {
	set, err := r.keys.Get(ctx, tenant, "")
	return set.jwks, err
}

// Documents is the ring as verifiers read it.
func (r *Ring) Documents() *jwtkit.CachedKeys { return r.docs }

// Forget drops a tenant's keys: they changed.
func (r *Ring) Forget(tenant tenancy.ID) {
	r.keys.ForgetTenant(tenant)
	r.docs.Forget(tenant)
}

// Missed makes all keys old: changes may have gone by unheard.
func (r *Ring) Missed() { r.keys.Expire() }

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
	if c.Bound && c.Thumbprint == "" {
		return token.AccessClaims{}, fault.Unauthenticated("Invalid token").Because(errors.New("it is bound to what cannot be proved here"))
	}
	return token.AccessClaims{Subject: c.Subject, ClientID: c.AuthorizedParty, Scope: c.Scope, Issued: c.IssuedAt, Thumbprint: c.Thumbprint}, nil
}
