package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// documentKept says how long others may keep discovery and key set: 15 s, and 15 s more while they fetch the next one, so that all the
// world sees a revoked key gone, and a setting changed, within half a minute; in here it takes a second. A key is published a minute
// before it signs (token.OrderKeys), the first EC key of a tenant a second (token.ShownKeys). An ETag would save the body of an answer
// that is asked for every 15 s at most; it is not worth it.
const documentKept = "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400"

// maxDocuments bounds the discovery documents in memory, of two kilobytes each.
const maxDocuments = 20_000

// documents keeps discovery documents encoded, since they are asked for far more often than anything in them changes.
type documents struct {
	encoded *lru.Cache[documentKey, document]
}

// documentKey is a host by a listener.
type documentKey struct{ base, issuer string }

// document was made of exactly these settings, which are never changed, but replaced.
type document struct {
	of   *token.Settings
	json []byte
}

func newDocuments() *documents {
	encoded, err := lru.New[documentKey, document](maxDocuments)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &documents{encoded}
}

// discovery gives the document of t.
func (d *documents) discovery(t tenancy.Tenant, settings *token.Settings) ([]byte, error) {
	key := documentKey{t.Base, t.Issuer()}
	if doc, ok := d.encoded.Get(key); ok && doc.of == settings {
		return doc.json, nil
	}
	encoded, err := json.Marshal(metadataOf(t, settings))
	if err != nil {
		return nil, fmt.Errorf("encoding a discovery document: %w", err)
	}
	d.encoded.Add(key, document{settings, encoded})
	return encoded, nil
}

// noSettings stand in where the settings are away and were never seen, as they are unless the tenant says otherwise: the documents must
// be there when nothing else is.
var noSettings = &token.Settings{EndSessionDiscovery: true}

func (h *Handler) settings(c *gin.Context, t tenancy.Tenant) *token.Settings {
	settings, err := h.Settings.FindSettings(c.Request.Context(), t.ID)
	if err != nil {
		return noSettings
	}
	return settings
}

func (h *Handler) discovery(c *gin.Context, t tenancy.Tenant) error {
	doc, err := h.documents.discovery(t, h.settings(c, t))
	if err != nil {
		return err
	}
	writeDocument(c, doc)
	return nil
}

func (h *Handler) jwks(c *gin.Context, t tenancy.Tenant) error {
	doc, err := h.Ring.JWKS(c.Request.Context(), t.ID, h.settings(c, t).RemoveAlgFromJWKS)
	if err != nil {
		return err
	}
	writeDocument(c, doc)
	return nil
}

func writeDocument(c *gin.Context, doc []byte) {
	keep(c, documentKept)
	httpkit.Data(c, http.StatusOK, "application/json; charset=utf-8", doc)
}
