package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

const (
	propExternalID  = "external_client_id"
	propJWKSURI     = "jwks_uri"
	propLogo        = "logo_uri"
	propDescription = "description"

	metadataDocument = "cimd"
	createdByAdmin   = "admin"

	maxDocument    = 5 << 10  // bytes
	maxKeyDocument = 12 << 10 // bytes
	maxDescription = 140      // characters
)

// Documents fetches what clients publish about themselves.
type Documents interface {
	// Fetch gives the JSON document at a URL, of at most that many bytes. Invalid, with a sentence that is safe to show, when it
	// cannot be had.
	Fetch(ctx context.Context, url string, maxBytes int) ([]byte, error)
}

// offline is the Documents of a service that reaches nothing.
type offline struct{}

// Fetch implements Documents.
func (offline) Fetch(context.Context, string, int) ([]byte, error) {
	return nil, fault.Invalid("", "The document could not be reached")
}

// Metadata is what a client says of itself in a document at the URL by which it calls itself (client ID metadata documents).
type Metadata struct {
	URL string
	// ID is the client's that calls itself by URL now; empty when there is none.
	ID ID
	// Failure is why the document could not be had; empty when it was read. Then there is nothing else.
	Failure string
	// Fields are what it says, by the names of a client's properties; what it does not say is not there.
	Fields Settings
	// Keys are what it publishes to prove itself with.
	Keys []Credential
	// Violations forbid to make a client of it; Warnings do not.
	Violations, Warnings []string
}

// Valid reports whether a client can be made of it.
func (m Metadata) Valid() bool { return m.Failure == "" && len(m.Violations) == 0 }

// refusal is why no client can be made of it; nil when one can.
func (m Metadata) refusal() error {
	switch {
	case m.Failure != "":
		return fault.Invalid(codeMetadata, m.Failure)
	case len(m.Violations) > 0:
		return fault.Invalid(codeMetadata, "The client metadata document is not valid: "+m.Violations[0])
	}
	return nil
}

// reading is a document on its way to become Metadata.
type reading struct {
	doc Settings
	out Metadata
}

func (r *reading) violation(format string, args ...any) {
	r.out.Violations = append(r.out.Violations, fmt.Sprintf(format, args...))
}

func (r *reading) warning(format string, args ...any) {
	r.out.Warnings = append(r.out.Warnings, fmt.Sprintf(format, args...))
}

// text gives a string member; "" when it is not there, or no string, which is a violation.
func (r *reading) text(name string) string {
	text, err := metadataText(r.doc, name)
	if err != nil {
		r.violation("%s", fault.Of(err).Message)
	}
	return text
}

// readMetadata takes what a document says of the client at a URL. keys gives what is published at jwks_uri.
func readMetadata(at string, raw []byte, now time.Time, keys func(uri string) ([]byte, error)) (Metadata, error) {
	r := &reading{out: Metadata{URL: at, Fields: Settings{propExternalID: at}}}
	if err := json.Unmarshal(raw, &r.doc); err != nil || r.doc == nil || !utf8.Valid(raw) {
		r.violation("The document is not a JSON object")
		return r.out, nil //nolint:nilerr // what is wrong with a document is an answer
	}
	r.readIdentity()
	r.readPage()
	r.readFlows()
	return r.out, r.readProof(now, keys)
}

// readIdentity holds the document to the URL that it is at: another site's document says another client_id.
func (r *reading) readIdentity() {
	switch id := r.text("client_id"); id {
	case r.out.URL:
	case "":
		r.violation("client_id is required")
	default:
		r.violation("client_id must be the URL of the document")
	}
	for _, name := range []string{"client_secret", "client_secret_expires_at"} {
		if r.doc.Has(name) { // a published secret is none
			r.violation("%s is not allowed", name)
		}
	}
}

