package store

import (
	"context"
	"encoding/json"
	"fmt"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

const (
	placeSecret = "client_secret"
	placeAddons = "client_addons"

	// propAddons is the one property of a client that holds other parties' secrets.
	propAddons = "addons"
)

// sealedClient is a client as its columns hold it.
type sealedClient struct {
	secret, addons, settings []byte
}

func (s *Store) sealClient(ctx context.Context, tenant tenancy.ID, c client.Client) (out sealedClient, err error) {
	if c.Secret == "" {
		return out, fault.Internal(fmt.Errorf("client %s without its secret", c.ID))
	}
	if out.secret, err = s.seal(ctx, tenant, placeSecret, string(c.ID), []byte(c.Secret)); err != nil {
		return out, err
	}
	settings := c.Settings.Clone()
	if addons, ok := settings[propAddons]; ok {
		delete(settings, propAddons)
		plain, err := json.Marshal(addons)
		if err != nil {
			return out, fault.Internal(fmt.Errorf("encoding addons: %w", err))
		}
		if out.addons, err = s.seal(ctx, tenant, placeAddons, string(c.ID), plain); err != nil {
			return out, err
		}
	}
	out.settings, err = encode(settings)
	return out, err
}

// toClient opens a row; without secret the secret stays shut.
func (s *Store) toClient(ctx context.Context, tenant tenancy.ID, row sqlcgen.Client, secret bool) (client.Client, error) {
	c := client.Client{
		ID: client.ID(row.ID), Name: row.Name, AppType: row.AppType, FirstParty: row.IsFirstParty, Global: row.IsGlobal,
		Created: row.CreatedAt.UTC(), Updated: row.UpdatedAt.UTC(), Version: row.Version,
	}
	var err error
	if c.Settings, err = decode(row.Settings); err != nil {
		return client.Client{}, err
	}
	if secret {
		plain, err := s.open(ctx, tenant, placeSecret, row.ID, row.SecretSealed)
		if err != nil {
			return client.Client{}, err
		}
		c.Secret = client.Secret(plain)
	}
	plain, err := s.open(ctx, tenant, placeAddons, row.ID, row.AddonsSealed)
	if err != nil {
		return client.Client{}, err
	}
	if len(plain) > 0 {
		var addons any
		if err := json.Unmarshal(plain, &addons); err != nil {
			return client.Client{}, fault.Internal(fmt.Errorf("decoding addons: %w", err))
		}
		c.Settings[propAddons] = addons
	}
	return c, nil
}

// FindClient implements client.Store.
func (s *Store) FindClient(ctx context.Context, tenant tenancy.ID, id client.ID) (client.Client, error) {
	return s.findClient(ctx, tenant, func(q *sqlcgen.Queries) (sqlcgen.Client, error) {
		return q.FindClient(ctx, sqlcgen.FindClientParams{TenantID: string(tenant), ID: string(id)})
	})
}

// FindClientBy implements client.Store.
func (s *Store) FindClientBy(ctx context.Context, tenant tenancy.ID, externalID string) (client.Client, error) {
	return s.findClient(ctx, tenant, func(q *sqlcgen.Queries) (sqlcgen.Client, error) {
		return q.FindClientBy(ctx, sqlcgen.FindClientByParams{TenantID: string(tenant), ExternalID: externalID})
	})
}

func (s *Store) findClient(ctx context.Context, tenant tenancy.ID, find func(*sqlcgen.Queries) (sqlcgen.Client, error)) (client.Client, error) {
	var row sqlcgen.Client
	var credentials []sqlcgen.Credential
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		if row, err = find(q); err != nil {
			return err
		}
		credentials, err = q.ListCredentials(ctx, sqlcgen.ListCredentialsParams{TenantID: string(tenant), ClientID: row.ID})
		return err
	})
	if err != nil {
		return client.Client{}, found(err, client.ErrNoClient)
	}
	c, err := s.toClient(ctx, tenant, row, true)
	for _, cred := range credentials {
		c.Credentials = append(c.Credentials, toCredential(cred))
	}
	return c, err
}

// ListClients implements client.Store.
func (s *Store) ListClients(ctx context.Context, tenant tenancy.ID, f client.Filter, p client.Page, secrets bool) (client.Part[client.Client], error) {
	after, limit, skip, err := bounds(p)
	if err != nil {
		return client.Part[client.Client]{}, err
	}
	if f.Organization != "" {
		return client.Part[client.Client]{Items: []client.Client{}}, nil
	}
	var rows []sqlcgen.Client
	var total int64
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		types := append([]string{}, f.AppTypes...)
		rows, err = q.ListClients(ctx, sqlcgen.ListClientsParams{
			TenantID: string(tenant), IsGlobal: f.Global, IsFirstParty: f.FirstParty, AppTypes: types, ExternalID: f.ExternalID, AnyOrganization: f.AnyOrganization,
			After: after, MaxRows: limit, Skip: skip,
		})
		if err == nil && p.Total {
			total, err = q.CountClients(ctx, sqlcgen.CountClientsParams{
				TenantID: string(tenant), IsGlobal: f.Global, IsFirstParty: f.FirstParty, AppTypes: types, ExternalID: f.ExternalID, AnyOrganization: f.AnyOrganization,
			})
		}
		return err
	})
	if err != nil {
		return client.Part[client.Client]{}, pgkit.Error(err, nil)
	}
	out, err := part(rows, p, func(r sqlcgen.Client) int64 { return r.Position },
		func(r sqlcgen.Client) (client.Client, error) { return s.toClient(ctx, tenant, r, secrets) })
	out.Total = int(total)
	return out, err
}

