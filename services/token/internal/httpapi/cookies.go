package httpapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// The cookies: the session's, and the one that ties login transactions to a browser. Over https they bear the __Host- prefix, so
// that no other host and no plain-http page can plant them; a plain-http listener, for tools alone, has names of its own, so that
// neither is ever sent where the other is meant.
//
// The session's goes along from other sites (SameSite=None): an application asks in a frame whether its user is still logged in
// (prompt=none with web_message). What such a request can do is bounded elsewhere: answers go to the client's own callback or origin
// alone, every page but that answer refuses frames, and what changes anything is tied to the other cookie, which stays at home, or to a
// proof that only our own page has. Without https there is no None.
const (
	sessionCookie = "postern"
	browserCookie = "postern_tx"
	hostPrefix    = "__Host-"
)

func secure(t tenancy.Tenant) bool { return strings.HasPrefix(t.Base, "https://") }

func cookieName(t tenancy.Tenant, name string) string {
	if secure(t) {
		return hostPrefix + name
	}
	return name
}

func setCookie(c *gin.Context, t tenancy.Tenant, name, value string, until time.Time) {
	cookie := &http.Cookie{ //nolint:gosec // Secure follows the listener
		Name: cookieName(t, name), Value: value, Path: "/", Secure: secure(t), HttpOnly: true, SameSite: http.SameSiteLaxMode, Expires: until,
	}
	if name == sessionCookie && cookie.Secure {
		cookie.SameSite = http.SameSiteNoneMode
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, cookie)
}

// maxCookie bounds what is taken from a cookie; ours are 43 bytes.
const maxCookie = 128

func readCookie(c *gin.Context, t tenancy.Tenant, name string) string {
	cookie, err := c.Request.Cookie(cookieName(t, name))
	if err != nil || len(cookie.Value) > maxCookie {
		return ""
	}
	return cookie.Value
}

// transferCookie brings a session that an app on the device hands on to a browser of its own. The app puts it there, so that the name is
// the wire's and the same on every listener.
const transferCookie = "auth0_session_transfer_token"

// takeTransfer gives the cookie's value and takes it from the browser, whether it was set for the host or for its domain: it is good once.
func takeTransfer(c *gin.Context, t tenancy.Tenant) string {
	cookie, err := c.Request.Cookie(transferCookie)
	if err != nil {
		return ""
	}
	for _, domain := range []string{"", t.Hostname()} {
		http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure follows the listener
			Name: transferCookie, Path: "/", Domain: domain, Secure: secure(t), HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1,
		})
	}
	if len(cookie.Value) > maxCookie {
		return ""
	}
	return cookie.Value
}

func browser(c *gin.Context, t tenancy.Tenant) token.Browser {
	return token.Browser{Session: readCookie(c, t, sessionCookie), Secret: readCookie(c, t, browserCookie), Origin: origin(c)}
}
