package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/services/token/internal/token"
)

// preflight answers what a browser asks before it sends. It lets any origin send, since the client is only known by what is sent
// then; the answer itself is shown to the client's own origins alone. No cookie counts here, so sending costs nobody anything.
func preflight(c *gin.Context) {
	origin := c.GetHeader("Origin")
	if origin == "" {
		c.Status(http.StatusNoContent)
		return
	}
	c.Header("Access-Control-Allow-Origin", origin)
	c.Header("Access-Control-Allow-Methods", "GET, POST")
	c.Header("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client, DPoP")
	c.Header("Access-Control-Max-Age", "600")
	c.Header("Vary", "Origin")
	c.Status(http.StatusNoContent)
}

// share lets a page of one of the client's origins read the answer.
func share(c *gin.Context, client *token.Client) {
	origin := c.GetHeader("Origin")
	if origin == "" {
		return
	}
	c.Header("Vary", "Origin")
	if client.AllowsOrigin(origin) {
		c.Header("Access-Control-Allow-Origin", origin)
	}
}
