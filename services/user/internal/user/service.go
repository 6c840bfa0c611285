package user

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// What stores and verbs answer, in the wire's words.
var (
	ErrNotFound = fault.New(fault.KindNotFound, "inexistent_user", "The user does not exist.")
	ErrExists   = fault.Conflict("auth0_idp_error", "The user already exists.")
)

// The strategies whose users are made here rather than by a first login.
const (
	StrategyDatabase = "auth0"
	StrategyEmail    = "email"
	StrategySMS      = "sms"
)

// Deps of a Service.
type Deps struct {
	Store       Store
	Connections Connections
	Hasher      Hasher
	Log         *slog.Logger
	Now         clock.Now
}

// Service holds the verbs. Safe for concurrent use.
type Service struct{ Deps }

// NewService makes a Service.
func NewService(deps Deps) *Service { return &Service{deps} }

// NewUser is what a user is made of.
type NewUser struct {
	User // ID, times and identities are filled in here

	Connection string
	Password   string
	OwnID      string // the identity's id; empty: a fresh one
}

// Create makes a user of a database or passwordless connection. Faults: Invalid for bad input, NotFound for an unknown connection,
// Conflict (ErrExists) when someone has the id, e-mail address, username or phone number already.
func (s *Service) Create(ctx context.Context, tenant tenancy.ID, n NewUser) (User, error) {
	connection, err := s.Connections.Find(ctx, tenant, n.Connection)
	if err != nil {
		return User{}, noConnection(err)
	}
	u := n.User
	if err := checkNew(connection, &u, n); err != nil {
		return User{}, err
	}
	own := n.OwnID
	if own == "" {
		own = NewIdentityID()
	}
	now := s.now()
	u.ID = ID(connection.Strategy + "|" + own)
	u.Identities = []Identity{{Connection: connection.Name, Provider: connection.Strategy, ID: own}}
	u.CreatedAt, u.UpdatedAt = now, now
	u.Defaults()
	var credential *Credential
	if connection.Strategy == StrategyDatabase {
		c, err := s.Hasher.Hash(ctx, tenant, n.Password)
		if err != nil {
			return User{}, err
		}
		credential = &c
	}
	if err := s.Store.Create(ctx, tenant, u, credential); err != nil {
		return User{}, err
	}
	return u, nil
}

// noConnection gives a connection that is not there its sentence.
func noConnection(err error) error {
	if fault.Is(err, fault.KindNotFound) {
		return fault.New(fault.KindNotFound, "inexistent_connection", "The connection does not exist.")
	}
	return err
}

func checkNew(connection Connection, u *User, n NewUser) error {
	var err error
	if u.Email != "" {
		if u.Email, err = CheckEmail(u.Email); err != nil {
			return err
		}
	}
	if u.PhoneNumber != "" {
		if err := CheckPhone(u.PhoneNumber); err != nil {
			return err
		}
	}
	if n.OwnID != "" && !identityForm.MatchString(n.OwnID) {
		return refused("Object didn't pass validation for format user-id: "+printable(n.OwnID), "user_id")
	}
	switch connection.Strategy {
	case StrategyDatabase:
		switch {
		case u.Username != "" && !connection.Username:
			return fault.Invalid("invalid_body", "Cannot set username for connection without requires_username")
		case u.Username == "" && connection.Username:
			return missing("username")
		case u.Email == "":
			return missing("email")
		case n.Password == "":
			return missing("password")
		}
		if u.Username != "" {
			if u.Username, err = CheckUsername(u.Username); err != nil {
				return err
			}
			if err := connection.checkUsername(u.Username); err != nil {
				return err
			}
		}
		return connection.Password.Check(n.Password, *u)
	case StrategyEmail:
		if u.Email == "" {
			return missing("email")
		}
	case StrategySMS:
		if u.PhoneNumber == "" {
			return missing("phone_number")
		}
	default:
		return fault.Invalid("invalid_body", "Connection does not support user creation through the API. It must either be a database or passwordless connection.")
	}
	if n.Password != "" || u.Username != "" {
		return fault.Invalid("invalid_body", "Users of a passwordless connection have neither password nor username.")
	}
	return nil
}

// Find gives one user, or ErrNotFound.
func (s *Service) Find(ctx context.Context, tenant tenancy.ID, id ID) (User, error) {
	return s.Store.Find(ctx, tenant, id)
}

// ListByEmail gives the users with exactly that e-mail address. Addresses are stored in lower case.
func (s *Service) ListByEmail(ctx context.Context, tenant tenancy.ID, email string) ([]User, error) {
	return s.Store.ListByEmail(ctx, tenant, NormalEmail(email))
}

// Search gives a page of what matches.
func (s *Service) Search(ctx context.Context, tenant tenancy.ID, q Query) ([]User, int, error) {
	return s.Store.Search(ctx, tenant, q)
}

