package httpapi

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/pages"
	"github.com/postern-id/postern/services/token/internal/token"
)

// deviceResponse is what a device is given (RFC 8628 §3.2).
type deviceResponse struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	Complete        string `json:"verification_uri_complete"`
	ExpiresIn       int64  `json:"expires_in"`
	Interval        int64  `json:"interval"`
}

func (h *Handler) deviceCode(c *gin.Context, t tenancy.Tenant) error {
	p, err := params(c.Request)
	if err != nil {
		return err
	}
	given, client, err := h.Devices.Authorize(c.Request.Context(), t, token.DeviceRequest{Params: p, Basic: basic(c.Request), Origin: origin(c)})
	if client != nil {
		share(c, client)
	}
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	return httpkit.JSON(c, http.StatusOK, deviceResponse{
		DeviceCode: given.DeviceCode, UserCode: given.UserCode, VerificationURI: t.Base + "/activate",
		Complete:  t.Base + "/activate?user_code=" + url.QueryEscape(given.UserCode),
		ExpiresIn: int64(given.Life.Seconds()), Interval: int64(given.Interval.Seconds()),
	})
}

// maxUserCode bounds what is shown again of a user code; the longest there is has half of it.
const maxUserCode = 64

func (h *Handler) showActivation(c *gin.Context, t tenancy.Tenant) error {
	typed := c.Query("user_code")
	if len(typed) > maxUserCode {
		typed = ""
	}
	page, err := h.Logins.ActivationPage(c.Request.Context(), t, typed)
	if err != nil {
		return err
	}
	return draw(c, http.StatusOK, activationPage(page).Page(), pageCSP)
}

func (h *Handler) submitActivation(c *gin.Context, t tenancy.Tenant) error {
	p, err := params(c.Request)
	if err != nil {
		return err
	}
	typed := p["user_code"]
	if len(typed) > maxUserCode {
		typed = typed[:maxUserCode]
	}
	answer, page, err := h.Logins.Activate(c.Request.Context(), t, typed, browser(c, t))
	if err != nil {
		return err
	}
	if page != nil {
		return draw(c, http.StatusBadRequest, activationPage(*page).Page(), pageCSP)
	}
	return follow(c, t, answer)
}

func activationPage(a token.Activation) pages.Activation {
	return pages.Activation{
		Frame: pages.Frame{Title: "Connect a device | " + a.TenantName, TenantName: a.TenantName}, Action: "/activate", Typed: a.Typed,
		Missing: a.Missing, Wrong: a.Wrong,
	}
}

func (h *Handler) activated(c *gin.Context, t tenancy.Tenant) error {
	return draw(c, http.StatusOK, pages.Activated{Frame: frame(t, "Device connected")}.Page(), pageCSP)
}

func (h *Handler) activationDenied(c *gin.Context, t tenancy.Tenant) error {
	return draw(c, http.StatusOK, pages.Activated{Frame: frame(t, "Device not connected"), Denied: true}.Page(), pageCSP)
}
