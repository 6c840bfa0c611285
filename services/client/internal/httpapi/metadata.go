package httpapi

import (
	"context"
	"net/http"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

type metadataIn struct {
	Body struct {
		ExternalClientID string `json:"external_client_id" minLength:"1" maxLength:"120" doc:"URL of the client ID metadata document"`
	}
}

// metadataWire is what a document says, as the answer shows it.
type metadataWire struct {
	ClientID   string          `json:"client_id,omitempty" doc:"The client that calls itself by the URL"`
	Errors     []string        `json:"errors,omitempty" doc:"Why the document could not be had; then nothing else is known"`
	Fields     *mappedFields   `json:"mapped_fields,omitempty"`
	Validation *validationWire `json:"validation,omitempty"`
}

type validationWire struct {
	Valid      bool     `json:"valid"`
	Violations []string `json:"violations" nullable:"false"`
	Warnings   []string `json:"warnings" nullable:"false"`
}

type mappedFields struct {
	ExternalClientID string         `json:"external_client_id"`
	Name             string         `json:"name,omitempty"`
	AppType          string         `json:"app_type,omitempty"`
	Callbacks        []string       `json:"callbacks,omitempty"`
	LogoURI          string         `json:"logo_uri,omitempty"`
	Description      string         `json:"description,omitempty"`
	GrantTypes       []string       `json:"grant_types,omitempty"`
	AuthMethod       string         `json:"token_endpoint_auth_method,omitempty"`
	JWKSURI          string         `json:"jwks_uri,omitempty"`
	AuthMethods      *mappedMethods `json:"client_authentication_methods,omitempty"`
}

type mappedMethods struct {
	PrivateKeyJWT struct {
		Credentials []mappedCredential `json:"credentials" nullable:"false"`
	} `json:"private_key_jwt"`
}

type mappedCredential struct {
	Type  string `json:"credential_type"`
	KeyID string `json:"kid"`
	Alg   string `json:"alg"`
}

type previewMetadataOut struct{ Body metadataWire }

type registerMetadataOut struct {
	Status int
	Body   metadataWire
}

func metadataToWire(m client.Metadata, id client.ID) metadataWire {
	out := metadataWire{ClientID: string(id)}
	if m.Failure != "" {
		out.Errors = []string{m.Failure}
		return out
	}
	out.Validation = &validationWire{Valid: m.Valid(), Violations: append([]string{}, m.Violations...), Warnings: append([]string{}, m.Warnings...)}
	out.Fields = &mappedFields{
		ExternalClientID: m.URL, Name: m.Fields.Text("name"), AppType: m.Fields.Text("app_type"), Callbacks: m.Fields.Texts("callbacks"),
		LogoURI: m.Fields.Text("logo_uri"), Description: m.Fields.Text("description"), GrantTypes: m.Fields.Texts("grant_types"),
		AuthMethod: m.Fields.Text("token_endpoint_auth_method"), JWKSURI: m.Fields.Text("jwks_uri"),
	}
	if len(m.Keys) > 0 {
		out.Fields.AuthMethods = &mappedMethods{}
		for _, key := range m.Keys {
			credentials := &out.Fields.AuthMethods.PrivateKeyJWT.Credentials
			*credentials = append(*credentials, mappedCredential{Type: key.Type, KeyID: key.KeyID, Alg: key.Alg})
		}
	}
	return out
}

func (h handlers) previewMetadata(ctx context.Context, t tenancy.Tenant, in *metadataIn) (*previewMetadataOut, error) {
	m, err := h.Clients.ReadMetadata(ctx, t.ID, in.Body.ExternalClientID)
	if err != nil {
		return nil, err
	}
	return &previewMetadataOut{Body: metadataToWire(m, m.ID)}, nil
}

// registerMetadata makes a client of its document, or makes it anew of what the document says now; each needs its own scope.
func (h handlers) registerMetadata(ctx context.Context, t tenancy.Tenant, in *metadataIn) (*registerMetadataOut, error) {
	m, err := h.Clients.ReadMetadata(ctx, t.ID, in.Body.ExternalClientID)
	if err != nil {
		return nil, err
	}
	wire := func(c client.Client) metadataWire { return metadataToWire(m, c.ID) }
	if m.ID == "" {
		if err := expect(ctx, scopeCreateClients); err != nil {
			return nil, err
		}
		c, err := h.Clients.CreateFromMetadata(mgmtkit.Answering(ctx, wire), t.ID, m)
		if err == nil {
			return &registerMetadataOut{Status: http.StatusCreated, Body: wire(c)}, nil
		}
		if !client.Is(err, client.ErrExternalTaken) { // taken: someone else made it while the document was read
			return nil, err
		}
	}
	if err := expect(ctx, scopeUpdateClients); err != nil {
		return nil, err
	}
	act := audit.From(ctx)
	act.Status = http.StatusOK
	c, err := h.Clients.RefreshFromMetadata(mgmtkit.Answering(audit.With(ctx, act), wire), t.ID, m)
	if err != nil {
		return nil, err
	}
	return &registerMetadataOut{Status: http.StatusOK, Body: wire(c)}, nil
}

// expect refuses a caller without the scope.
func expect(ctx context.Context, scope string) error {
	if !mgmtkit.CallerOf(ctx).Has(scope) {
		return fault.Denied("insufficient_scope", "Insufficient scope, expected any of: "+scope)
	}
	return nil
}
