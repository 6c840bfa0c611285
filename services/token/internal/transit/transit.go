// Package transit is the domain's Signer and KeySource over Vault's transit engine. The private halves stay there.
package transit

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

// KeyName is how a tenant's signing key of an algorithm is called in the transit engine.
func KeyName(tenant tenancy.ID, alg string) string {
	return "sign-" + string(tenant) + "-" + strings.ToLower(alg)
}

// Keys is what this package asks of Vault (vaultkit.Client).
type Keys interface {
	PublicKeys(ctx context.Context, name string) ([]vaultkit.PublicKey, error)
	CreateSigningKey(ctx context.Context, name string, alg vaultkit.Alg) error
	RotateKey(ctx context.Context, name string) (int, error)
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
func (s *Signer) Sign(ctx context.Context, tenant tenancy.ID, key token.SigningKey, alg string, input []byte) ([]byte, error) {
	return s.batch.Sign(ctx, ref(tenant, key.KeyVersion, alg), input)
}

// Versions implements token.KeySource. A tenant from before there were ES256 keys has none.
func (s *Signer) Versions(ctx context.Context, tenant tenancy.ID) ([]token.KeyVersion, error) {
	versions, err := s.versions(ctx, tenant, token.AlgRS256)
	if err != nil {
		return nil, err
	}
	elliptic, err := s.versions(ctx, tenant, token.AlgES256)
	if err != nil && !fault.Is(err, fault.KindNotFound) {
		return nil, err
	}
	return slices.Concat(versions, elliptic), nil
}

func (s *Signer) versions(ctx context.Context, tenant tenancy.ID, alg string) ([]token.KeyVersion, error) {
	name := KeyName(tenant, alg)
	keys, err := s.keys.PublicKeys(ctx, name)
	if err != nil {
		return nil, err
	}
	versions := make([]token.KeyVersion, 0, len(keys))
	for _, key := range slices.Backward(keys) { // newest first, as Vault's adapter gives them
		if string(key.Alg) != alg {
			return nil, fault.Internal(fmt.Errorf("key %s holds a %T", name, key.Key))
		}
		versions = append(versions, token.KeyVersion{Alg: alg, Version: key.Version, Public: key.Key})
	}
	return versions, nil
}

// Provide implements token.KeySource.
func (s *Signer) Provide(ctx context.Context, tenant tenancy.ID, alg string, versions int) error {
	name := KeyName(tenant, alg)
	have, err := s.versions(ctx, tenant, alg)
	if fault.Is(err, fault.KindNotFound) {
		if err := s.keys.CreateSigningKey(ctx, name, vaultkit.Alg(alg)); err != nil {
			return err
		}
		have, err = s.versions(ctx, tenant, alg)
	}
	if err != nil {
		return err
	}
	for latest := have[len(have)-1].Version; latest < versions; {
		if latest, err = s.keys.RotateKey(ctx, name); err != nil {
			return err
		}
	}
	return nil
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
	if v.Alg == token.AlgES256 {
		cert.SignatureAlgorithm = x509.ECDSAWithSHA256
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, v.Public, remote{ctx, s.batch, ref(tenant, v, v.Alg), v.Public})
	if err != nil {
		return nil, fmt.Errorf("making the certificate: %w", err)
	}
	return der, nil
}

func ref(tenant tenancy.ID, v token.KeyVersion, alg string) vaultkit.KeyRef {
	return vaultkit.KeyRef{Key: KeyName(tenant, v.Alg), Version: v.Version, Alg: vaultkit.Alg(alg)}
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
	raw, err := r.batch.Sign(r.ctx, r.ref, msg)
	if err != nil || r.ref.Alg != vaultkit.ES256 {
		return raw, err
	}
	// JOSE puts r and s side by side (RFC 7518 §3.4), X.509 into a sequence (RFC 3279 §2.2.3).
	half := len(raw) / 2
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
}