// Update changes a user. Faults: Invalid for bad input, ErrNotFound, ErrExists.
func (s *Service) Update(ctx context.Context, tenant tenancy.ID, id ID, change Change) (User, error) {
	if err := change.check(); err != nil {
		return User{}, err
	}
	if change.Password == nil && change.Username == nil {
		return s.Store.Update(ctx, tenant, id, change, nil, s.now())
	}
	u, err := s.Store.Find(ctx, tenant, id)
	if err != nil {
		return User{}, err
	}
	primary := u.Primary()
	if primary.Provider != StrategyDatabase {
		return User{}, fault.Invalid("operation_not_supported", "The user's main connection does not support this operation")
	}
	connection, err := s.Connections.Find(ctx, tenant, primary.Connection)
	if err != nil {
		return User{}, err
	}
	if change.Username != nil && !connection.Username {
		return User{}, fault.Invalid("invalid_body", "Cannot set username for connection without requires_username")
	}
	if change.Username != nil {
		if err := connection.checkUsername(*change.Username); err != nil {
			return User{}, err
		}
	}
	var credential *Credential
	if change.Password != nil {
		after, rules := u, connection.Password
		change.Apply(&after, s.now())
		if err := rules.Check(*change.Password, after); err != nil {
			return User{}, err
		}
		if err := s.checkHistory(ctx, tenant, primary, rules.History, *change.Password); err != nil {
			return User{}, err
		}
		change.KeepPasswords = max(rules.History-1, 0)
		c, err := s.Hasher.Hash(ctx, tenant, *change.Password)
		if err != nil {
			return User{}, err
		}
		credential = &c
	}
	return s.Store.Update(ctx, tenant, id, change, credential, s.now())
}

// Delete removes a user; a repeat is fine.
func (s *Service) Delete(ctx context.Context, tenant tenancy.ID, id ID) error {
	return s.Store.Delete(ctx, tenant, id, s.now())
}

// DeleteByEmail removes the user of a database connection, named by its id, who has that e-mail address; nobody is fine. Faults: NotFound
// for an unknown connection, Invalid for one of another strategy and for what is no address.
func (s *Service) DeleteByEmail(ctx context.Context, tenant tenancy.ID, connectionID, email string) error {
	connection, err := s.Connections.FindByID(ctx, tenant, connectionID)
	if err != nil {
		return noConnection(err)
	}
	if connection.Strategy != StrategyDatabase {
		return fault.Invalid("operation_not_supported", "Users can be deleted by e-mail from database connections only")
	}
	if email, err = CheckEmail(email); err != nil {
		return err
	}
	return s.Store.DeleteByEmail(ctx, tenant, connection.Name, email, s.now())
}

// Outcome is what a password check found out.
type Outcome int

// The outcomes; a blocked user is told from a wrong password only to who knows the password.
const (
	OutcomeOK Outcome = iota + 1
	OutcomeWrongPassword
	OutcomeUnknownUser
	OutcomeBlocked
)

// VerifyPassword checks a password login at a connection; identifier is an e-mail address or a username as typed. Whether the user
// exists cannot be told from the time it takes: until a password is right, known and unknown ones are asked for alike. The user comes
// back whole when the password was right, and by its id alone when it was wrong.
func (s *Service) VerifyPassword(ctx context.Context, tenant tenancy.ID, connection, identifier, password string) (Outcome, User, error) {
	if len(password) > maxPassword {
		password = "" // never a match, at the usual cost
	}
	began := s.now()
	id, identity, credential, err := s.Store.FindByIdentifier(ctx, tenant, connection, NormalEmail(identifier))
	known := err == nil
	if !known && !fault.Is(err, fault.KindNotFound) {
		return 0, User{}, err
	}
	ok, outdated, err := s.Hasher.Verify(ctx, tenant, credential, password)
	switch {
	case err != nil:
		return 0, User{}, err
	case !known:
		return OutcomeUnknownUser, User{}, nil
	case !ok:
		return OutcomeWrongPassword, User{ID: id}, nil
	}
	u, err := s.Store.Find(ctx, tenant, id)
	switch {
	case fault.Is(err, fault.KindNotFound): // deleted meanwhile
		return OutcomeUnknownUser, User{}, nil
	case err != nil:
		return 0, User{}, err
	case u.LoginsValidFrom.After(began): // changed meanwhile: what was right is no more
		return OutcomeWrongPassword, User{ID: id}, nil
	case u.Blocked:
		return OutcomeBlocked, u, nil
	}
	if outdated {
		s.rehash(ctx, tenant, identity, credential, password)
	}
	return OutcomeOK, u, nil
}

// rehash brings a hash to today's parameters. The login does not depend on it: a failure is logged and the next login tries again.
func (s *Service) rehash(ctx context.Context, tenant tenancy.ID, identity Identity, old Credential, password string) {
	fresh, err := s.Hasher.Hash(ctx, tenant, password)
	if err == nil {
		err = s.Store.ReplaceHash(ctx, tenant, identity, old, fresh)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.Log.WarnContext(ctx, "password not rehashed", slog.String("tenant_id", string(tenant)), slog.String("cause", err.Error()))
	}
}

// RecordLogin counts a login and gives how many there were with it; ErrNotFound.
func (s *Service) RecordLogin(ctx context.Context, tenant tenancy.ID, id ID, ip string) (int64, error) {
	return s.Store.RecordLogin(ctx, tenant, id, strings.TrimSpace(ip), s.now())
}

// RemoveTenant deletes all the tenant has; a repeat is fine.
func (s *Service) RemoveTenant(ctx context.Context, tenant tenancy.ID) error {
	return s.Store.RemoveTenant(ctx, tenant)
}

// now is the time in UTC as finely as the wire shows it, so that what is answered at once and what is read later are the same.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }
