package httpapi

import (
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/postern-id/postern/services/token/internal/token"
)

// headerInteraction names a call in the logs of both its sides (FAPI 1.0 Baseline §6.2.1, 11).
const headerInteraction = "X-Fapi-Interaction-Id"

// interaction gives back the name that a client of FAPI 1.0 gave its call of a resource, or a new one. What is no UUID is not given back.
func interaction(c *gin.Context, client *token.Client) {
	if !client.Compliance.Advanced() {
		return
	}
	id, err := uuid.Parse(c.GetHeader(headerInteraction))
	if err != nil {
		id = uuid.New()
	}
	c.Header(headerInteraction, id.String())
}
