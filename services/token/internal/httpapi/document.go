package httpapi

import (
	"context"
	"encoding/json"
	"fmt"

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

// maxDocuments bounds the documents in memory, of some four kilobytes each.
const maxDocuments = 20_000

const typeJSON = "application/json; charset=utf-8"

// documents keeps discovery documents and key sets as they are sent, since they are asked for far more often than anything in them
// changes.
type documents struct {
	discoveries *lru.Cache[discoveryKey, discovered]
	keySets     *lru.Cache[keySetKey, httpkit.Document]
}

type (
	// discoveryKey is a host by a listener.
	discoveryKey struct{ base, issuer string }
	keySetKey    struct {
		tenant     tenancy.ID
		withoutAlg bool
	}
)

// discovered was made of exactly these settings, which are never changed, but replaced.
type discovered struct {
	httpkit.Document

	of *token.Settings
}

func newDocuments() *documents {
	return &documents{kept[discoveryKey, discovered](), kept[keySetKey, httpkit.Document]()}
}

func kept[K comparable, V any]() *lru.Cache[K, V] {
	cache, err := lru.New[K, V](maxDocuments)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return cache
}

// discovery gives the document of t.
func (d *documents) discovery(t tenancy.Tenant, settings *token.Settings) (httpkit.Document, error) {
	key := discoveryKey{t.Base, t.Issuer()}
	if doc, ok := d.discoveries.Get(key); ok && doc.of == settings {
		return doc.Document, nil
	}
	encoded, err := json.Marshal(metadataOf(t, settings))
	if err != nil {
		return httpkit.Document{}, fmt.Errorf("encoding a discovery document: %w", err)
	}
	doc, err := httpkit.NewDocument(typeJSON, encoded)
	if err != nil {
		return httpkit.Document{}, err
	}
	d.discoveries.Add(key, discovered{doc, settings})
	return doc, nil
}

// keySet gives the document of what the ring has now.
func (d *documents) keySet(ctx context.Context, ring Ring, key keySetKey) (httpkit.Document, error) {
	jwks, err := ring.JWKS(ctx, key.tenant, key.withoutAlg)
	if err != nil {
		return httpkit.Document{}, err
	}
	if doc, ok := d.keySets.Get(key); ok && doc.Is(jwks) {
		return doc, nil
	}
	doc, err := httpkit.NewDocument(typeJSON, jwks)
	if err != nil {
		return httpkit.Document{}, err
	}
	d.keySets.Add(key, doc)
	return doc, nil
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
	keep(c, documentKept)
	doc.Write(c)
	return nil
}

func (h *Handler) jwks(c *gin.Context, t tenancy.Tenant) error {
	doc, err := h.documents.keySet(c.Request.Context(), h.Ring, keySetKey{t.ID, h.settings(c, t).RemoveAlgFromJWKS})
	if err != nil {
		return err
	}
	keep(c, documentKept)
	doc.Write(c)
	return nil
}
