package edge

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/apidoc"
)

// Where a tenant's host describes the Management API.
const (
	documentPath = "/api/v2/openapi.json"
	pagePath     = "/api/v2/docs"
)

// Describer gives the description of the API that answers t. Without a whole one it is Unavailable (apidoc.Library).
type Describer interface {
	Find(ctx context.Context, t tenancy.Tenant) (*apidoc.Document, error)
}

func isDescription(r *http.Request) bool {
	path := r.URL.EscapedPath()
	return path == documentPath || path == pagePath
}

// describing answers with the description, to anybody: it holds nothing of the tenant but the host that was asked.
func describing(d Deps) *gin.Engine {
	engine := httpkit.NewEngine(httpkit.Config{Service: "router", Log: d.Log})
	as := func(contentType string, render func(*apidoc.Document, tenancy.Tenant) ([]byte, error)) gin.HandlerFunc {
		return httpkit.Handle(func(c *gin.Context, t tenancy.Tenant) error {
			httpkit.EventOf(c.Request.Context()).Tenant = t.ID
			doc, err := d.Described.Find(c.Request.Context(), t)
			if err != nil {
				return err
			}
			body, err := render(doc, t)
			if err != nil {
				return err
			}
			h := c.Writer.Header()
			h.Set("Cache-Control", "public, max-age=60")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Content-Security-Policy", apidoc.Policy())
			h.Set("Referrer-Policy", "no-referrer")
			c.Data(http.StatusOK, contentType, body)
			return nil
		}, httpkit.Write)
	}
	engine.GET(documentPath, as("application/json; charset=utf-8", (*apidoc.Document).JSON))
	engine.GET(pagePath, as("text/html; charset=utf-8", (*apidoc.Document).Page))
	return engine
}
