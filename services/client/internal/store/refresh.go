package store

import (
	"context"
	"slices"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

// externalTaken is what the index of external_client_id guards.
var externalTaken = map[string]*fault.Error{"clients_external_once": client.ErrExternalTaken}

// RefreshClient implements client.Store.
func (s *Store) RefreshClient(ctx context.Context, tenant tenancy.ID, c client.Client) error {
	sealed, err := s.sealClient(ctx, tenant, c)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, c)
		if err := u.replaceClient(ctx, c, sealed); err != nil {
			return err
		}
		if err := u.replaceCredentials(ctx, c); err != nil {
			return err
		}
		return u.fact(ctx, logapi.ClientUpdated, kindClient, string(c.ID))
	})
}

// replaceCredentials leaves those that c has; one that stays is not written again.
func (u *unit) replaceCredentials(ctx context.Context, c client.Client) error {
	had, err := u.ListCredentials(ctx, sqlcgen.ListCredentialsParams{TenantID: string(u.tenant), ClientID: string(c.ID)})
	if err != nil {
		return err
	}
	for _, row := range had {
		if slices.ContainsFunc(c.Credentials, func(cred client.Credential) bool { return cred.ID == row.ID }) {
			continue
		}
		n, err := u.DeleteCredential(ctx, sqlcgen.DeleteCredentialParams{TenantID: string(u.tenant), ClientID: string(c.ID), ID: row.ID})
		if err := there(n, err); err != nil {
			return err
		}
	}
	for _, cred := range c.Credentials {
		if slices.ContainsFunc(had, func(row sqlcgen.Credential) bool { return row.ID == cred.ID }) {
			continue
		}
		if err := u.insertCredential(ctx, c.ID, cred); err != nil {
			return err
		}
	}
	return nil
}
