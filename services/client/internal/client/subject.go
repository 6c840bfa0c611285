package client

import (
	"crypto/x509"
	"strings"
	"unicode"

	"github.com/postern-id/postern/libs/x500"
)

// subjectOf gives a certificate's subject as the wire shows it: one step a line. Empty when there is none.
func subjectOf(cert *x509.Certificate) (string, error) {
	name, err := x500.Of(cert.RawSubject)
	return name.String(), err
}

// isSubject tells a subject that a caller wrote, on one line or as subjectOf gives it, from what no certificate could ever have.
func isSubject(text string) bool {
	_, err := x500.Parse(text)
	return err == nil && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' })
}
