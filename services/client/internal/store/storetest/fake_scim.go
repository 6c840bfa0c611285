package storetest

import (
	"context"
	"slices"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// provisioning is a connection's SCIM configuration with its tokens.
type provisioning struct {
	client.SCIM

	tokens []client.SCIMToken
}

func showSCIM(p provisioning) client.SCIM {
	p.Mapping = append([]client.SCIMMapping{}, p.Mapping...)
	return p.SCIM
}

// scimOf gives the place of a connection's configuration, or says what is missing.
func (s *shelf) scimOf(connectionID string) (int, error) {
	i := index(s.scim, func(p provisioning) bool { return p.ConnectionID == connectionID })
	if i >= 0 {
		return i, nil
	}
	if index(s.connections, func(c client.Connection) bool { return c.ID == connectionID }) >= 0 {
		return i, client.ErrNoSCIM
	}
	return i, client.ErrNoConnection
}

// FindSCIM implements client.Store.
func (f *Fake) FindSCIM(_ context.Context, tenant tenancy.ID, connectionID string) (client.SCIM, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.SCIM{}, err
	}
	defer end()
	i, err := s.scimOf(connectionID)
	if err != nil {
		return client.SCIM{}, err
	}
	return showSCIM(s.scim[i].item), nil
}

// ListSCIM implements client.Store.
func (f *Fake) ListSCIM(_ context.Context, tenant tenancy.ID, p client.Page) (client.Part[client.SCIM], error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Part[client.SCIM]{}, err
	}
	defer end()
	all, err := pick(s.scim, p, func(provisioning) bool { return true }, func(p provisioning) provisioning { return p })
	out := client.Part[client.SCIM]{Items: []client.SCIM{}, Total: all.Total, Next: all.Next}
	for _, item := range all.Items {
		out.Items = append(out.Items, showSCIM(item))
	}
	return out, err
}

// CreateSCIM implements client.Store.
func (f *Fake) CreateSCIM(_ context.Context, tenant tenancy.ID, scim client.SCIM) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	switch _, err := s.scimOf(scim.ConnectionID); {
	case err == nil:
		return client.ErrSCIMExists
	case client.Is(err, client.ErrNoConnection):
		return err
	}
	s.scim = append(s.scim, placed[provisioning]{f.next(), provisioning{SCIM: showSCIM(provisioning{SCIM: scim})}})
	f.tell(tenant, "scim_configuration.created", "scim_configuration", scim.ConnectionID)
	return nil
}

// UpdateSCIM implements client.Store.
func (f *Fake) UpdateSCIM(_ context.Context, tenant tenancy.ID, scim client.SCIM) (client.SCIM, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.SCIM{}, err
	}
	defer end()
	i, err := s.scimOf(scim.ConnectionID)
	if err != nil {
		return client.SCIM{}, err
	}
	is := &s.scim[i].item
	is.UserIDAttribute, is.Mapping, is.Updated = scim.UserIDAttribute, append([]client.SCIMMapping{}, scim.Mapping...), scim.Updated
	f.tell(tenant, "scim_configuration.updated", "scim_configuration", scim.ConnectionID)
	return showSCIM(*is), nil
}

// DeleteSCIM implements client.Store.
func (f *Fake) DeleteSCIM(_ context.Context, tenant tenancy.ID, connectionID string) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i, err := s.scimOf(connectionID)
	if err != nil {
		return client.ErrNoSCIM
	}
	s.scim = slices.Delete(s.scim, i, i+1)
	f.tell(tenant, "scim_configuration.deleted", "scim_configuration", connectionID)
	return nil
}

// ListSCIMTokens implements client.Store.
func (f *Fake) ListSCIMTokens(_ context.Context, tenant tenancy.ID, connectionID string) ([]client.SCIMToken, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return nil, err
	}
	defer end()
	i, err := s.scimOf(connectionID)
	if err != nil {
		return nil, err
	}
	return append([]client.SCIMToken{}, s.scim[i].item.tokens...), nil
}

// CreateSCIMToken implements client.Store.
func (f *Fake) CreateSCIMToken(_ context.Context, tenant tenancy.ID, connectionID string, t client.SCIMToken, most int) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i, err := s.scimOf(connectionID)
	if err != nil {
		return err
	}
	of := &s.scim[i].item
	if len(of.tokens) >= most {
		return client.ErrSCIMTokens
	}
	t.Secret = ""
	of.tokens = append(of.tokens, t)
	f.tell(tenant, "scim_token.created", "scim_token", t.ID)
	return nil
}

// DeleteSCIMToken implements client.Store.
func (f *Fake) DeleteSCIMToken(_ context.Context, tenant tenancy.ID, connectionID, id string) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i, err := s.scimOf(connectionID)
	if err != nil {
		return client.ErrNoSCIMToken
	}
	of := &s.scim[i].item
	at := slices.IndexFunc(of.tokens, func(t client.SCIMToken) bool { return t.ID == id })
	if at < 0 {
		return client.ErrNoSCIMToken
	}
	of.tokens = slices.Delete(of.tokens, at, at+1)
	f.tell(tenant, "scim_token.deleted", "scim_token", id)
	return nil
}
