package token

import (
	"context"
	"crypto/rsa"
	"fmt"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// KeyState is where a signing key is in its life.
type KeyState string

// The states. Verifiers are shown all but the revoked ones.
const (
	KeyCurrent  KeyState = "current"  // signs
	KeyNext     KeyState = "next"     // is shown, so that verifiers know it before it signs
	KeyPrevious KeyState = "previous" // what it signed still verifies
	KeyRevoked  KeyState = "revoked"
)

// AlgRS256 and AlgHS256 are JWS algorithms (RFC 7518 §3.1).
const (
	AlgRS256 = "RS256"
	AlgHS256 = "HS256"
)

// KeyVersion is the public half of one version of a tenant's signing key.
type KeyVersion struct {
	Version int
	Public  *rsa.PublicKey
}

// SigningKey is a published key version.
type SigningKey struct {
	KeyVersion

	KeyID       string // kid: 21 URL-safe random characters
	State       KeyState
	Certificate []byte // DER, self-signed
	Created     time.Time
	Since       time.Time // when it began to sign; zero: not yet
	Until       time.Time // when it stopped; zero: not yet
	Revoked     time.Time // zero: not
}

// certificateLife is the wire's: 13 years.
const certificateYears = 13

// KeyDeps are what Keys needs.
type KeyDeps struct {
	Source KeySource
	Store  KeyStore
	Now    clock.Now
}

// Keys publishes signing keys.
type Keys struct{ KeyDeps }

// NewKeys makes Keys.
func NewKeys(d KeyDeps) *Keys { return &Keys{d} }

// Publish makes every version of the tenant's signing key known: the first becomes current, the later ones next. A repeat, also a
// concurrent one, changes nothing and answers the same. Current comes first in the answer.
func (k *Keys) Publish(ctx context.Context, tenant tenancy.ID, hostname string) ([]SigningKey, error) {
	versions, err := k.Source.Versions(ctx, tenant)
	if err != nil {
		return nil, err
	}
	published, err := k.Store.ListKeys(ctx, tenant)
	if err != nil {
		return nil, err
	}
	fresh, err := k.fresh(ctx, tenant, hostname, versions, published)
	if err != nil {
		return nil, err
	}
	if len(fresh) == 0 {
		return currentFirst(published), nil
	}
	f := Fact{Tenant: tenant, Time: k.Now(), Name: KeysPublished, Hostname: hostname}
	for _, key := range fresh {
		f.KeyIDs = append(f.KeyIDs, key.KeyID)
	}
	published, err = k.Store.PublishKeys(ctx, tenant, fresh, f)
	if err != nil {
		return nil, err
	}
	return currentFirst(published), nil
}

// fresh makes keys of the versions that are not published yet.
func (k *Keys) fresh(ctx context.Context, tenant tenancy.ID, hostname string, versions []KeyVersion, published []SigningKey) ([]SigningKey, error) {
	known, current := map[int]bool{}, false
	for _, key := range published {
		known[key.Version] = true
		current = current || key.State == KeyCurrent
	}
	now := k.Now().UTC()
	var fresh []SigningKey
	for _, v := range versions {
		if known[v.Version] {
			continue
		}
		der, err := k.Source.Certify(ctx, tenant, v, hostname, now, now.AddDate(certificateYears, 0, 0))
		if err != nil {
			return nil, fmt.Errorf("certifying version %d: %w", v.Version, err)
		}
		key := SigningKey{KeyVersion: v, KeyID: newKeyID(), State: KeyNext, Certificate: der, Created: now}
		if !current {
			current, key.State, key.Since = true, KeyCurrent, now
		}
		fresh = append(fresh, key)
	}
	return fresh, nil
}

func currentFirst(keys []SigningKey) []SigningKey {
	out := make([]SigningKey, 0, len(keys))
	for _, state := range []KeyState{KeyCurrent, KeyNext, KeyPrevious, KeyRevoked} {
		for _, key := range keys {
			if key.State == state {
				out = append(out, key)
			}
		}
	}
	return out
}

// currentKey gives the key that signs.
func currentKey(keys []SigningKey) (SigningKey, error) {
	for _, key := range keys {
		if key.State == KeyCurrent {
			return key, nil
		}
	}
	return SigningKey{}, fault.NotFound("The tenant has no signing key")
}
