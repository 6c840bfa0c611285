// Package transit is the domain's Signer and KeySource over Vault's transit engine. The private halves stay there.
package transit

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

// KeyName is how a tenant's signing key is called in the transit engine.
func KeyName(tenant tenancy.ID) string { return "sign-" + string(tenant) + "-rs256" }

// Keys is what this package asks of Vault (vaultkit.Client).
type Keys interface {
	PublicKeys(ctx context.Context, name string) ([]vaultkit.PublicKey, error)
}

// Batcher makes the signatures (vaultkit.Batcher).
type Batcher interface {
	Sign(ctx context.Context, ref vaultkit.KeyRef, input []byte) ([]byte, error)
}

// Signer signs with what Vault holds.
type Signer struct {
	keys  Keys
	batch Batcher
}

var (
	_ token.Signer    = (*Signer)(nil)
	_ token.KeySource = (*Signer)(nil)
)

// New makes a Signer.
func New(keys Keys, batch Batcher) *Signer { return &Signer{keys: keys, batch: batch} }

// Sign implements token.Signer.
func (s *Signer) Sign(ctx context.Context, tenant tenancy.ID, key token.SigningKey, input []byte) ([]byte, error) {
	return s.batch.Sign(ctx, ref(tenant, key.Version), input)
}

// Versions implements token.KeySource.
func (s *Signer) Versions(ctx context.Context, tenant tenancy.ID) ([]token.KeyVersion, error) {
	keys, err := s.keys.PublicKeys(ctx, KeyName(tenant))
	if err != nil {
		return nil, err
	}
	versions := make([]token.KeyVersion, 0, len(keys))
	for _, key := range slices.Backward(keys) { // newest first, as Vault's adapter gives them
		public, ok := key.Key.(*rsa.PublicKey)
		if !ok {
			return nil, fault.Internal(fmt.Errorf("key %s holds a %T", KeyName(tenant), key.Key))
		}
		versions = append(versions, token.KeyVersion{Version: key.Version, Public: public})
	}
	return versions, nil
}

// Certify implements token.KeySource.
func (s *Signer) Certify(ctx context.Context, tenant tenancy.ID, v token.KeyVersion, hostname string, from, until time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fault.Internal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: hostname}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, v.Public, remote{ctx, s.batch, ref(tenant, v.Version), v.Public})
	if err != nil {
		return nil, fmt.Errorf("making the certificate: %w", err)
	}
	return der, nil
}

func ref(tenant tenancy.ID, version int) vaultkit.KeyRef {
	return vaultkit.KeyRef{Key: KeyName(tenant), Version: version, Alg: vaultkit.RS256}
}

// remote is a private key as crypto/x509 wants it, whose work is done in Vault. It lives for one certificate.
type remote struct {
	ctx    context.Context //nolint:containedctx // crypto.MessageSigner has no place for it
	batch  Batcher
	ref    vaultkit.KeyRef
	public crypto.PublicKey
}

var _ crypto.MessageSigner = remote{}

// Public implements crypto.Signer.
func (r remote) Public() crypto.PublicKey { return r.public }

// Sign implements crypto.Signer. Vault is given messages, so that a digest of something else cannot be slipped in.
func (r remote) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("this key signs messages, not digests")
}

// SignMessage implements crypto.MessageSigner.
func (r remote) SignMessage(_ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 {
		return nil, errors.New("this key signs over SHA-256 alone")
	}
	return r.batch.Sign(r.ctx, r.ref, msg)
}
