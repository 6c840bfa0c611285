package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// pushResponse is the answer to a pushed authorization request (RFC 9126 §2.2).
type pushResponse struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

func (h *Handler) push(c *gin.Context, t tenancy.Tenant) error {
	p, err := params(c.Request)
	if err != nil {
		return err
	}
	uri, life, err := h.Logins.Push(c.Request.Context(), t, token.PushRequest{Params: p, Basic: basic(c.Request), Origin: origin(c), Proofs: proofs(c.Request)})
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	return httpkit.JSON(c, http.StatusCreated, pushResponse{RequestURI: uri, ExpiresIn: int64(life.Seconds())})
}
