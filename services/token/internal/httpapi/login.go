package httpapi

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/pages"
	"github.com/postern-id/postern/services/token/internal/token"
)

// maxAuthorize bounds a request that is posted and then redirected to; browsers carry that much in an address.
const maxAuthorize = 32 << 10

func (h *Handler) authorize(c *gin.Context, t tenancy.Tenant) error {
	params, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return fault.Invalid(oauth.InvalidRequest, "The request cannot be read").Because(err)
	}
	if err := text(params); err != nil {
		return err
	}
	b := browser(c, t)
	b.Transfer = takeTransfer(c, t)
	answer, err := h.Logins.Authorize(c.Request.Context(), t, params, b)
	if err != nil {
		return err
	}
	return follow(c, t, answer)
}

// authorizeByPost sends the browser to the same request by GET (OIDC Core §3.1.2.1 wants both): a form that another site posts comes
// without our cookies, and the GET after it brings them.
func (h *Handler) authorizeByPost(c *gin.Context, _ tenancy.Tenant) error {
	if err := c.Request.ParseForm(); err != nil {
		return badBody(err)
	}
	query := c.Request.Form.Encode()
	if len(query) > maxAuthorize {
		return fault.Invalid(oauth.InvalidRequest, "The request is too long")
	}
	redirect(c, "/authorize?"+query)
	return nil
}

func (h *Handler) showLogin(c *gin.Context, t tenancy.Tenant) error {
	state := c.Query("state")
	ctx := c.Request.Context()
	page, err := h.Logins.Page(ctx, t, state, browser(c, t))
	if err != nil {
		return h.stale(c, t, err)
	}
	return draw(c, http.StatusOK, loginPage(page, state).Page(), pictureCSP(page.Logo))
}

func (h *Handler) submitLogin(c *gin.Context, t tenancy.Tenant) error {
	p, err := params(c.Request)
	if err != nil {
		return err
	}
	state := c.Query("state")
	typed := token.Typed{State: state, Identifier: p["username"], Password: p["password"]}
	answer, page, err := h.Logins.Submit(c.Request.Context(), t, typed, browser(c, t))
	if err != nil {
		return h.stale(c, t, err)
	}
	if page != nil {
		return draw(c, http.StatusBadRequest, loginPage(*page, state).Page(), pictureCSP(page.Logo))
	}
	return follow(c, t, answer)
}

func (h *Handler) resume(c *gin.Context, t tenancy.Tenant) error {
	answer, err := h.Logins.Resume(c.Request.Context(), t, c.Query("state"), browser(c, t))
	if err != nil {
		return h.stale(c, t, err)
	}
	return follow(c, t, answer)
}

// stale sends a browser whose login page is no longer good to where client or tenant want it, if they say where.
func (h *Handler) stale(c *gin.Context, t tenancy.Tenant, err error) error {
	if !token.Stale(err) {
		return err
	}
	to := h.Logins.Elsewhere(c.Request.Context(), t, c.Query("state"))
	if to == "" {
		return err
	}
	redirect(c, to)
	return nil
}

func (h *Handler) logout(c *gin.Context, t tenancy.Tenant) error {
	in := token.Logout{ReturnTo: c.Query("returnTo"), ClientID: c.Query("client_id")}
	to, err := h.Logins.Logout(c.Request.Context(), t, in, browser(c, t))
	if err != nil {
		return err
	}
	setCookie(c, t, sessionCookie, "", noEnd)
	switch {
	case to != "":
		redirect(c, to)
	case c.NegotiateFormat(gin.MIMEPlain, gin.MIMEHTML) == gin.MIMEHTML:
		return draw(c, http.StatusOK, pages.LoggedOut{Frame: frame(t, "Logged out")}.Page(), pageCSP)
	default:
		c.String(http.StatusOK, "OK")
	}
	return nil
}

// follow carries out an answer of the domain.
func follow(c *gin.Context, t tenancy.Tenant, a token.Answer) error {
	if a.Browser != "" {
		setCookie(c, t, browserCookie, a.Browser, noEnd)
	}
	if a.Session != "" {
		setCookie(c, t, sessionCookie, a.Session, a.SessionUntil)
	}
	switch a.Next {
	case token.NextLogin:
		redirect(c, "/u/login?state="+url.QueryEscape(a.State))
	case token.NextResume:
		redirect(c, "/authorize/resume?state="+url.QueryEscape(a.State))
	case token.NextConsent:
		redirect(c, "/u/consent?state="+url.QueryEscape(a.State))
	case token.NextActivated:
		redirect(c, "/activate/success")
	case token.NextDenied:
		redirect(c, "/activate/denied")
	case token.NextCallback:
		switch a.Callback.Mode {
		case token.ModeFormPost:
			return formPost(c, a.Callback)
		case token.ModeWebMessage:
			return webMessage(c, a.Callback)
		case token.ModeQuery, token.ModeFragment:
			redirect(c, a.Callback.URL())
		}
	}
	return nil
}

// webMessage draws the page that posts the answer. It may be framed by the client's own origin alone, which is why this page, of all,
// is not denied to frames.
func webMessage(c *gin.Context, cb token.Callback) error {
	origin := cb.Origin()
	page := pages.WebMessage{Origin: origin}
	for _, p := range cb.Params {
		page.Fields = append(page.Fields, pages.Field{Name: p.Name, Value: p.Value})
	}
	return draw(c, http.StatusOK, page.Page(), webMessageCSP(origin))
}

func formPost(c *gin.Context, cb token.Callback) error {
	page := pages.FormPost{Action: cb.URL()}
	for _, p := range cb.Params {
		page.Fields = append(page.Fields, pages.Field{Name: p.Name, Value: p.Value})
	}
	return draw(c, http.StatusOK, page.Page(), formPostCSP)
}
