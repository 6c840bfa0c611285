package httpapi

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/pages"
	"github.com/postern-id/postern/services/token/internal/token"
)

// The content security policies. form-action is left out on purpose: Chromium applies it to the redirects that follow a form, too,
// and those lead to the client's callback, wherever that is. The only form of these pages goes to this host.
const pageCSP = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; " + frameless

// pictureCSP lets a page show one picture's origin.
func pictureCSP(logo token.Logo) string {
	if logo.Origin == "" {
		return pageCSP
	}
	return strings.Replace(pageCSP, "img-src data:", "img-src data: "+logo.Origin, 1)
}

func logo(l token.Logo, name string) pages.Picture { return pages.Picture{URL: l.URL, Name: name} }

// frameless keeps a page out of all frames (clickjacking, RFC 9700 §4.16).
const frameless = "frame-ancestors 'none'"

// webMessageCSP lets the page be framed by the client's own origin.
func webMessageCSP(origin string) string {
	return "default-src 'none'; img-src data:; script-src " + pages.WebMessageHash + "; base-uri 'none'; form-action 'none'; frame-ancestors " + origin
}

var formPostCSP = "default-src 'none'; img-src data:; script-src " + pages.FormPostHash + "; base-uri 'none'; " + frameless

// noEnd makes a cookie end with the browser.
var noEnd time.Time

func loginPage(p token.LoginPage, state string) pages.Login {
	return pages.Login{
		Frame:      pages.Frame{Title: "Log in | " + p.TenantName, TenantName: p.TenantName, Logo: logo(p.Logo, p.ClientName)},
		ClientName: p.ClientName, Action: "/u/login?state=" + state, Identifier: p.Identifier,
		IdentifierMissing: p.IdentifierMissing, PasswordMissing: p.PasswordMissing, Wrong: p.Wrong,
	}
}

func frame(t tenancy.Tenant, title string) pages.Frame {
	return pages.Frame{Title: title + " | " + t.Name, TenantName: t.Name}
}

// draw writes a page whole or not at all.
func draw(c *gin.Context, status int, page templ.Component, csp string) error {
	var body bytes.Buffer
	if err := page.Render(c.Request.Context(), &body); err != nil {
		return fault.Internal(err)
	}
	browserHeaders(c)
	if !strings.Contains(csp, frameless) {
		c.Writer.Header().Del("X-Frame-Options") // it knows no list of origins; the policy does
	}
	c.Header("Content-Security-Policy", csp)
	httpkit.Data(c, status, "text/html; charset=utf-8", body.Bytes())
	return nil
}

// redirect leads a browser on by GET (303: a posted password must not be posted on, RFC 9700 §4.12).
func redirect(c *gin.Context, to string) {
	browserHeaders(c)
	c.Header("Location", to)
	status := http.StatusFound
	if c.Request.Method != http.MethodGet {
		status = http.StatusSeeOther
	}
	c.Status(status)
	c.Writer.WriteHeaderNow()
}

func browserHeaders(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Pragma", "no-cache")
	c.Header("Referrer-Policy", "no-referrer") // states and codes are in addresses
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
	c.Header("X-Robots-Tag", "noindex")
}

// writePage renders a failure for a person.
func (h *Handler) writePage(c *gin.Context, err error) {
	f := fault.Of(err)
	t, ok := tenancy.From(c.Request.Context())
	if !ok {
		httpkit.Write(c, err)
		return
	}
	httpkit.Note(c, err)
	p := pages.Problem{Frame: frame(t, "Error"), Heading: "Something is not right", Text: f.Message, Code: f.Code}
	switch f.Kind {
	case fault.KindUnavailable, fault.KindTooMany:
		p.Heading, p.Text = "Please try again", "The service is busy or away for a moment. Nothing you did is lost; try again shortly."
	case fault.KindInternal, fault.KindNotFound:
		p.Heading, p.Text, p.Code = "Something went wrong", "This is a mistake on our side. Go back to the application and try again.", oauth.ServerError
	case fault.KindInvalid, fault.KindDenied, fault.KindUnauthenticated, fault.KindConflict:
	}
	if sc := trace.SpanContextFromContext(c.Request.Context()); sc.HasTraceID() {
		p.Trace = sc.TraceID().String()
	}
	if to := h.errorPage(c, t, p); to != "" {
		redirect(c, to)
		c.Abort()
		return
	}
	if err := draw(c, httpkit.Status(f.Kind), p.Page(), pageCSP); err != nil {
		httpkit.Write(c, err)
	}
	c.Abort()
}

// errorPage gives the address of the tenant's own error page with what it is told, where there is one.
func (h *Handler) errorPage(c *gin.Context, t tenancy.Tenant, p pages.Problem) string {
	settings, err := h.Settings.FindSettings(c.Request.Context(), t.ID)
	if err != nil || !strings.HasPrefix(settings.ErrorPageURL, "https://") {
		return ""
	}
	to, err := url.Parse(settings.ErrorPageURL)
	if err != nil {
		return ""
	}
	query := to.Query()
	for name, value := range map[string]string{
		"client_id": c.Query("client_id"), "connection": c.Query("connection"), "lang": "en", "error": p.Code, "error_description": p.Text, "tracking": p.Trace,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	to.RawQuery = query.Encode()
	return to.String()
}

// asset serves the one style sheet, which may be kept for ever: its name has its hash.
func asset(c *gin.Context) {
	if c.Param("name") != pages.StyleName {
		httpkit.Write(c, fault.NotFound("Not Found"))
		return
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Header("X-Content-Type-Options", "nosniff")
	httpkit.Data(c, http.StatusOK, "text/css; charset=utf-8", pages.Style)
}
