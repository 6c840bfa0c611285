// Package httpapi is the console's HTTP side: pages and forms, with the member's key in one cookie.
package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/services/console/internal/dashboard"
	"github.com/postern-id/postern/services/console/internal/pages"
)

// Deps of the handlers.
type Deps struct {
	Log        *slog.Logger
	Accounts   dashboard.Accounts
	Now        clock.Now
	BaseDomain string
}

type handler struct{ Deps }

// New makes the console's handler: every route in one list.
func New(d Deps) http.Handler {
	h := handler{d}
	engine := httpkit.NewEngine(httpkit.Config{Service: "console", Log: d.Log, MaxBody: 64 << 10})
	engine.Use(protect)
	engine.NoRoute(func(c *gin.Context) { h.sorry(c, fault.NotFound("There is no such page.")) })
	engine.NoMethod(func(c *gin.Context) { h.sorry(c, fault.NotFound("There is no such page.")) })

	engine.GET(pages.AssetPath+"*file", gin.WrapH(pages.Assets()))
	engine.GET("/", h.page(h.home))
	engine.GET("/signup", h.page(h.signupForm))
	engine.POST("/signup", h.page(h.signup))
	engine.GET("/signups/:id", h.page(h.signupProgress))
	engine.GET("/login", h.page(h.loginForm))
	engine.POST("/login", h.page(h.login))
	engine.POST("/logout", h.page(h.logout))
	engine.POST("/tenants", h.page(h.createTenant))
	// A form that was refused shows at its own address; whoever asks for that again gets the page behind it.
	engine.GET("/tenants", func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/") })

	// A form posted from another site is refused before any handler sees it (Fetch metadata, else Origin against Host).
	return http.NewCrossOriginProtection().Handler(engine)
}

// protect sets what every answer carries: no script, nothing from elsewhere, in no frame, not stored.
func protect(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	c.Next()
}

// page adapts a handler whose failure becomes a page.
func (h handler) page(f func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := f(c); err != nil {
			h.sorry(c, err)
		}
	}
}

func (h handler) sorry(c *gin.Context, err error) {
	httpkit.Note(c, err)
	f := fault.Of(err)
	status := httpkit.Status(f.Kind)
	c.Status(status)
	h.render(c, pages.Sorry(pages.View{Title: http.StatusText(status)}, f.Message))
}
