package edge

import (
	"encoding/base64"
	"net/http"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/route"
)

// maxShown bounds the certificates of a client, in bytes: they travel in a header.
const maxShown = 8 << 10

// certify proves t for a request to the host where clients show certificates (RFC 8705 §5). The certificates go into it, and with it
// under the seal: they come from the handshake of this very connection, or from nowhere. Their first one's key is proved by then
// (RFC 8446 §4.4.3); whose they are is the service's to judge.
func certify(seal *tenancy.Seal, t tenancy.Tenant, r *http.Request) (tenancy.Proof, error) {
	if !route.TakesCertificates(r.URL.EscapedPath()) {
		return tenancy.Proof{}, fault.NotFound("Not Found")
	}
	t.Base = t.MTLSBase()
	var shown []byte
	if r.TLS != nil {
		for _, cert := range r.TLS.PeerCertificates {
			shown = append(shown, cert.Raw...)
		}
	}
	if len(shown) > maxShown {
		return tenancy.Proof{}, fault.Invalid("", "The client's certificates are too large")
	}
	t.Certificates = base64.RawURLEncoding.EncodeToString(shown)
	return seal.Prove(t)
}
