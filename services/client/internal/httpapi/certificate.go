package httpapi

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
)

// Certificate is one of a tenant's signing certificates in the forms that a client shows.
type Certificate struct {
	PEM     string
	PKCS7   string // the same as a certs-only SignedData (RFC 2315 §9)
	Subject string // "/CN=host"
}

// NewCertificate gives the forms of a certificate.
func NewCertificate(cert *x509.Certificate) Certificate {
	out := Certificate{
		PEM:     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
		Subject: "/CN=" + cert.Subject.CommonName,
	}
	if der, err := certsOnly(cert.Raw); err == nil {
		out.PKCS7 = string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der}))
	}
	return out
}

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

type signedData struct {
	Version      int
	Algorithms   []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      struct{ Type asn1.ObjectIdentifier }
	Certificates asn1.RawValue
	Signers      []asn1.RawValue `asn1:"set"`
}

// certsOnly wraps a certificate in a SignedData that nobody signed, which is how certificates travel as PKCS #7.
func certsOnly(raw []byte) ([]byte, error) {
	data := signedData{Version: 1, Algorithms: []pkix.AlgorithmIdentifier{}, Signers: []asn1.RawValue{}}
	data.Content.Type = oidData
	data.Certificates = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: raw}
	inner, err := asn1.Marshal(data)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{
		Type: oidSignedData, Content: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner},
	})
}
