package storetest

import (
	"context"
	"slices"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// FindClientBy implements client.Store.
func (f *Fake) FindClientBy(_ context.Context, tenant tenancy.ID, externalID string) (client.Client, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Client{}, err
	}
	defer end()
	i := index(s.clients, func(c client.Client) bool { return c.Settings.Text("external_client_id") == externalID })
	if i < 0 || externalID == "" {
		return client.Client{}, client.ErrNoClient
	}
	return showClient(s.clients[i].item), nil
}

// changeCredential is one write to the credentials of the client at its version.
func (f *Fake) changeCredential(tenant tenancy.ID, c client.Client, change func([]client.Credential) ([]client.Credential, error)) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.clients, func(other client.Client) bool { return other.ID == c.ID })
	switch {
	case i < 0:
		return client.ErrNoClient
	case s.clients[i].item.Version != c.Version:
		return client.ErrChanged
	}
	is, err := change(slices.Clone(s.clients[i].item.Credentials))
	if err != nil {
		return err
	}
	s.clients[i].item.Credentials = is
	s.clients[i].item.Version++
	f.tell(tenant, "client.updated", "client", string(c.ID))
	return nil
}

// AddCredential implements client.Store.
func (f *Fake) AddCredential(_ context.Context, tenant tenancy.ID, c client.Client, cred client.Credential) error {
	return f.changeCredential(tenant, c, func(all []client.Credential) ([]client.Credential, error) { return append(all, cred), nil })
}

// UpdateCredential implements client.Store.
func (f *Fake) UpdateCredential(_ context.Context, tenant tenancy.ID, c client.Client, cred client.Credential) error {
	return f.changeCredential(tenant, c, func(all []client.Credential) ([]client.Credential, error) {
		i := slices.IndexFunc(all, func(other client.Credential) bool { return other.ID == cred.ID })
		if i < 0 {
			return nil, client.ErrNoCredential
		}
		all[i].Expires, all[i].Updated = cred.Expires, cred.Updated
		return all, nil
	})
}

// DeleteCredential implements client.Store.
func (f *Fake) DeleteCredential(_ context.Context, tenant tenancy.ID, c client.Client, id string) error {
	return f.changeCredential(tenant, c, func(all []client.Credential) ([]client.Credential, error) {
		i := slices.IndexFunc(all, func(other client.Credential) bool { return other.ID == id })
		if i < 0 {
			return nil, client.ErrNoCredential
		}
		return slices.Delete(all, i, i+1), nil
	})
}
