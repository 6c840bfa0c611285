package client

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// attributes are the short names of a subject's attribute types (RFC 4519 §2); others are shown by their number.
var attributes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode", "2.5.4.42": "GN", "2.5.4.43": "initials",
	"2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
}

// subjectOf gives a certificate's subject as the wire shows it: one relative name a line, in the order of the certificate. Values are
// escaped (RFC 4514 §2.4), control characters too, so that no value reads as a line of its own. Empty when there is none.
func subjectOf(cert *x509.Certificate) (string, error) {
	var names pkix.RDNSequence
	rest, err := asn1.Unmarshal(cert.RawSubject, &names)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the subject: %w", err)
	case len(rest) > 0:
		return "", errors.New("reading the subject: more than a name")
	}
	lines := make([]string, len(names))
	for i, name := range names {
		parts := make([]string, len(name))
		for j, attribute := range name {
			value, ok := attribute.Value.(string)
			if !ok {
				return "", errors.New("reading the subject: a value that is no text")
			}
			kind := attribute.Type.String()
			if short, known := attributes[kind]; known {
				kind = short
			}
			parts[j] = kind + "=" + escaped(value)
		}
		lines[i] = strings.Join(parts, " + ")
	}
	return strings.Join(lines, "\n"), nil
}

// isSubject tells a subject that a caller wrote, on one line or as subjectOf gives it, from what none can be.
func isSubject(text string) bool {
	return strings.Contains(text, "=") && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' })
}

func escaped(value string) string {
	var out strings.Builder
	for i, r := range value {
		last := i+len(string(r)) == len(value)
		switch {
		case unicode.IsControl(r):
			for _, b := range []byte(string(r)) {
				fmt.Fprintf(&out, "\\%02X", b)
			}
			continue
		case strings.ContainsRune(`,+"\<>;`, r), r == '#' && i == 0, r == ' ' && (i == 0 || last):
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
