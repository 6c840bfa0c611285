package store

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Create implements user.Store.
func (s *Store) Create(ctx context.Context, tenant tenancy.ID, u user.User, c *user.Credential) error {
	userMetadata, err := encodeMetadata(u.UserMetadata)
	if err != nil {
		return err
	}
	appMetadata, err := encodeMetadata(u.AppMetadata)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(tx pgx.Tx, q *sqlcgen.Queries) error {
		err := q.InsertUser(ctx, sqlcgen.InsertUserParams{
			TenantID: string(tenant), ID: string(u.ID), Email: null(u.Email), EmailVerified: u.EmailVerified, Username: null(u.Username),
			PhoneNumber: null(u.PhoneNumber), PhoneVerified: u.PhoneVerified, Name: u.Name, GivenName: u.GivenName, FamilyName: u.FamilyName,
			Nickname: u.Nickname, Picture: u.Picture, Blocked: u.Blocked, UserMetadata: userMetadata, AppMetadata: appMetadata,
			CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
		})
		if err != nil {
			return err
		}
		for n, i := range u.Identities {
			email, username, phone := identifiers(u, i)
			err := q.InsertIdentity(ctx, sqlcgen.InsertIdentityParams{
				TenantID: string(tenant), Provider: i.Provider, ID: i.ID, UserID: string(u.ID), Connection: i.Connection, IsSocial: i.IsSocial,
				IsPrimary: n == 0, Email: email, Username: username, PhoneNumber: phone, CreatedAt: u.CreatedAt,
			})
			if err != nil {
				return err
			}
		}
		if c != nil {
			if err := putCredential(ctx, q, tenant, u.Primary(), *c, u.CreatedAt); err != nil {
				return err
			}
		}
		return event(ctx, tx, tenant, logapi.UserCreated, u, u.CreatedAt)
	})
}

// identifiers are what is typed to log in by the identity: an address and a username at a database, an address or a number at a
// passwordless connection, nothing elsewhere.
func identifiers(u user.User, i user.Identity) (email, username, phone *string) {
	switch i.Provider {
	case user.StrategyDatabase:
		return null(u.Email), null(u.Username), nil
	case user.StrategyEmail:
		return null(u.Email), nil, nil
	case user.StrategySMS:
		return nil, nil, null(u.PhoneNumber)
	}
	return nil, nil, nil
}

// Find implements user.Store.
func (s *Store) Find(ctx context.Context, tenant tenancy.ID, id user.ID) (user.User, error) {
	var u user.User
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		rows, err := q.FindUser(ctx, sqlcgen.FindUserParams{TenantID: string(tenant), ID: string(id)})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return user.ErrNotFound
		}
		if u, err = toUser(rows[0].User); err != nil {
			return err
		}
		for _, row := range rows {
			u.Identities = append(u.Identities, toIdentity(row.Identity))
		}
		return nil
	})
	return u, err
}

// ListByEmail implements user.Store.
func (s *Store) ListByEmail(ctx context.Context, tenant tenancy.ID, email string) ([]user.User, error) {
	var users []user.User
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		rows, err := q.ListUsersByEmail(ctx, sqlcgen.ListUsersByEmailParams{TenantID: string(tenant), Email: email})
		if err != nil {
			return err
		}
		users, err = wholes(ctx, q, tenant, rows)
		return err
	})
	return users, err
}

// Update implements user.Store.
func (s *Store) Update(ctx context.Context, tenant tenancy.ID, id user.ID, change user.Change, c *user.Credential, now time.Time) (user.User, error) {
	var u user.User
	err := s.write(ctx, tenant, func(tx pgx.Tx, q *sqlcgen.Queries) error {
		row, err := q.LockUser(ctx, sqlcgen.LockUserParams{TenantID: string(tenant), ID: string(id)})
		if err != nil {
			return err
		}
		if u, err = whole(ctx, q, tenant, row); err != nil {
			return err
		}
		change.Apply(&u, now)
		if err := saveUser(ctx, q, tenant, u); err != nil {
			return err
		}
		primary := u.Primary()
		email, username, phone := identifiers(u, primary)
		err = q.UpdateIdentifiers(ctx, sqlcgen.UpdateIdentifiersParams{
			TenantID: string(tenant), Provider: primary.Provider, ID: primary.ID, Email: email, Username: username, PhoneNumber: phone,
		})
		if err != nil {
			return err
		}
		if c != nil {
			if err := replacePassword(ctx, q, tenant, primary, *c, change.KeepPasswords, now); err != nil {
				return err
			}
		}
		return event(ctx, tx, tenant, logapi.UserUpdated, u, now)
	})
	if err != nil {
		return user.User{}, err
	}
	return u, nil
}

