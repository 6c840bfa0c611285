package token

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	// MaxRotations is how often a tenant's keys may be rotated in a day: the wire's limit.
	MaxRotations   = 5
	rotationWindow = 24 * time.Hour
	// rotationTries is how often a rotation begins anew because another one came between.
	rotationTries = 8
)

// KeyRotation is one step on in the life of a tenant's keys.
type KeyRotation struct {
	Retire  []string // key IDs of the current keys, which become previous
	Promote []string // of the next ones that follow them
	Fresh   []SigningKey
	At      time.Time
	Since   time.Time  // when those promoted begin to sign
	Next    SigningKey // the RSA key that is next from now on
}

// KeyRevocation takes keys back that signed before.
type KeyRevocation struct {
	KeyIDs []string
	At     time.Time
	Named  SigningKey // the one of them that the caller named
}

// Rotate lets the next key of each algorithm take the current one's place and publishes one that will follow it, which it gives: the RSA
// one, which is the wire's. What was signed before still verifies, and nothing is signed by a key that verifiers may not know.
//
// A rotation that was broken off has changed nothing but the versions that Vault has; the next one uses them. Of two at once the
// second goes one step further than the first.
func (k *Keys) Rotate(ctx context.Context, tenant tenancy.ID) (SigningKey, error) {
	for range rotationTries {
		next, err := k.rotate(ctx, tenant)
		if !fault.Is(err, fault.KindConflict) {
			return next, err
		}
	}
	return SigningKey{}, fault.Unavailable("The keys are being rotated").Because(errors.New("another rotation came between each time"))
}

func (k *Keys) rotate(ctx context.Context, tenant tenancy.ID) (SigningKey, error) {
	published, err := k.Store.ListKeys(ctx, tenant)
	if err != nil {
		return SigningKey{}, err
	}
	now := k.Now().UTC()
	if err := mayRotate(published, now); err != nil {
		return SigningKey{}, err
	}
	if published, err = k.Complete(ctx, tenant, published); err != nil {
		return SigningKey{}, err
	}
	for _, alg := range keyAlgs {
		if len(inState(published, alg.alg, KeyNext)) > 1 {
			continue // one was left over, and will be the next
		}
		if err := k.Source.Provide(ctx, tenant, alg.alg, latest(published, alg.alg)+1); err != nil {
			return SigningKey{}, err
		}
	}
	hostname, err := hostnameOf(published)
	if err != nil {
		return SigningKey{}, err
	}
	fresh, err := k.fresh(ctx, tenant, hostname, published)
	if err != nil {
		return SigningKey{}, err
	}
	r, err := step(published, fresh, now)
	if err != nil {
		return SigningKey{}, err
	}
	if _, err := k.Store.RotateKeys(ctx, tenant, r); err != nil {
		return SigningKey{}, err
	}
	return r.Next, nil
}

// step gives the rotation of published at now.
func step(published, fresh []SigningKey, now time.Time) (KeyRotation, error) {
	r := KeyRotation{Fresh: fresh, At: now, Since: now}
	for _, alg := range keyAlgs {
		current, next := inState(published, alg.alg, KeyCurrent), inState(published, alg.alg, KeyNext)
		waiting := slices.Concat(next, inState(fresh, alg.alg, KeyNext))
		if len(current) == 0 || len(next) == 0 || len(waiting) < 2 {
			return r, fault.Internal(fmt.Errorf("%d current and %d next keys for %s, and %d to come", len(current), len(next), alg.alg, len(waiting)))
		}
		r.Retire, r.Promote = append(r.Retire, current[0].KeyID), append(r.Promote, next[0].KeyID)
		if alg.alg == AlgRS256 {
			r.Next = waiting[1]
		}
		// All begin together, so that what is retired together is known by its end.
		if known := next[0].Created.Add(knownAfter); !next[0].Created.Equal(current[0].Created) && known.After(r.Since) {
			r.Since = known
		}
	}
	return r, nil
}

// mayRotate holds the tenant to the wire's limit.
func mayRotate(keys []SigningKey, now time.Time) error {
	if len(keys) == 0 {
		return fault.Unavailable("The tenant's keys are not published yet").Because(errNoKey)
	}
	var ends []time.Time // when each rotation that counts will count no more
	for _, key := range keys {
		// The first key of all signs since it was published; one that followed by a rotation was published before.
		if end := key.Since.Add(rotationWindow); key.Alg == AlgRS256 && !key.Since.Equal(key.Created) && end.After(now) {
			ends = append(ends, end)
		}
	}
	if len(ends) < MaxRotations {
		return nil
	}
	slices.SortFunc(ends, time.Time.Compare)
	return &fault.Error{
		Kind: fault.KindTooMany, Code: "too_many_requests", RetryAfter: ends[len(ends)-MaxRotations].Sub(now).Truncate(time.Second) + time.Second,
		Message: "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.",
	}
}

