package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// registrationPath is where clients register themselves (RFC 7591 §3); it is no part of the Management API.
const registrationPath = "/oidc/register"

// maxRegistration bounds a registration in bytes: no honest one comes near it, and whoever sends it is nobody we know.
const maxRegistration = 64 << 10

// badRegistration is the code for a body that holds no client's metadata (RFC 7591 §3.2.2).
const badRegistration = "invalid_client_metadata"

// registered is a client as its registrant gets to know it (RFC 7591 §3.2.1). There is no way back in: no access token for it.
type registered struct {
	ClientName    string   `json:"client_name"`
	ClientID      string   `json:"client_id"`
	Secret        string   `json:"client_secret,omitempty"` // not for one that cannot keep it
	RedirectURIs  []string `json:"redirect_uris"`
	SecretExpires int64    `json:"client_secret_expires_at"` // zero: never
	GrantTypes    []string `json:"grant_types"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
}

func registeredToWire(c client.Client) registered {
	out := registered{
		ClientName: c.Name, ClientID: string(c.ID), RedirectURIs: c.Settings.Texts("callbacks"), GrantTypes: c.GrantTypes(), AuthMethod: c.AuthMethod(),
	}
	if !c.Public() {
		out.Secret = string(c.Secret)
	}
	return out
}

// registerClient answers a registration. Refusals leave no audit line: a stranger must not fill a tenant's log.
func (h handlers) registerClient(c *gin.Context, t tenancy.Tenant) error {
	metadata, err := registrationOf(c.Request)
	if err != nil {
		return err
	}
	ctx := audit.With(c.Request.Context(), audit.Act{
		Operation: "Dynamic client registration", IP: httpkit.ClientIP(c.Request), UserAgent: httpkit.UserAgent(c.Request), Hostname: t.Hostname(),
		Method: "post", Path: registrationPath, Query: map[string]string{}, Body: declared(metadata), Status: http.StatusCreated,
		Render: func(stored any) any {
			made, ok := stored.(client.Client)
			if !ok {
				return nil
			}
			answer := registeredToWire(made)
			if answer.Secret != "" {
				answer.Secret = audit.Redacted
			}
			return answer
		},
	})
	made, err := h.Clients.RegisterClient(ctx, t.ID, metadata)
	if err != nil {
		return err
	}
	httpkit.EventOf(c.Request.Context()).Client = string(made.ID)
	c.Header("Cache-Control", "no-store")
	c.Header("Pragma", "no-cache")
	c.JSON(http.StatusCreated, registeredToWire(made))
	return nil
}

// registrationOf reads the metadata of a client that registers itself.
func registrationOf(r *http.Request) (client.Settings, error) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || !strings.EqualFold(media, "application/json") {
			return nil, fault.Invalid(badRegistration, "The body must be application/json")
		}
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRegistration+1))
	var tooLarge *http.MaxBytesError
	switch {
	case len(raw) > maxRegistration, errors.As(err, &tooLarge):
		return nil, fault.Invalid(badRegistration, "The body is too large")
	case err != nil:
		return nil, fault.Invalid(badRegistration, "The body could not be read").Because(err)
	}
	var metadata client.Settings
	if err := json.Unmarshal(raw, &metadata); err != nil || metadata == nil {
		return nil, fault.Invalid(badRegistration, "The body is not a JSON object")
	}
	return metadata, nil
}

// declared is what the audit log keeps of a registration: what it may say. What else was sent could be anything, secrets too.
func declared(metadata client.Settings) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"client_name", "redirect_uris", "token_endpoint_auth_method", "grant_types", "response_types"} {
		if value, ok := metadata[name]; ok {
			out[name] = value
		}
	}
	return out
}