func saveUser(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, u user.User) error {
	userMetadata, err := encodeMetadata(u.UserMetadata)
	if err != nil {
		return err
	}
	appMetadata, err := encodeMetadata(u.AppMetadata)
	if err != nil {
		return err
	}
	return q.UpdateUser(ctx, sqlcgen.UpdateUserParams{
		TenantID: string(tenant), ID: string(u.ID), Email: null(u.Email), EmailVerified: u.EmailVerified, Username: null(u.Username),
		PhoneNumber: null(u.PhoneNumber), PhoneVerified: u.PhoneVerified, Name: u.Name, GivenName: u.GivenName, FamilyName: u.FamilyName,
		Nickname: u.Nickname, Picture: u.Picture, Blocked: u.Blocked, UserMetadata: userMetadata, AppMetadata: appMetadata,
		UpdatedAt: u.UpdatedAt, LastPasswordReset: nullTime(u.LastPasswordReset), LoginsValidFrom: nullTime(u.LoginsValidFrom),
	})
}

// Delete implements user.Store.
func (s *Store) Delete(ctx context.Context, tenant tenancy.ID, id user.ID, now time.Time) error {
	return s.write(ctx, tenant, func(tx pgx.Tx, q *sqlcgen.Queries) error {
		n, err := q.DeleteUser(ctx, sqlcgen.DeleteUserParams{TenantID: string(tenant), ID: string(id)})
		if err != nil || n == 0 {
			return err
		}
		return event(ctx, tx, tenant, logapi.UserDeleted, user.User{ID: id}, now)
	})
}

// DeleteByEmail implements user.Store.
func (s *Store) DeleteByEmail(ctx context.Context, tenant tenancy.ID, connection, email string, now time.Time) error {
	return s.write(ctx, tenant, func(tx pgx.Tx, q *sqlcgen.Queries) error {
		ids, err := q.DeleteUserByEmail(ctx, sqlcgen.DeleteUserByEmailParams{
			TenantID: string(tenant), Provider: user.StrategyDatabase, Connection: connection, Email: email,
		})
		if err != nil {
			return err
		}
		for _, id := range ids { // an address is one identity's within the connection
			if err := event(ctx, tx, tenant, logapi.UserDeleted, user.User{ID: user.ID(id)}, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// RecordLogin implements user.Store. The token service publishes the login; nothing of it is published here.
func (s *Store) RecordLogin(ctx context.Context, tenant tenancy.ID, id user.ID, ip string, now time.Time) (count int64, err error) {
	err = pgkit.InTenantOnce(ctx, s.pool, tenant, func(tx pgx.Tx) error {
		count, err = sqlcgen.New(tx).CountLogin(ctx, sqlcgen.CountLoginParams{TenantID: string(tenant), ID: string(id), Ip: ip, Now: now})
		return err
	})
	return count, translate(err)
}

// RemoveTenant implements user.Store.
func (s *Store) RemoveTenant(ctx context.Context, tenant tenancy.ID) error {
	return s.write(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		if err := q.DeleteUsersOfTenant(ctx, string(tenant)); err != nil {
			return err
		}
		return q.DeleteOutboxOfTenant(ctx, string(tenant))
	})
}

// whole adds the identities to a row.
func whole(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, row sqlcgen.User) (user.User, error) {
	users, err := wholes(ctx, q, tenant, []sqlcgen.User{row})
	if err != nil {
		return user.User{}, err
	}
	return users[0], nil
}

func toIdentity(i sqlcgen.Identity) user.Identity {
	return user.Identity{Connection: i.Connection, Provider: i.Provider, ID: i.ID, IsSocial: i.IsSocial}
}

// wholes adds the identities to rows, asking once.
func wholes(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, rows []sqlcgen.User) ([]user.User, error) {
	users := make([]user.User, len(rows))
	ids := make([]string, len(rows))
	place := make(map[string]int, len(rows))
	for n, row := range rows {
		u, err := toUser(row)
		if err != nil {
			return nil, err
		}
		users[n], ids[n], place[row.ID] = u, row.ID, n
	}
	if len(rows) == 0 {
		return users, nil
	}
	identities, err := q.ListIdentities(ctx, sqlcgen.ListIdentitiesParams{TenantID: string(tenant), UserIds: ids})
	if err != nil {
		return nil, err
	}
	for _, i := range identities {
		u := &users[place[i.UserID]]
		u.Identities = append(u.Identities, toIdentity(i))
	}
	return users, nil
}

func toUser(row sqlcgen.User) (user.User, error) {
	userMetadata, err := decodeMetadata(row.UserMetadata)
	if err != nil {
		return user.User{}, err
	}
	appMetadata, err := decodeMetadata(row.AppMetadata)
	if err != nil {
		return user.User{}, err
	}
	return user.User{
		ID: user.ID(row.ID), Email: text(row.Email), EmailVerified: row.EmailVerified, Username: text(row.Username),
		PhoneNumber: text(row.PhoneNumber), PhoneVerified: row.PhoneVerified, Name: row.Name, GivenName: row.GivenName,
		FamilyName: row.FamilyName, Nickname: row.Nickname, Picture: row.Picture, Blocked: row.Blocked,
		UserMetadata: userMetadata, AppMetadata: appMetadata, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
		LastLogin: utc(row.LastLogin), LastIP: text(row.LastIp), LoginsCount: row.LoginsCount, LastPasswordReset: utc(row.LastPasswordReset), LoginsValidFrom: utc(row.LoginsValidFrom),
	}, nil
}

// isEmail tells how an identifier was meant: no username holds an "@".
func isEmail(identifier string) bool { return strings.Contains(identifier, "@") }
