package user

import (
	"time"

	"github.com/postern-id/postern/libs/fault"
)

// Change is what an update does to a user; nil leaves a property as it is, and a pointer to "" deletes it.
type Change struct {
	Email         *string
	EmailVerified *bool
	Username      *string
	PhoneNumber   *string
	PhoneVerified *bool
	Name          *string
	GivenName     *string
	FamilyName    *string
	Nickname      *string
	Picture       *string
	Blocked       *bool
	UserMetadata  *MetadataChange
	AppMetadata   *MetadataChange
	Password      *string
	// KeepPasswords is how many passwords before a new one stay known, so that they are not taken again; the others are forgotten.
	KeepPasswords int
}

// MetadataChange merges Merge into the metadata, or deletes all of them.
type MetadataChange struct {
	Clear bool
	Merge Metadata
}

// check refuses what cannot be changed together and what is malformed, and brings identifiers to their normal form.
func (c *Change) check() error {
	if c.Password != nil && c.Email != nil {
		return fault.Invalid("operation_not_supported", "Cannot update password and email simultaneously")
	}
	if c.Password != nil && c.Username != nil {
		return fault.Invalid("operation_not_supported", "Cannot update password and username simultaneously")
	}
	if c.Username != nil && c.Email != nil {
		return fault.Invalid("operation_not_supported", "Cannot update username and email simultaneously")
	}
	if c.Email != nil {
		email, err := CheckEmail(*c.Email)
		if err != nil {
			return err
		}
		c.Email = &email
	}
	if c.Username != nil {
		username, err := CheckUsername(*c.Username)
		if err != nil {
			return err
		}
		c.Username = &username
	}
	if c.PhoneNumber != nil && *c.PhoneNumber != "" {
		if err := CheckPhone(*c.PhoneNumber); err != nil {
			return err
		}
	}
	return nil
}

// Apply changes u as c says. A new e-mail address or phone number is unverified unless c says otherwise; a name, nickname or picture
// that was deleted falls back to its default.
func (c Change) Apply(u *User, now time.Time) {
	if c.Password != nil || differs(c.Email, u.Email) || differs(c.Username, u.Username) || differs(c.PhoneNumber, u.PhoneNumber) {
		u.LoginsValidFrom = now
	}
	if c.Email != nil && *c.Email != u.Email {
		if u.Name == u.Email {
			u.Name = ""
		}
		u.Email, u.EmailVerified = *c.Email, false
	}
	if c.PhoneNumber != nil && *c.PhoneNumber != u.PhoneNumber {
		u.PhoneNumber, u.PhoneVerified = *c.PhoneNumber, false
	}
	set(&u.EmailVerified, c.EmailVerified)
	set(&u.PhoneVerified, c.PhoneVerified)
	set(&u.Username, c.Username)
	set(&u.Name, c.Name)
	set(&u.GivenName, c.GivenName)
	set(&u.FamilyName, c.FamilyName)
	set(&u.Nickname, c.Nickname)
	set(&u.Picture, c.Picture)
	set(&u.Blocked, c.Blocked)
	u.UserMetadata = c.UserMetadata.apply(u.UserMetadata)
	u.AppMetadata = c.AppMetadata.apply(u.AppMetadata)
	if c.Password != nil {
		u.LastPasswordReset = now
	}
	u.UpdatedAt = now
	u.Defaults()
}

func (c *MetadataChange) apply(old Metadata) Metadata {
	switch {
	case c == nil:
		return old
	case c.Clear:
		return nil
	}
	return old.Merge(c.Merge)
}

func differs(value *string, old string) bool { return value != nil && *value != old }

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
