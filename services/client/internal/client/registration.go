package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// The codes of a refused registration (RFC 7591 §3.2.2).
const (
	codeRedirectURI = "invalid_redirect_uri"
	codeMetadata    = "invalid_client_metadata"
)

// Names of the metadata that a registration is made of (RFC 7591 §2).
const (
	metaName          = "client_name"
	metaRedirectURIs  = "redirect_uris"
	metaAuthMethod    = "token_endpoint_auth_method"
	metaGrantTypes    = "grant_types"
	metaResponseTypes = "response_types"
)

// How a client came to be whose metadata is its own, and who brought it.
const (
	propMetadataType = "external_metadata_type"
	propMetadataBy   = "external_metadata_created_by"

	metadataRegistered = "dcr"
	createdByClient    = "client"
)

const (
	maxRegisteredURIs  = 100
	maxRegisteredName  = 255 // characters; strangers choose it
	maxRegisteredItems = 50  // of grant_types and response_types
)

// errRegistrationOff is what everyone hears where the tenant did not open its door.
var errRegistrationOff = fault.Denied(oauth.AccessDenied, "Dynamic client registration is not enabled for this tenant")

// registeredGrants are what a client that registers itself may ask for.
var registeredGrants = []string{string(oauth.GrantAuthorizationCode), string(oauth.GrantRefreshToken)}

// RegisterClient makes a third-party client, held to the strict rules, of what it says of itself (RFC 7591 §3.1). Denied unless the
// tenant lets anyone register; Invalid, with a code of RFC 7591 §3.2.2, when a rule is broken. Metadata that is not known is ignored.
func (s *Service) RegisterClient(ctx context.Context, tenant tenancy.ID, metadata Settings) (Client, error) {
	switches, err := s.switches.FindSwitches(ctx, tenant)
	if err != nil {
		return Client{}, err
	}
	if !switches.Registration {
		return Client{}, errRegistrationOff
	}
	c, err := newRegistered(metadata, s.now())
	if err != nil {
		return Client{}, err
	}
	if err := s.store.CreateClient(ctx, tenant, c, false); err != nil {
		return Client{}, fmt.Errorf("registering a client: %w", err)
	}
	return c, nil
}

// newRegistered makes the client of its own metadata.
func newRegistered(metadata Settings, now time.Time) (Client, error) {
	uris, err := registeredURIs(metadata)
	if err != nil {
		return Client{}, err
	}
	name, err := registeredName(metadata)
	if err != nil {
		return Client{}, err
	}
	grants, err := registeredGrantTypes(metadata)
	if err != nil {
		return Client{}, err
	}
	method, err := registeredAuthMethod(metadata)
	if err != nil {
		return Client{}, err
	}
	const unnamed = "unnamed"
	c, err := NewClient(Settings{
		propName: unnamed, propFirstParty: false, propMode: modeStrict, propCallbacks: list(uris...), propGrantTypes: list(grants...),
		propAuthMethod: method, propMetadataType: metadataRegistered, propMetadataBy: createdByClient,
	}, now)
	if err != nil {
		return Client{}, badMetadata(err)
	}
	if c.Name = name; name == "" {
		c.Name = string(c.ID) // RFC 7591 §2: without a name the identifier stands for it
	}
	return c, nil
}

// badMetadata gives a refusal of this room the code of a refused registration.
func badMetadata(err error) error {
	if err == nil {
		return nil
	}
	if f := fault.Of(err); f.Kind == fault.KindInvalid {
		return fault.Invalid(codeMetadata, f.Message)
	}
	return err
}

