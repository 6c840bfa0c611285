// Package httpapi is the service's public door: it reads requests, calls the domain and writes what comes of it, as JSON, as a page
// or as a redirect. It decides nothing.
package httpapi

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/pages"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Ring gives the key documents.
type Ring interface {
	JWKS(ctx context.Context, tenant tenancy.ID, withoutAlg bool) ([]byte, error)
	Keys(ctx context.Context, tenant tenancy.ID) ([]token.SigningKey, error)
	// Renew gives the keys as they are now, not as they were when they were last asked for.
	Renew(ctx context.Context, tenant tenancy.ID) ([]token.SigningKey, error)
	Forget(tenant tenancy.ID)
}

// Settings gives what a tenant set up, from memory.
type Settings interface {
	FindSettings(ctx context.Context, tenant tenancy.ID) (*token.Settings, error)
}

// Apps gives the apps of phones that a tenant's clients are.
type Apps interface {
	ListMobileApps(ctx context.Context, tenant tenancy.ID) ([]token.MobileApp, error)
}

// Deps are what the handlers call.
type Deps struct {
	Settings Settings
	Apps     Apps
	Endpoint *token.Endpoint
	Logins   *token.Logins
	Devices  *token.DeviceAuthorizer
	Userinfo *token.Userinfo
	Ring     Ring
	Revoker  *token.Revoker
}

// Handler holds the public routes.
type Handler struct {
	Deps

	documents *documents
}

// Mount hangs every public route of this service on engine, whose requests have a proved tenant.
func Mount(engine *gin.Engine, d Deps) {
	h := &Handler{Deps: d, documents: newDocuments()}
	engine.NoMethod(httpkit.NoMethod("/oauth/", "/oidc/", "/authorize", token.PathUserinfo))

	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		open(engine, path, h.discovery)
	}
	open(engine, "/.well-known/jwks.json", h.jwks)
	for _, path := range []string{"/pem", "/cer", "/rawpem", "/pb7", "/fingerprint"} {
		open(engine, path, h.certificate)
	}

	open(engine, "/.well-known/assetlinks.json", h.assetLinks)
	open(engine, "/.well-known/apple-app-site-association", h.appleAssociation)

	engine.POST(token.PathToken, httpkit.Handle(h.token, httpkit.WriteOAuth))
	engine.OPTIONS(token.PathToken, preflight)
	engine.POST("/oauth/revoke", httpkit.Handle(h.revoke, httpkit.WriteOAuth))
	engine.OPTIONS("/oauth/revoke", preflight)
	engine.GET(token.PathUserinfo, httpkit.Handle(h.userinfo, challenges))
	engine.POST(token.PathUserinfo, httpkit.Handle(h.userinfo, challenges))
	engine.OPTIONS(token.PathUserinfo, preflight)

	engine.GET("/authorize", httpkit.Handle(h.authorize, h.writePage))
	engine.POST("/authorize", httpkit.Handle(h.authorizeByPost, h.writePage))
	engine.GET("/authorize/resume", httpkit.Handle(h.resume, h.writePage))
	engine.GET("/u/login", httpkit.Handle(h.showLogin, h.writePage))
	engine.POST("/u/login", httpkit.Handle(h.submitLogin, h.writePage))
	engine.GET("/u/consent", httpkit.Handle(h.showConsent, h.writePage))
	engine.POST("/u/consent", httpkit.Handle(h.submitConsent, h.writePage))
	engine.POST(token.PathPush, httpkit.Handle(h.push, httpkit.WriteOAuth))
	engine.POST("/oauth/device/code", httpkit.Handle(h.deviceCode, httpkit.WriteOAuth))
	engine.OPTIONS("/oauth/device/code", preflight)
	engine.GET("/activate", httpkit.Handle(h.showActivation, h.writePage))
	engine.POST("/activate", httpkit.Handle(h.submitActivation, h.writePage))
	engine.GET("/activate/success", httpkit.Handle(h.activated, h.writePage))
	engine.GET("/activate/denied", httpkit.Handle(h.activationDenied, h.writePage))
	engine.GET("/oidc/logout", httpkit.Handle(h.endSession, h.writePage))
	engine.POST("/oidc/logout", httpkit.Handle(h.endSession, h.writePage))
	engine.POST("/u/logout", httpkit.Handle(h.confirmLogout, h.writePage))
	engine.GET("/v2/logout", httpkit.Handle(h.logout, h.writePage))

	engine.GET(pages.AssetBase+":name", asset)
}

// open hangs a document on engine that any page of any origin may read.
func open(engine *gin.Engine, path string, handle httpkit.TenantHandler) {
	engine.GET(path, func(c *gin.Context) {
		c.Header("Access-Control-Allow-Origin", "*")
		httpkit.Handle(handle, httpkit.Write)(c)
	})
	engine.OPTIONS(path, func(c *gin.Context) {
		c.Header("Access-Control-Allow-Origin", "*")
		c.Header("Access-Control-Allow-Methods", "GET")
		c.Status(http.StatusNoContent)
	})
}
