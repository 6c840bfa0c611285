package httpapi

import (
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/console/internal/dashboard"
)

// The cookie's name; on https it has the prefix that binds it to this very host (RFC 6265bis §4.1.3.2).
const (
	cookieName       = "postern_console"
	secureCookieName = "__Host-postern_console"
)

// secure reports whether the browser came by https. The router says so; the connection between the two is no sign of it.
func secure(r *http.Request) bool {
	if scheme := r.Header.Get("X-Forwarded-Proto"); scheme != "" {
		return scheme == "https"
	}
	return r.TLS != nil
}

func nameFor(r *http.Request) string {
	if secure(r) {
		return secureCookieName
	}
	return cookieName
}

// key gives the member's key; empty when there is none.
func key(c *gin.Context) dashboard.Token {
	cookie, err := c.Request.Cookie(nameFor(c.Request))
	if err != nil {
		return ""
	}
	return dashboard.Token(cookie.Value)
}

// keep puts the key into the browser until the time; the zero time ends with the browser.
func keep(c *gin.Context, token dashboard.Token, until time.Time) {
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure is off on the plain listener only
		Name: nameFor(c.Request), Value: string(token), Path: "/", Expires: until,
		Secure: secure(c.Request), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func drop(c *gin.Context) {
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure is off on the plain listener only
		Name: nameFor(c.Request), Path: "/", MaxAge: -1, Secure: secure(c.Request), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// member gives who is signed in; nil when nobody is. A key that has ended is dropped.
func (h handler) member(c *gin.Context) (*dashboard.Member, error) {
	token := key(c)
	if token == "" {
		return nil, nil //nolint:nilnil // nobody is a normal answer
	}
	m, err := h.Accounts.FindMember(c.Request.Context(), token)
	if fault.Is(err, fault.KindUnauthenticated) || fault.Is(err, fault.KindNotFound) {
		drop(c)
		return nil, nil //nolint:nilnil // nobody, any more
	}
	if err != nil {
		return nil, err
	}
	return &m, nil
}

func (h handler) render(c *gin.Context, page templ.Component) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	if err := page.Render(c.Request.Context(), c.Writer); err != nil {
		h.Log.DebugContext(c.Request.Context(), "page not sent whole")
	}
}
