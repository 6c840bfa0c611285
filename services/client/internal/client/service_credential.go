package client

import (
	"context"
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/tenancy"
)

// FindClientNamed gives the client of a client_id as requests send it: an id, or the URL by which the client calls itself. It comes
// with the credentials that count now, without what has expired; ErrNoClient.
func (s *Service) FindClientNamed(ctx context.Context, tenant tenancy.ID, name string) (Client, error) {
	find := func() (Client, error) { return s.store.FindClient(ctx, tenant, ID(name)) }
	if strings.HasPrefix(name, "https://") {
		find = func() (Client, error) { return s.store.FindClientBy(ctx, tenant, name) }
	}
	c, err := find()
	if err != nil {
		return Client{}, err
	}
	now := s.now()
	c.Credentials = slices.DeleteFunc(slices.Clone(c.Credentials), func(cred Credential) bool { return cred.expired(now) })
	return c, nil
}

// CreateCredential gives the client one more credential. ErrNoClient; Invalid when it breaks a rule or is one too many, Conflict when the
// client has it already.
func (s *Service) CreateCredential(ctx context.Context, tenant tenancy.ID, id ID, sent Settings) (Credential, error) {
	cred, err := NewCredential(sent, s.now())
	if err != nil {
		return Credential{}, err
	}
	_, err = revised(
		func() (Client, error) { return s.store.FindClient(ctx, tenant, id) },
		func(c Client) (Client, error) { return c.withCredential(cred) },
		func(c Client) error { return s.store.AddCredential(ctx, tenant, c, cred) })
	return cred, err
}

// FindCredential gives one credential; ErrNoClient, ErrNoCredential.
func (s *Service) FindCredential(ctx context.Context, tenant tenancy.ID, id ID, credential string) (Credential, error) {
	c, err := s.store.FindClient(ctx, tenant, id)
	if err != nil {
		return Credential{}, err
	}
	return c.Credential(credential)
}

// UpdateCredential changes when a credential expires; ErrNoClient, ErrNoCredential.
func (s *Service) UpdateCredential(ctx context.Context, tenant tenancy.ID, id ID, credential string, sent Settings) (Credential, error) {
	var is Credential
	_, err := revised(
		func() (Client, error) { return s.store.FindClient(ctx, tenant, id) },
		func(c Client) (Client, error) {
			was, err := c.Credential(credential)
			if err != nil {
				return Client{}, err
			}
			is, err = was.Expiring(sent, s.now())
			return c, err
		},
		func(c Client) error { return s.store.UpdateCredential(ctx, tenant, c, is) })
	return is, err
}

// DeleteCredential takes a credential away, unless the client still uses it; a repeat is fine.
func (s *Service) DeleteCredential(ctx context.Context, tenant tenancy.ID, id ID, credential string) error {
	_, err := revised(
		func() (Client, error) { return s.store.FindClient(ctx, tenant, id) },
		func(c Client) (Client, error) {
			if c.uses(credential) {
				return Client{}, errUnsupported("Cannot delete credential still associated with a client")
			}
			return c, nil
		},
		func(c Client) error { return s.store.DeleteCredential(ctx, tenant, c, credential) })
	if Is(err, ErrNoClient) {
		return nil
	}
	return gone(err, ErrNoCredential)
}
