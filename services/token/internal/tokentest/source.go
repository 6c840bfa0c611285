package tokentest

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Source is a fake of where key versions come from. The first version of a tenant's is that of the signer it was given, the n-th that of
// SharedSigner(n).
type Source struct {
	tb testing.TB

	mu       sync.Mutex
	first    map[tenancy.ID]*Signer
	versions map[Key]int
	away     error
}

var _ token.KeySource = (*Source)(nil)

// NewSource makes one that knows no tenant.
func NewSource(tb testing.TB) *Source {
	tb.Helper()
	return &Source{tb: tb, first: map[tenancy.ID]*Signer{}, versions: map[Key]int{}}
}

// Add gives a tenant so many versions of each algorithm's key.
func (s *Source) Add(tenant tenancy.ID, first *Signer, versions map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first[tenant] = first
	for alg, n := range versions {
		s.versions[Key{tenant, alg}] = n
	}
}

// Away makes every call fail with err until it is nil again.
func (s *Source) Away(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

// signer gives who holds the private half of a version.
func (s *Source) signer(tenant tenancy.ID, version int) *Signer {
	if version == 1 {
		return s.first[tenant]
	}
	return SharedSigner(s.tb, version)
}

// Versions implements token.KeySource.
func (s *Source) Versions(_ context.Context, tenant tenancy.ID) ([]token.KeyVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return nil, s.away
	}
	var out []token.KeyVersion
	for _, alg := range []string{token.AlgRS256, token.AlgES256} {
		for version := range s.versions[Key{tenant, alg}] {
			key := token.KeyVersion{Alg: alg, Version: version + 1, Public: &s.signer(tenant, version+1).Private.PublicKey}
			if alg == token.AlgES256 {
				key.Public = &s.signer(tenant, version+1).Elliptic.PublicKey
			}
			out = append(out, key)
		}
	}
	if len(out) == 0 {
		return nil, fault.NotFound("the key does not exist")
	}
	return out, nil
}

// Provide implements token.KeySource.
func (s *Source) Provide(_ context.Context, tenant tenancy.ID, alg string, versions int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return s.away
	}
	s.versions[Key{tenant, alg}] = max(versions, s.versions[Key{tenant, alg}])
	return nil
}

// Certify implements token.KeySource.
func (s *Source) Certify(_ context.Context, tenant tenancy.ID, v token.KeyVersion, hostname string, from, until time.Time) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return nil, s.away
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(v.Version)), Subject: pkix.Name{CommonName: hostname}, NotBefore: from, NotAfter: until,
	}
	switch v.Alg {
	case token.AlgRS256:
		return x509.CreateCertificate(rand.Reader, template, template, v.Public, s.signer(tenant, v.Version).Private)
	case token.AlgES256:
		return x509.CreateCertificate(rand.Reader, template, template, v.Public, s.signer(tenant, v.Version).Elliptic)
	}
	return nil, fmt.Errorf("no key for %q", v.Alg)
}
