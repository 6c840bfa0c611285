package httpapi

import (
	"context"
	"crypto/sha1" //nolint:gosec // thumbprints on this wire are SHA-1 by definition; nothing is trusted for it
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// signingKey is a signing key on the Management API.
type signingKey struct {
	KeyID        string     `json:"kid"`
	Cert         string     `json:"cert"`
	PKCS7        string     `json:"pkcs7"`
	Current      bool       `json:"current,omitempty"`
	Next         bool       `json:"next,omitempty"`
	Previous     bool       `json:"previous,omitempty"`
	CurrentSince *time.Time `json:"current_since,omitempty"`
	CurrentUntil *time.Time `json:"current_until,omitempty"`
	Fingerprint  string     `json:"fingerprint"`
	Thumbprint   string     `json:"thumbprint"`
	Revoked      bool       `json:"revoked,omitempty"`
	RevokedAt    *time.Time `json:"revoked_at,omitempty"`
}

type keyInput struct {
	KeyID string `path:"kid" minLength:"1" maxLength:"255"`
}

type keyOutput struct{ Body signingKey }

type keysOutput struct{ Body []signingKey }

// keyName is what the wire answers with about a key that was rotated or revoked.
type keyName struct {
	Cert  string `json:"cert"`
	KeyID string `json:"kid"`
}

type keyNameOutput struct{ Body keyName }

func (d Management) mountKeys(api *mgmtkit.API) {
	const tag = "keys"
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "list_signing_keys", Summary: "Get all Application Signing Keys", Tag: tag, Method: http.MethodGet, Path: "/keys/signing",
		Scopes: []string{"read:signing_keys"},
	}, d.listKeys)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "get_signing_key", Summary: "Get an Application Signing Key by its key id", Tag: tag, Method: http.MethodGet, Path: "/keys/signing/{kid}",
		Scopes: []string{"read:signing_keys"},
	}, d.findKey)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "rotate_signing_keys", Summary: "Rotate the Application Signing Key", Tag: tag, Method: http.MethodPost, Path: "/keys/signing/rotate",
		Scopes: []string{"create:signing_keys", "update:signing_keys"}, Status: http.StatusCreated,
	}, d.rotateKeys)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "revoke_signing_key", Summary: "Revoke an Application Signing Key by its key id", Tag: tag, Method: http.MethodPut,
		Path: "/keys/signing/{kid}/revoke", Scopes: []string{"update:signing_keys"},
	}, d.revokeKey)
}

// listKeys and findKey ask the store: who has just rotated may come to another process.
func (d Management) listKeys(ctx context.Context, t tenancy.Tenant, _ *struct{}) (*keysOutput, error) {
	keys, err := d.Ring.Renew(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	out := &keysOutput{Body: []signingKey{}}
	for _, key := range token.ApplicationKeys(keys, d.Now()) {
		out.Body = append(out.Body, signingKeyOf(key))
	}
	return out, nil
}

func (d Management) findKey(ctx context.Context, t tenancy.Tenant, in *keyInput) (*keyOutput, error) {
	keys, err := d.Ring.Renew(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	key, err := token.FindApplicationKey(keys, in.KeyID)
	if err != nil {
		return nil, err
	}
	return &keyOutput{Body: signingKeyOf(key)}, nil
}

func (d Management) rotateKeys(ctx context.Context, t tenancy.Tenant, _ *struct{}) (*keyNameOutput, error) {
	key, err := d.Keys.Rotate(mgmtkit.Answering(ctx, keyNameOf), t.ID)
	if fault.Is(err, fault.KindTooMany) {
		mgmtkit.TellLimit(ctx, token.MaxRotations, 0, d.Now().Add(fault.Of(err).RetryAfter))
	}
	if err != nil {
		return nil, err
	}
	d.Ring.Forget(t.ID)
	return &keyNameOutput{Body: keyNameOf(key)}, nil
}

func (d Management) revokeKey(ctx context.Context, t tenancy.Tenant, in *keyInput) (*keyNameOutput, error) {
	key, err := d.Keys.Revoke(mgmtkit.Answering(ctx, keyNameOf), t.ID, in.KeyID)
	if err != nil {
		return nil, err
	}
	d.Ring.Forget(t.ID)
	return &keyNameOutput{Body: keyNameOf(key)}, nil
}

func keyNameOf(key token.SigningKey) keyName {
	return keyName{Cert: certificatePEM(key), KeyID: key.KeyID}
}

func certificatePEM(key token.SigningKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Certificate}))
}

func pkcs7PEM(key token.SigningKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: pkcs7(key.Certificate)}))
}

func signingKeyOf(key token.SigningKey) signingKey {
	sum := sha1.Sum(key.Certificate) //nolint:gosec // see the import
	return signingKey{
		KeyID: key.KeyID, Cert: certificatePEM(key), PKCS7: pkcs7PEM(key),
		Current: key.State == token.KeyCurrent, Next: key.State == token.KeyNext, Previous: key.State == token.KeyPrevious,
		CurrentSince: orNil(key.Since), CurrentUntil: orNil(key.Until),
		Fingerprint: fingerprint(key.Certificate), Thumbprint: hex.EncodeToString(sum[:]),
		Revoked: key.State == token.KeyRevoked, RevokedAt: orNil(key.Revoked),
	}
}

// pkcs7 wraps a certificate into SignedData that signs nothing (RFC 2315 §9.1), the usual envelope for handing certificates out.
func pkcs7(cert []byte) []byte {
	data := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	signedData := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	explicit := func(tag int, content []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: content}
	}
	set := asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true}
	inner, err := asn1.Marshal(struct {
		Version     int
		Digests     asn1.RawValue
		ContentInfo struct{ Type asn1.ObjectIdentifier }
		Certs       asn1.RawValue
		Signers     asn1.RawValue
	}{1, set, struct{ Type asn1.ObjectIdentifier }{data}, explicit(0, cert), set})
	if err != nil {
		panic(err) // fixed shapes
	}
	outer, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{signedData, explicit(0, inner)})
	if err != nil {
		panic(err)
	}
	return outer
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
