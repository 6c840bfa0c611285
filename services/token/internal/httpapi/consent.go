package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/pages"
	"github.com/postern-id/postern/services/token/internal/token"
)

func (h *Handler) showConsent(c *gin.Context, t tenancy.Tenant) error {
	state := c.Query("state")
	answer, page, err := h.Logins.Consent(c.Request.Context(), t, state, browser(c, t))
	if err != nil {
		return h.stale(c, t, err)
	}
	if page == nil {
		return follow(c, t, answer)
	}
	return draw(c, http.StatusOK, consentPage(*page, state).Page(), pictureCSP(page.Logo))
}

func (h *Handler) submitConsent(c *gin.Context, t tenancy.Tenant) error {
	p, err := params(c.Request)
	if err != nil {
		return err
	}
	in := token.Answered{State: c.Query("state")}
	switch p["action"] {
	case "accept":
		in.Agreed = true
	case "deny":
	default: // neither button was pressed, so nobody said anything
		return fault.Invalid(oauth.InvalidRequest, "The form cannot be read")
	}
	answer, err := h.Logins.Decide(c.Request.Context(), t, in, browser(c, t))
	if err != nil {
		return h.stale(c, t, err)
	}
	return follow(c, t, answer)
}

func consentPage(p token.ConsentPage, state string) pages.Consent {
	out := pages.Consent{
		Frame:      pages.Frame{Title: "Authorize " + p.ClientName + " | " + p.TenantName, TenantName: p.TenantName, Logo: logo(p.Logo, p.ClientName)},
		ClientName: p.ClientName, UserName: p.UserName, Audience: p.Audience, Callback: p.Callback, UserCode: p.UserCode, Action: "/u/consent?state=" + state,
	}
	for _, item := range p.Items {
		out.Items = append(out.Items, item.Text)
	}
	return out
}
