package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// revoke ends a token that its client has no more use for (RFC 7009).
func (h *Handler) revoke(c *gin.Context, t tenancy.Tenant) error {
	p, err := params(c.Request)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	client, err := h.Revoker.Revoke(ctx, t, token.RevokeRequest{Params: p, Basic: basic(c.Request), Origin: origin(c)})
	if client != nil {
		httpkit.EventOf(ctx).Client = client.ID
		share(c, client)
	}
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Status(http.StatusOK)
	return nil
}
