package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// tokenResponse is the answer of the token endpoint (RFC 6749 §5.1).
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int64  `json:"expires_in"`
	TokenType    string `json:"token_type"`
	IssuedType   string `json:"issued_token_type,omitempty"`
}

// maxGrantType bounds what of a request's grant type is logged; the longest there is has half of it.
const maxGrantType = 128

func (h *Handler) token(c *gin.Context, t tenancy.Tenant) error {
	p, err := params(c.Request)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	event := httpkit.EventOf(ctx)
	if kind := p["grant_type"]; len(kind) <= maxGrantType {
		event.Grant = kind
	}
	tokens, err := h.Endpoint.Exchange(ctx, t, token.ExchangeRequest{Params: p, Basic: basic(c.Request), Origin: origin(c), ForwardedFor: c.GetHeader("Auth0-Forwarded-For"), Proofs: proofs(c.Request)})
	if tokens.Client != nil {
		event.Client = tokens.Client.ID
		share(c, tokens.Client)
	}
	quotaHeaders(c, tokens.Quota, err)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Pragma", "no-cache")
	return httpkit.JSON(c, http.StatusOK, tokenResponse{
		AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken, IDToken: tokens.IDToken, Scope: tokens.Scope.String(),
		ExpiresIn: int64(tokens.ExpiresIn.Seconds()), TokenType: tokens.Type, IssuedType: tokens.IssuedType,
	})
}
