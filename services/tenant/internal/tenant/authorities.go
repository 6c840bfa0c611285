package tenant

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strconv"

	"github.com/postern-id/postern/libs/fault"
)

// maxAuthority bounds one authority's PEM, in bytes.
const maxAuthority = 16 << 10

// Authorities gives the certificate authorities of the settings, as DER. Invalid where one is not the certificate of an authority: what
// is no authority must not stand behind anybody.
func (s Settings) Authorities() ([][]byte, error) {
	var out [][]byte
	for i, text := range s.Texts(CertificateAuthorities) {
		refuse := func(why string) error {
			return fault.Invalid("invalid_body", "Payload validation error: '"+why+"' on property "+CertificateAuthorities+"."+strconv.Itoa(i)+".")
		}
		if len(text) > maxAuthority {
			return nil, refuse("String is too long (" + strconv.Itoa(len(text)) + " chars), maximum " + strconv.Itoa(maxAuthority))
		}
		block, rest := pem.Decode([]byte(text))
		if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
			return nil, refuse("Object didn't pass validation for format pem")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return nil, refuse("Object didn't pass validation for format pem")
		case !cert.BasicConstraintsValid || !cert.IsCA: // RFC 5280 §4.2.1.9
			return nil, refuse("The certificate is not that of a certificate authority")
		}
		out = append(out, cert.Raw)
	}
	return out, nil
}
