package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// WithDocuments gives who fetches what clients publish about themselves. Without it nothing can be had.
func WithDocuments(d Documents) Option { return func(s *Service) { s.documents = d } }

// ReadMetadata reads what the client at a URL says of itself, and changes nothing. Invalid when no client can call itself by the URL.
func (s *Service) ReadMetadata(ctx context.Context, tenant tenancy.ID, at string) (Metadata, error) {
	if reason := refusesMetadataURL(at); reason != "" {
		return Metadata{}, invalidAt(propExternalID, "Object didn't pass validation for format absolute-https-uri-or-empty: %s (%s)", quoted(at), reason)
	}
	known, err := s.store.FindClientBy(ctx, tenant, at)
	if err != nil && !Is(err, ErrNoClient) {
		return Metadata{}, err
	}
	raw, err := s.documents.Fetch(ctx, at, maxDocument)
	switch {
	case fault.Is(err, fault.KindInvalid):
		return Metadata{URL: at, ID: known.ID, Failure: fault.Of(err).Message}, nil
	case err != nil:
		return Metadata{}, err
	}
	m, err := readMetadata(at, raw, s.now(), func(uri string) ([]byte, error) { return s.documents.Fetch(ctx, uri, maxKeyDocument) })
	m.ID = known.ID
	return m, err
}

// CreateFromMetadata makes a third-party client, held to the strict rules, of what it says of itself. Invalid when it breaks a rule;
// ErrExternalTaken when there is one.
func (s *Service) CreateFromMetadata(ctx context.Context, tenant tenancy.ID, m Metadata) (Client, error) {
	if err := m.refusal(); err != nil {
		return Client{}, err
	}
	blank, err := NewClient(Settings{
		propName: m.Fields.Text(propName), propFirstParty: false, propMode: modeStrict, propAuthMethod: oauth.AuthNone, propExternalID: m.URL,
		propMetadataType: metadataDocument, propMetadataBy: createdByAdmin,
	}, s.now())
	if err != nil {
		return Client{}, badMetadata(err)
	}
	c, err := blank.saying(m, s.now())
	if err != nil {
		return Client{}, err
	}
	if err := s.store.CreateClient(ctx, tenant, c, false); err != nil {
		return Client{}, fmt.Errorf("creating a client of its metadata: %w", err)
	}
	return c, nil
}

// RefreshFromMetadata makes the client that calls itself by m.URL what it says of itself now; its keys are replaced by those that it
// publishes. Invalid when it breaks a rule; ErrNoClient.
func (s *Service) RefreshFromMetadata(ctx context.Context, tenant tenancy.ID, m Metadata) (Client, error) {
	if err := m.refusal(); err != nil {
		return Client{}, err
	}
	return revised(
		func() (Client, error) { return s.store.FindClientBy(ctx, tenant, m.URL) },
		func(c Client) (Client, error) { return c.saying(m, s.now()) },
		func(c Client) error { return s.store.RefreshClient(ctx, tenant, c) })
}

// saying gives the client as it says of itself that it is. What the document does not say is taken away; what it cannot say stays.
func (c Client) saying(m Metadata, now time.Time) (Client, error) {
	out := c
	out.Name, out.AppType, out.Updated = m.Fields.Text(propName), m.Fields.Text(propAppType), now
	patch := Settings{propAuthMethod: nil, propAuthMethods: nil}
	for _, name := range []string{propCallbacks, propGrantTypes, propLogo, propDescription, propJWKSURI} {
		patch[name] = m.Fields[name]
	}
	out.Credentials = nil
	var ids []any
	for _, key := range m.Keys {
		if had := slices.IndexFunc(c.Credentials, key.unchanged); had >= 0 {
			key = c.Credentials[had]
		}
		out.Credentials = append(out.Credentials, key)
		ids = append(ids, map[string]any{"id": key.ID})
	}
	if m.Fields.Text(propAuthMethod) == MethodPrivateKeyJWT {
		patch[propAuthMethods] = map[string]any{MethodPrivateKeyJWT: map[string]any{propCredentials: ids}}
	} else {
		patch[propAuthMethod] = oauth.AuthNone
	}
	out.Settings = filled(c.Settings.Merged(patch))
	return out, badMetadata(out.check())
}

// unchanged reports whether a credential is this one, made earlier.
func (c Credential) unchanged(earlier Credential) bool {
	return c.same(earlier) && c.KeyID == earlier.KeyID && c.Alg == earlier.Alg && string(c.PublicKey) == string(earlier.PublicKey) && earlier.Expires.IsZero()
}