// Revoke takes a previous key back, and those that were retired with it: what they signed verifies no more. It gives the one named.
func (k *Keys) Revoke(ctx context.Context, tenant tenancy.ID, keyID string) (SigningKey, error) {
	for range rotationTries {
		key, err := k.revoke(ctx, tenant, keyID)
		if !fault.Is(err, fault.KindConflict) {
			return key, err
		}
	}
	return SigningKey{}, fault.Unavailable("The keys are being rotated").Because(errors.New("another change came between each time"))
}

func (k *Keys) revoke(ctx context.Context, tenant tenancy.ID, keyID string) (SigningKey, error) {
	published, err := k.Store.ListKeys(ctx, tenant)
	if err != nil {
		return SigningKey{}, err
	}
	named, err := FindApplicationKey(published, keyID)
	if err != nil {
		return SigningKey{}, err
	}
	if named.State != KeyPrevious {
		return SigningKey{}, fault.Invalid("operation_not_supported", "Only a previously used signing key can be revoked")
	}
	r := KeyRevocation{At: k.Now().UTC()}
	for _, key := range published {
		if key.State == KeyPrevious && key.Until.Equal(named.Until) {
			r.KeyIDs = append(r.KeyIDs, key.KeyID)
		}
	}
	named.State, named.Revoked = KeyRevoked, r.At
	r.Named = named
	if err := k.Store.RevokeKeys(ctx, tenant, r); err != nil {
		return SigningKey{}, err
	}
	return named, nil
}

// Complete gives a tenant from before what new ones have: of each algorithm a key that is current and one that is next. It gives all
// keys then. A repeat changes nothing; a tenant without keys is not completed, but provisioned.
func (k *Keys) Complete(ctx context.Context, tenant tenancy.ID, published []SigningKey) ([]SigningKey, error) {
	if len(published) == 0 || IsComplete(published) {
		return published, nil
	}
	for _, alg := range keyAlgs {
		want := latest(published, alg.alg)
		for _, state := range []KeyState{KeyCurrent, KeyNext} {
			if len(inState(published, alg.alg, state)) == 0 {
				want++
			}
		}
		if want == latest(published, alg.alg) {
			continue
		}
		if err := k.Source.Provide(ctx, tenant, alg.alg, want); err != nil {
			return nil, err
		}
	}
	hostname, err := hostnameOf(published)
	if err != nil {
		return nil, err
	}
	return k.publish(ctx, tenant, hostname, published)
}

// IsComplete reports whether each algorithm has a key that is current and one that is next.
func IsComplete(keys []SigningKey) bool {
	for _, alg := range keyAlgs {
		if len(inState(keys, alg.alg, KeyCurrent)) == 0 || len(inState(keys, alg.alg, KeyNext)) == 0 {
			return false
		}
	}
	return true
}

// inState gives the keys of an algorithm that are in a state, the oldest version first.
func inState(keys []SigningKey, alg string, state KeyState) []SigningKey {
	var out []SigningKey
	for _, key := range keys {
		if key.Alg == alg && key.State == state {
			out = append(out, key)
		}
	}
	slices.SortFunc(out, func(a, b SigningKey) int { return a.Version - b.Version })
	return out
}

// latest gives the newest version of an algorithm's key that is published; zero: none.
func latest(keys []SigningKey, alg string) int {
	version := 0
	for _, key := range keys {
		if key.Alg == alg {
			version = max(version, key.Version)
		}
	}
	return version
}

// hostnameOf gives the name that the tenant's certificates are for.
func hostnameOf(keys []SigningKey) (string, error) {
	cert, err := x509.ParseCertificate(keys[0].Certificate)
	if err != nil {
		return "", fault.Internal(fmt.Errorf("reading the certificate of key %s: %w", keys[0].KeyID, err))
	}
	return cert.Subject.CommonName, nil
}

// shownRevoked is how many of the revoked keys are listed.
const shownRevoked = 3

// ApplicationKeys gives, of all of a tenant's keys, those that the wire knows as signing keys: the RSA ones, of the revoked the last
// three. The others show in the JWKS, and share the RSA ones' life.
func ApplicationKeys(keys []SigningKey, now time.Time) []SigningKey {
	var out []SigningKey
	revoked := 0
	for _, key := range OrderKeys(keys, now) {
		if key.State == KeyRevoked {
			revoked++
		}
		if key.Alg == AlgRS256 && revoked <= shownRevoked {
			out = append(out, key)
		}
	}
	return out
}

// FindApplicationKey gives the signing key with the ID, also one that was revoked long ago.
func FindApplicationKey(keys []SigningKey, keyID string) (SigningKey, error) {
	for _, key := range keys {
		if key.Alg == AlgRS256 && key.KeyID == keyID {
			return key, nil
		}
	}
	return SigningKey{}, fault.NotFound("The signing key does not exist")
}
