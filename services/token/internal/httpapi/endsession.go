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

// endSession takes a logout request, by either method (RP-Initiated Logout §2).
func (h *Handler) endSession(c *gin.Context, t tenancy.Tenant) error {
	values := c.Request.URL.Query()
	if c.Request.Method == http.MethodPost {
		if err := c.Request.ParseForm(); err != nil {
			return badBody(err)
		}
		values = c.Request.PostForm
	}
	for name, sent := range values {
		if len(sent) > 1 {
			return fault.Invalid(oauth.InvalidRequest, "Parameter sent more than once: "+name)
		}
	}
	values.Del(fieldConfirm) // which is for our own page to say, in a body
	return h.end(c, t, values)
}

// fieldConfirm is the proof of the confirmation page.
const fieldConfirm = "confirm"

// confirmLogout takes the answer of the page that asks whether to log out.
func (h *Handler) confirmLogout(c *gin.Context, t tenancy.Tenant) error {
	if err := c.Request.ParseForm(); err != nil {
		return badBody(err)
	}
	return h.end(c, t, c.Request.PostForm)
}

func (h *Handler) end(c *gin.Context, t tenancy.Tenant, p url.Values) error {
	if err := text(p); err != nil {
		return err
	}
	answer, err := h.Logins.EndSession(c.Request.Context(), t, token.EndRequest{
		IDTokenHint: p.Get("id_token_hint"), LogoutHint: p.Get("logout_hint"), ClientID: p.Get("client_id"),
		ReturnTo: p.Get("post_logout_redirect_uri"), State: p.Get("state"), Confirmed: p.Get(fieldConfirm),
	}, browser(c, t))
	if err != nil {
		return err
	}
	if ask := answer.Ask; ask != nil {
		page := pages.ConfirmLogout{
			Frame:    pages.Frame{Title: "Log out | " + ask.TenantName, TenantName: ask.TenantName},
			UserName: ask.UserName, Action: "/u/logout", Fields: []pages.Field{{Name: fieldConfirm, Value: ask.Proof}},
		}
		for _, f := range []pages.Field{{Name: "client_id", Value: ask.ClientID}, {Name: "post_logout_redirect_uri", Value: ask.ReturnTo}, {Name: "state", Value: ask.State}} {
			if f.Value != "" {
				page.Fields = append(page.Fields, f)
			}
		}
		return draw(c, http.StatusOK, page.Page(), pageCSP)
	}
	setCookie(c, t, sessionCookie, "", noEnd)
	if answer.To != "" {
		redirect(c, answer.To)
		return nil
	}
	return draw(c, http.StatusOK, pages.LoggedOut{Frame: frame(t, "Logged out")}.Page(), pageCSP)
}
