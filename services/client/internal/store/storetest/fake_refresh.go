package storetest

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// hasExternal reports whether a client calls itself as c does.
func (s *shelf) hasExternal(c client.Client) bool {
	external := c.Settings.Text("external_client_id")
	return external != "" && index(s.clients, func(other client.Client) bool { return other.Settings.Text("external_client_id") == external }) >= 0
}

// RefreshClient implements client.Store.
func (f *Fake) RefreshClient(_ context.Context, tenant tenancy.ID, c client.Client) error {
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
	was := s.clients[i].item
	c = showClient(c)
	c.Version, c.Created, c.FirstParty, c.Global = was.Version+1, was.Created, was.FirstParty, was.Global
	s.clients[i].item = c
	f.tell(tenant, "client.updated", "client", string(c.ID))
	return nil
}
