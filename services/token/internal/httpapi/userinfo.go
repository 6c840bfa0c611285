package httpapi

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

func (h *Handler) userinfo(c *gin.Context, t tenancy.Tenant) error {
	raw, err := bearer(c.Request)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	claims, client, err := h.Userinfo.Claims(ctx, t, raw)
	if err != nil {
		return err
	}
	httpkit.EventOf(ctx).Client = client.ID
	share(c, client)
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, claims)
	return nil
}

// bearer finds the access token: in the header, or in a form (RFC 6750 §2.1, §2.2), never in the query, and not in both.
func bearer(r *http.Request) (string, error) {
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		raw = ""
	}
	raw = strings.TrimSpace(raw)
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return raw, nil
	}
	p, err := params(r)
	if err != nil {
		return "", err
	}
	if raw != "" && p["access_token"] != "" {
		return "", fault.Invalid(oauth.InvalidRequest, "The access token must be sent by one method only")
	}
	if raw == "" {
		raw = p["access_token"]
	}
	return raw, nil
}

// writeBearer renders a refusal with the challenge of RFC 6750 §3; one without a token tells no error (§3.1).
func writeBearer(c *gin.Context, err error) {
	if f := fault.Of(err); f.Kind == fault.KindUnauthenticated {
		challenge := "Bearer"
		if !token.NoToken(err) {
			challenge = `Bearer error="` + oauth.InvalidToken + `"`
		}
		c.Header("WWW-Authenticate", challenge)
	}
	httpkit.WriteOAuth(c, err)
}