// readPage takes what people get to see.
func (r *reading) readPage() {
	switch name, err := registeredName(r.doc); {
	case err != nil:
		r.violation("%s", fault.Of(err).Message)
	case name == "":
		r.violation("%s is required", metaName)
	default:
		r.out.Fields[propName] = name
	}
	if description := r.text(propDescription); description != "" {
		if utf8.RuneCountInString(description) > maxDescription || slices.ContainsFunc([]rune(description), hidden) {
			r.violation("%s must have at most %d characters, all of them visible", propDescription, maxDescription)
		} else {
			r.out.Fields[propDescription] = description
		}
	}
	if logo := r.text(propLogo); logo != "" {
		if reason := pageRule.refuses(logo); reason != "" {
			r.violation("%s: %s (%s)", propLogo, quoted(logo), reason)
		} else {
			r.out.Fields[propLogo] = logo
		}
	}
}

// readFlows takes how the client gets its tokens.
func (r *reading) readFlows() {
	switch kind := r.text("application_type"); kind {
	case "", "web": // OIDC Registration §2: web is what is meant when nothing is said
		r.out.Fields[propAppType] = AppRegularWeb
	case "native":
		r.out.Fields[propAppType] = AppNative
	default:
		r.violation("application_type must be web or native")
	}
	if uris, err := registeredURIs(r.doc); err != nil {
		r.violation("%s", fault.Of(err).Message)
	} else {
		r.out.Fields[propCallbacks] = list(uris...)
	}
	if r.doc[metaGrantTypes] == nil {
		r.violation("%s is required", metaGrantTypes)
		return
	}
	grants, err := registeredGrantTypes(r.doc)
	if err != nil {
		r.violation("%s", fault.Of(err).Message)
		return
	}
	for _, sent := range r.doc.Texts(metaGrantTypes) {
		if !slices.Contains(grants, sent) {
			r.warning("%s: %s is not supported and left out", metaGrantTypes, quoted(sent))
		}
	}
	r.out.Fields[propGrantTypes] = list(grants...)
}

// readProof takes how the client proves itself, and its keys.
func (r *reading) readProof(now time.Time, keys func(string) ([]byte, error)) error {
	if r.doc.Has("jwks") {
		r.violation("jwks is not allowed: keys are published at jwks_uri")
	}
	uri, method := r.text(propJWKSURI), r.text(metaAuthMethod)
	switch method {
	case oauth.AuthNone, MethodPrivateKeyJWT:
	case "":
		if r.doc[metaAuthMethod] == nil {
			r.warning("%s is not given: it counts as %s", metaAuthMethod, oauth.AuthNone)
			method = oauth.AuthNone
			break
		}
		fallthrough
	default:
		r.violation("%s must be %s or %s", metaAuthMethod, oauth.AuthNone, MethodPrivateKeyJWT)
		return nil
	}
	r.out.Fields[propAuthMethod] = method
	if method == oauth.AuthNone {
		if uri != "" {
			r.warning("%s is of no use with %s %s", propJWKSURI, metaAuthMethod, oauth.AuthNone)
		}
		return nil
	}
	if reason := r.refusesKeysAt(uri); reason != "" {
		r.violation("%s %s", propJWKSURI, reason)
		return nil
	}
	r.out.Fields[propJWKSURI] = uri
	if len(r.out.Violations) > 0 {
		return nil // nothing is fetched for a document that is refused anyway
	}
	raw, err := keys(uri)
	switch {
	case fault.Is(err, fault.KindInvalid):
		r.violation("%s: %s", propJWKSURI, fault.Of(err).Message)
		return nil
	case err != nil:
		return err
	}
	r.readKeys(raw, now)
	return nil
}

// refusesKeysAt gives the reason why a client's keys are not at a URL; "" when they may be.
func (r *reading) refusesKeysAt(uri string) string {
	if uri == "" {
		return "is required with " + MethodPrivateKeyJWT
	}
	if reason := (urlRule{}).refuses(uri); reason != "" {
		return "is " + quoted(uri) + " (" + reason + ")"
	}
	own, err := url.Parse(r.out.URL)
	if err != nil {
		return "has no origin to compare with"
	}
	there, err := url.Parse(uri)
	if err != nil || !sameOrigin(own, there) || !goodPort(there) {
		return "must be of the document's own origin"
	}
	return ""
}