func registeredURIs(metadata Settings) ([]string, error) {
	uris, err := metadataTexts(metadata, metaRedirectURIs, maxRegisteredURIs)
	switch {
	case err != nil:
		return nil, fault.Invalid(codeRedirectURI, err.Error())
	case len(uris) == 0:
		return nil, fault.Invalid(codeRedirectURI, metaRedirectURIs+" must hold at least one URI")
	}
	for i, uri := range uris {
		reason := urlRule{}.refuses(uri)
		if strings.ContainsAny(uri, "{}") { // they are filled in for clients that the tenant knows, not for strangers
			reason = "placeholders are not allowed here"
		}
		if reason != "" {
			return nil, fault.Invalid(codeRedirectURI, metaRedirectURIs+"["+strconv.Itoa(i)+"]: "+quoted(uri)+" ("+reason+")")
		}
	}
	return unique(uris), nil
}

// registeredName gives the name; "" when there is none.
func registeredName(metadata Settings) (string, error) {
	name, err := metadataText(metadata, metaName)
	if err != nil {
		return "", err
	}
	name = strings.TrimSpace(name)
	switch {
	case utf8.RuneCountInString(name) > maxRegisteredName:
		return "", fault.Invalid(codeMetadata, metaName+" is longer than "+strconv.Itoa(maxRegisteredName)+" characters")
	case strings.ContainsAny(name, "<>"), !utf8.ValidString(name), strings.ContainsFunc(name, hidden):
		return "", fault.Invalid(codeMetadata, metaName+" holds a character that no name has")
	}
	return name, nil
}

// hidden characters let one name look like another on the page where a person consents.
func hidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// registeredGrantTypes gives those of the grant types that may be had (RFC 7591 §2 lets the server drop the others).
func registeredGrantTypes(metadata Settings) ([]string, error) {
	types, err := metadataTexts(metadata, metaResponseTypes, maxRegisteredItems)
	if err != nil {
		return nil, fault.Invalid(codeMetadata, err.Error())
	}
	if metadata[metaResponseTypes] != nil && !slices.Contains(types, "code") {
		return nil, fault.Invalid(codeMetadata, metaResponseTypes+" must hold code")
	}
	if metadata[metaGrantTypes] == nil {
		return registeredGrants, nil
	}
	sent, err := metadataTexts(metadata, metaGrantTypes, maxRegisteredItems)
	if err != nil {
		return nil, fault.Invalid(codeMetadata, err.Error())
	}
	granted := make([]string, 0, len(registeredGrants))
	for _, grant := range registeredGrants {
		if slices.Contains(sent, grant) {
			granted = append(granted, grant)
		}
	}
	if !slices.Contains(granted, string(oauth.GrantAuthorizationCode)) { // the others are of no use without it
		return nil, fault.Invalid(codeMetadata, metaGrantTypes+" must hold "+string(oauth.GrantAuthorizationCode))
	}
	return granted, nil
}

func registeredAuthMethod(metadata Settings) (string, error) {
	method, err := metadataText(metadata, metaAuthMethod)
	if err != nil {
		return "", err
	}
	switch method {
	case "":
		return oauth.AuthPost, nil
	case oauth.AuthNone, oauth.AuthPost, oauth.AuthBasic:
		return method, nil
	}
	return "", fault.Invalid(codeMetadata, metaAuthMethod+" "+quoted(method)+" is not supported")
}

// metadataText gives a string member; "" when it is not there or null.
func metadataText(metadata Settings, name string) (string, error) {
	if metadata[name] == nil {
		return "", nil
	}
	text, ok := metadata[name].(string)
	if !ok {
		return "", fault.Invalid(codeMetadata, name+" must be a string")
	}
	return text, nil
}

// metadataTexts gives a member that is a list of strings, at most so many; nil when it is not there or null.
func metadataTexts(metadata Settings, name string, most int) ([]string, error) {
	if metadata[name] == nil {
		return nil, nil
	}
	list, ok := metadata[name].([]any)
	texts := metadata.Texts(name)
	switch {
	case !ok || len(texts) != len(list):
		return nil, errors.New(name + " must be a list of strings")
	case len(list) > most:
		return nil, errors.New(name + " holds more than " + strconv.Itoa(most))
	}
	return texts, nil
}

// unique drops what came before.
func unique(texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, text := range texts {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
