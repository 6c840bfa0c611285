package httpapi

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

func (h *Handler) userinfo(c *gin.Context, t tenancy.Tenant) error {
	presented, err := presentedBy(c.Request)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	claims, client, err := h.Userinfo.Claims(ctx, t, presented)
	if err != nil {
		return err
	}
	httpkit.EventOf(ctx).Client = client.ID
	interaction(c, client)
	share(c, client)
	c.Header("Cache-Control", "no-store")
	return httpkit.JSON(c, http.StatusOK, claims)
}

// presentedBy finds the access token: in the header, by either scheme, or as a bearer token in a form (RFC 6750 §2.1, §2.2, RFC 9449
// §7.1), never in the query, and not in two places.
func presentedBy(r *http.Request) (token.Presented, error) {
	in := token.Presented{Scheme: token.SchemeBearer, Proofs: proofs(r), Method: r.Method}
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 { // what stands between could have looked at another one
		return in, twoTokens()
	}
	if len(headers) == 1 {
		scheme, raw, _ := strings.Cut(headers[0], " ")
		switch {
		case strings.EqualFold(scheme, token.SchemeDPoP):
			in.Scheme = token.SchemeDPoP
			fallthrough
		case strings.EqualFold(scheme, token.SchemeBearer):
			in.Token = strings.TrimSpace(raw)
		}
	}
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return in, nil
	}
	p, err := params(r)
	if err != nil {
		return in, err
	}
	if in.Token != "" && p["access_token"] != "" {
		return in, twoTokens()
	}
	if in.Token == "" {
		in.Token, in.Scheme = p["access_token"], token.SchemeBearer
	}
	return in, nil
}

func twoTokens() error {
	return fault.Invalid(oauth.InvalidRequest, "The access token must be sent by one method only")
}

// challenges renders a refusal with the challenge of the scheme that was tried, or would do (RFC 6750 §3, RFC 9449 §7.1); a request
// without a token hears of both and of no error.
func challenges(c *gin.Context, err error) {
	const algs = `algs="ES256"`
	if f := fault.Of(err); f.Kind == fault.KindUnauthenticated {
		scheme, _, _ := strings.Cut(c.GetHeader("Authorization"), " ")
		switch {
		case token.NoToken(err):
			c.Writer.Header().Add("WWW-Authenticate", token.SchemeBearer)
			c.Writer.Header().Add("WWW-Authenticate", token.SchemeDPoP+" "+algs)
		case token.Bound(err), strings.EqualFold(scheme, token.SchemeDPoP):
			c.Header("WWW-Authenticate", token.SchemeDPoP+` error="`+f.Code+`", `+algs)
		default:
			c.Header("WWW-Authenticate", token.SchemeBearer+` error="`+f.Code+`"`)
		}
	}
	httpkit.WriteOAuth(c, err)
}
