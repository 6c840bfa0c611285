package token

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// KeyState is where a signing key is in its life.
type KeyState string

// The states. Verifiers are shown all but the revoked ones (ShownKeys).
const (
	KeyCurrent  KeyState = "current"  // signs
	KeyNext     KeyState = "next"     // is shown, so that verifiers know it before it signs
	KeyPrevious KeyState = "previous" // what it signed still verifies
	KeyRevoked  KeyState = "revoked"
)

// JWS algorithms (RFC 7518 §3.1).
const (
	AlgHS256 = "HS256" // by a secret that both sides know
	AlgRS256 = "RS256"
	AlgRS512 = "RS512"
	AlgPS256 = "PS256"
	AlgES256 = "ES256"
)

// keyAlgs are the algorithms that a tenant has a key for, each with the further ones that the same key signs by. A verifier is shown
// a key under an ID of its own for each, since a key ID stands for one algorithm (RFC 8725 §3.1).
var keyAlgs = []struct {
	alg  string
	also []string
}{
	{AlgRS256, []string{AlgRS512, AlgPS256}},
	{AlgES256, nil},
}

// keyAlg gives the algorithm of the key that signs by alg; empty where none does.
func keyAlg(alg string) string {
	for _, k := range keyAlgs {
		if k.alg == alg || slices.Contains(k.also, alg) {
			return k.alg
		}
	}
	return ""
}

// KeyVersion is the public half of one version of a tenant's signing key.
type KeyVersion struct {
	Alg     string // AlgRS256 or AlgES256
	Version int
	Public  crypto.PublicKey // *rsa.PublicKey or *ecdsa.PublicKey
}

// SigningKey is a published key version.
type SigningKey struct {
	KeyVersion

	KeyID       string // kid: 21 URL-safe random characters
	State       KeyState
	Certificate []byte    // DER, self-signed
	Created     time.Time // when it was published
	Shown       time.Time // since when the world is shown it; zero: not yet, unless it is an RSA key
	Since       time.Time // when it begins to sign; zero: not said yet. Up to knownAfter ahead
	Until       time.Time // when it stops; zero: not said yet
	Revoked     time.Time // zero: not
}

// IDFor gives the key ID under which the key signs by alg.
func (k SigningKey) IDFor(alg string) string {
	if alg == k.Alg {
		return k.KeyID
	}
	return k.KeyID + "-" + strings.ToLower(alg)
}

// certificateYears is how long a certificate is good for: as long as on the wire.
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

// Publish makes every version of the tenant's signing keys known: the first of an algorithm becomes current, the later ones next. A
// repeat, also a concurrent one, changes nothing and answers the same, in the order of OrderKeys.
func (k *Keys) Publish(ctx context.Context, tenant tenancy.ID, hostname string) ([]SigningKey, error) {
	published, err := k.Store.ListKeys(ctx, tenant)
	if err != nil {
		return nil, err
	}
	published, err = k.publish(ctx, tenant, hostname, published)
	if err != nil {
		return nil, err
	}
	published, err = k.Complete(ctx, tenant, published)
	if err != nil {
		return nil, err
	}
	return OrderKeys(published, k.Now()), nil
}

// publish makes known what is not among published.
func (k *Keys) publish(ctx context.Context, tenant tenancy.ID, hostname string, published []SigningKey) ([]SigningKey, error) {
	fresh, err := k.fresh(ctx, tenant, hostname, published)
	if err != nil || len(fresh) == 0 {
		return published, err
	}
	f := Fact{Tenant: tenant, Time: k.Now(), Name: KeysPublished, Hostname: hostname}
	for _, key := range fresh {
		f.KeyIDs = append(f.KeyIDs, key.KeyID)
	}
	return k.Store.PublishKeys(ctx, tenant, fresh, f)
}

// fresh makes keys of the versions that are not published yet.
func (k *Keys) fresh(ctx context.Context, tenant tenancy.ID, hostname string, published []SigningKey) ([]SigningKey, error) {
	versions, err := k.Source.Versions(ctx, tenant)
	if err != nil {
		return nil, err
	}
	type version struct {
		alg string
		n   int
	}
	known, current := map[version]bool{}, map[string]bool{}
	for _, key := range published {
		known[version{key.Alg, key.Version}] = true
		current[key.Alg] = current[key.Alg] || key.State == KeyCurrent
	}
	now := k.Now().UTC()
	var fresh []SigningKey
	for _, v := range versions {
		if known[version{v.Alg, v.Version}] {
			continue
		}
		der, err := k.Source.Certify(ctx, tenant, v, hostname, now, now.AddDate(certificateYears, 0, 0))
		if err != nil {
			return nil, fmt.Errorf("certifying version %d for %s: %w", v.Version, v.Alg, err)
		}
		key := SigningKey{KeyVersion: v, KeyID: newKeyID(), State: KeyNext, Certificate: der, Created: now}
		if !current[v.Alg] {
			current[v.Alg], key.State, key.Since = true, KeyCurrent, now
		}
		fresh = append(fresh, key)
	}
	return fresh, nil
}

var errNoKey = errors.New("the tenant has no key for the algorithm")

// CurrentKey gives the key that signs by alg, of keys as OrderKeys gives them; fault.Unavailable where there is none.
func CurrentKey(keys []SigningKey, alg string) (SigningKey, error) {
	own := keyAlg(alg)
	for _, key := range keys {
		if key.Alg == own && key.signs() {
			return key, nil
		}
	}
	return SigningKey{}, fault.Unavailable("The tenant's keys are not published yet").Because(errNoKey)
}