// CreateClient implements client.Store.
func (s *Store) CreateClient(ctx context.Context, tenant tenancy.ID, c client.Client, everywhere bool) error {
	sealed, err := s.sealClient(ctx, tenant, c)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, c)
		if identifier := c.Settings.Text("resource_server_identifier"); identifier != "" {
			there, err := u.AudienceExists(ctx, sqlcgen.AudienceExistsParams{TenantID: string(tenant), Identifier: identifier})
			if err != nil {
				return err
			}
			if !there {
				return client.ErrNoResourceServer
			}
		}
		if err := u.insertClient(ctx, c, sealed); err != nil {
			return byConstraint(err, externalTaken)
		}
		for _, cred := range c.Credentials {
			if err := u.insertCredential(ctx, c.ID, cred); err != nil {
				return err
			}
		}
		if err := u.fact(ctx, logapi.ClientCreated, kindClient, string(c.ID)); err != nil {
			return err
		}
		if !everywhere {
			return nil
		}
		switched, err := u.EnableEverywhere(ctx, sqlcgen.EnableEverywhereParams{TenantID: string(tenant), ClientID: string(c.ID)})
		if err != nil {
			return err
		}
		for _, con := range switched {
			if err := u.fact(ctx, logapi.ConnectionUpdated, kindConnection, connectionObject(con.ID, con.Name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (u *unit) insertClient(ctx context.Context, c client.Client, sealed sealedClient) error {
	return u.InsertClient(ctx, sqlcgen.InsertClientParams{
		TenantID: string(u.tenant), ID: string(c.ID), Name: c.Name, AppType: c.AppType, IsFirstParty: c.FirstParty, IsGlobal: c.Global,
		SecretSealed: sealed.secret, AddonsSealed: sealed.addons, Settings: sealed.settings, CreatedAt: c.Created, UpdatedAt: c.Updated,
	})
}

// UpdateClient implements client.Store.
func (s *Store) UpdateClient(ctx context.Context, tenant tenancy.ID, c client.Client) error {
	sealed, err := s.sealClient(ctx, tenant, c)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, c)
		if err := u.replaceClient(ctx, c, sealed); err != nil {
			return err
		}
		return u.fact(ctx, logapi.ClientUpdated, kindClient, string(c.ID))
	})
}

// replaceClient writes a client over the version it was read at.
func (u *unit) replaceClient(ctx context.Context, c client.Client, sealed sealedClient) error {
	n, err := u.UpdateClient(ctx, sqlcgen.UpdateClientParams{
		TenantID: string(u.tenant), ID: string(c.ID), Version: c.Version, Name: c.Name, AppType: c.AppType,
		SecretSealed: sealed.secret, AddonsSealed: sealed.addons, Settings: sealed.settings, UpdatedAt: c.Updated,
	})
	return changed(n, err, func() (bool, error) {
		return u.ClientExists(ctx, sqlcgen.ClientExistsParams{TenantID: string(u.tenant), ID: string(c.ID)})
	}, client.ErrNoClient)
}

// DeleteClient implements client.Store. The grants and links go by the foreign keys; the facts about them are written first.
func (s *Store) DeleteClient(ctx context.Context, tenant tenancy.ID, id client.ID) error {
	return s.write(ctx, tenant, func(u *unit) error {
		connections, err := u.TouchConnectionsOf(ctx, sqlcgen.TouchConnectionsOfParams{TenantID: string(tenant), ClientID: string(id)})
		if err != nil {
			return err
		}
		granted, err := u.ClientHasGrants(ctx, sqlcgen.ClientHasGrantsParams{TenantID: string(tenant), ClientID: string(id)})
		if err != nil {
			return err
		}
		n, err := u.DeleteClient(ctx, sqlcgen.DeleteClientParams{TenantID: string(tenant), ID: string(id)})
		if err != nil {
			return err
		}
		if n == 0 {
			return client.ErrNoClient
		}
		if err := u.fact(ctx, logapi.ClientDeleted, kindClient, string(id)); err != nil {
			return err
		}
		for _, con := range connections {
			if err := u.fact(ctx, logapi.ConnectionUpdated, kindConnection, connectionObject(con.ID, con.Name)); err != nil {
				return err
			}
		}
		if granted { // caches know a client's grants by the client
			return u.fact(ctx, logapi.GrantDeleted, kindGrant, string(id))
		}
		return nil
	})
}

// ListMobileClients implements client.Store.
func (s *Store) ListMobileClients(ctx context.Context, tenant tenancy.ID, limit int) ([]client.Client, error) {
	var rows []sqlcgen.Client
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		rows, err = q.ListMobileClients(ctx, sqlcgen.ListMobileClientsParams{TenantID: string(tenant), MaxRows: int32(limit)}) //nolint:gosec // the caller's bound
		return err
	})
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	var out []client.Client
	for _, row := range rows {
		c, err := s.toClient(ctx, tenant, row, false)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
