package httpapi

import (
	"context"

	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// CredentialFields are the properties of a credential that a caller may set.
type CredentialFields struct {
	Name      string `json:"name,omitempty" maxLength:"128"`
	SubjectDN string `json:"subject_dn,omitempty" maxLength:"256"`
	PEM       string `json:"pem,omitempty" maxLength:"16384" doc:"A public key or a certificate"`
	Alg       string `json:"alg,omitempty" enum:"RS256,RS384,PS256"`
	FromCert  bool   `json:"parse_expiry_from_cert,omitempty"`
	Expires   string `json:"expires_at,omitempty" maxLength:"64"`
	KeyID     string `json:"kid,omitempty" minLength:"10" maxLength:"64" pattern:"^[0-9a-zA-Z_-]+$"`
}

type createCredential struct {
	Type string `json:"credential_type" enum:"public_key,cert_subject_dn,x509_cert"`
	CredentialFields
}

type updateCredential struct {
	Expires mgmtkit.Optional[string] `json:"expires_at,omitzero" maxLength:"64"`
}

// credentialWire is a credential as it is shown; what is not set is left out.
type credentialWire struct {
	ID         string `json:"id"`
	Name       string `json:"name,omitempty"`
	Type       string `json:"credential_type"`
	KeyID      string `json:"kid,omitempty"`
	Alg        string `json:"alg,omitempty"`
	SubjectDN  string `json:"subject_dn,omitempty"`
	Thumbprint string `json:"thumbprint_sha256,omitempty"`
	CreatedAt  string `json:"created_at"`
	UpdatedAt  string `json:"updated_at"`
	ExpiresAt  string `json:"expires_at,omitempty"`
}

func credentialToWire(c client.Credential) credentialWire {
	wire := credentialWire{
		ID: c.ID, Name: c.Name, Type: c.Type, KeyID: c.KeyID, Alg: c.Alg, SubjectDN: c.SubjectDN, Thumbprint: c.Thumbprint,
		CreatedAt: stamp(c.Created), UpdatedAt: stamp(c.Updated),
	}
	if !c.Expires.IsZero() {
		wire.ExpiresAt = stamp(c.Expires)
	}
	return wire
}

type credentialOut struct{ Body credentialWire }

// listCredentialsIn takes what SDKs send with every list; this one is short and always whole.
type listCredentialsIn struct {
	mgmtkit.Paging

	ClientID string `path:"id" maxLength:"128"`
}

type credentialsOut struct{ Body []credentialWire }

func (h handlers) listCredentials(ctx context.Context, t tenancy.Tenant, in *listCredentialsIn) (*credentialsOut, error) {
	c, err := h.Clients.FindClient(ctx, t.ID, client.ID(in.ClientID))
	if err != nil {
		return nil, err
	}
	out := &credentialsOut{Body: []credentialWire{}}
	for _, cred := range c.Credentials {
		out.Body = append(out.Body, credentialToWire(cred))
	}
	return out, nil
}

type createCredentialIn struct {
	ClientID string `path:"id" maxLength:"128"`
	Body     createCredential
	RawBody  []byte
}

func (h handlers) createCredential(ctx context.Context, t tenancy.Tenant, in *createCredentialIn) (*credentialOut, error) {
	settings, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	c, err := h.Clients.CreateCredential(mgmtkit.Answering(ctx, credentialToWire), t.ID, client.ID(in.ClientID), settings)
	if err != nil {
		return nil, err
	}
	return &credentialOut{Body: credentialToWire(c)}, nil
}

type credentialIn struct {
	ClientID string `path:"id" maxLength:"128"`
	ID       string `path:"credential_id" maxLength:"64"`
}

func (h handlers) getCredential(ctx context.Context, t tenancy.Tenant, in *credentialIn) (*credentialOut, error) {
	c, err := h.Clients.FindCredential(ctx, t.ID, client.ID(in.ClientID), in.ID)
	if err != nil {
		return nil, err
	}
	return &credentialOut{Body: credentialToWire(c)}, nil
}

type updateCredentialIn struct {
	ClientID string `path:"id" maxLength:"128"`
	ID       string `path:"credential_id" maxLength:"64"`
	Body     updateCredential
	RawBody  []byte
}

func (h handlers) updateCredential(ctx context.Context, t tenancy.Tenant, in *updateCredentialIn) (*credentialOut, error) {
	patch, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	c, err := h.Clients.UpdateCredential(mgmtkit.Answering(ctx, credentialToWire), t.ID, client.ID(in.ClientID), in.ID, patch)
	if err != nil {
		return nil, err
	}
	return &credentialOut{Body: credentialToWire(c)}, nil
}

func (h handlers) deleteCredential(ctx context.Context, t tenancy.Tenant, in *credentialIn) (*struct{}, error) {
	return nil, h.Clients.DeleteCredential(ctx, t.ID, client.ID(in.ClientID), in.ID)
}
