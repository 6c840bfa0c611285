package store

import (
	"context"
	"time"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

func toCredential(row sqlcgen.Credential) client.Credential {
	c := client.Credential{
		ID: row.ID, Name: row.Name, Type: row.Type, KeyID: row.Kid, Alg: row.Alg, PublicKey: row.PublicKey, SubjectDN: row.SubjectDn,
		Thumbprint: row.Thumbprint, Created: row.CreatedAt.UTC(), Updated: row.UpdatedAt.UTC(),
	}
	if row.ExpiresAt != nil {
		c.Expires = row.ExpiresAt.UTC()
	}
	return c
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (u *unit) insertCredential(ctx context.Context, id client.ID, c client.Credential) error {
	return u.InsertCredential(ctx, sqlcgen.InsertCredentialParams{
		TenantID: string(u.tenant), ID: c.ID, ClientID: string(id), Name: c.Name, Type: c.Type, Kid: c.KeyID, Alg: c.Alg, PublicKey: c.PublicKey,
		SubjectDn: c.SubjectDN, Thumbprint: c.Thumbprint, ExpiresAt: nullTime(c.Expires), CreatedAt: c.Created, UpdatedAt: c.Updated,
	})
}

// changeCredential is one write to the credentials of the client at its version.
func (s *Store) changeCredential(ctx context.Context, tenant tenancy.ID, c client.Client, stored any, change func(*unit) error) error {
	return s.write(ctx, tenant, func(u *unit) error {
		if stored != nil {
			u.leaves(ctx, stored)
		}
		n, err := u.TouchClient(ctx, sqlcgen.TouchClientParams{TenantID: string(tenant), ID: string(c.ID), Version: c.Version})
		err = changed(n, err, func() (bool, error) {
			return u.ClientExists(ctx, sqlcgen.ClientExistsParams{TenantID: string(tenant), ID: string(c.ID)})
		}, client.ErrNoClient)
		if err != nil {
			return err
		}
		if err := change(u); err != nil {
			return err
		}
		return u.fact(ctx, logapi.ClientUpdated, kindClient, string(c.ID))
	})
}

// AddCredential implements client.Store.
func (s *Store) AddCredential(ctx context.Context, tenant tenancy.ID, c client.Client, cred client.Credential) error {
	return s.changeCredential(ctx, tenant, c, cred, func(u *unit) error { return u.insertCredential(ctx, c.ID, cred) })
}

// UpdateCredential implements client.Store.
func (s *Store) UpdateCredential(ctx context.Context, tenant tenancy.ID, c client.Client, cred client.Credential) error {
	return s.changeCredential(ctx, tenant, c, cred, func(u *unit) error {
		n, err := u.UpdateCredential(ctx, sqlcgen.UpdateCredentialParams{
			TenantID: string(tenant), ClientID: string(c.ID), ID: cred.ID, ExpiresAt: nullTime(cred.Expires), UpdatedAt: cred.Updated,
		})
		return there(n, err)
	})
}

// DeleteCredential implements client.Store.
func (s *Store) DeleteCredential(ctx context.Context, tenant tenancy.ID, c client.Client, id string) error {
	return s.changeCredential(ctx, tenant, c, nil, func(u *unit) error {
		n, err := u.DeleteCredential(ctx, sqlcgen.DeleteCredentialParams{TenantID: string(tenant), ClientID: string(c.ID), ID: id})
		return there(n, err)
	})
}

func there(rows int64, err error) error {
	if err == nil && rows == 0 {
		return client.ErrNoCredential
	}
	return err
}
