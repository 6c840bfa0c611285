package token

import "time"

// User is the person's record, as far as tokens tell of it.
type User struct {
	ID            string // "auth0|…": the subject
	Email         string
	EmailVerified bool
	Username      string
	Phone         string
	PhoneVerified bool
	Name          string
	GivenName     string
	FamilyName    string
	Nickname      string
	Picture       string
	Blocked       bool
	CreatedAt     time.Time
	UpdatedAt     time.Time
	// LoginsValidFrom is when the user was made, or what they log in with last changed: logins from before it are over.
	LoginsValidFrom time.Time
	// PasswordChanged is when the password last did; zero: never since the user was made.
	PasswordChanged time.Time
	LoginsCount     int64
}

// Handle is the name people know the user by: e-mail, else username, else phone number.
func (u *User) Handle() string {
	switch {
	case u == nil:
		return ""
	case u.Email != "":
		return u.Email
	case u.Username != "":
		return u.Username
	}
	return u.Phone
}

// allScopes are those that open all claims there are.
var allScopes = Scope{"profile", "email", "phone"}

// add puts the claims of the given names that u has into c (OIDC Core §5.5).
func (u *User) add(c map[string]any, names []string) {
	if len(names) == 0 {
		return
	}
	all := u.claims(allScopes)
	for _, name := range names {
		if value, ok := all[name]; ok {
			c[name] = value
		}
	}
}

// claims gives what the scopes let a client know of the user (OIDC Core §5.4), the subject always. Absent values are left out.
func (u *User) claims(scope Scope) map[string]any {
	c := map[string]any{"sub": u.ID}
	put := func(name, value string) {
		if value != "" {
			c[name] = value
		}
	}
	if scope.Has("profile") {
		put("name", u.Name)
		put("given_name", u.GivenName)
		put("family_name", u.FamilyName)
		put("nickname", u.Nickname)
		put("picture", u.Picture)
		if !u.UpdatedAt.IsZero() {
			c["updated_at"] = u.UpdatedAt.UTC().Format("2006-01-02T15:04:05.000Z") // this wire's form, not OIDC's number
		}
	}
	if scope.Has("email") && u.Email != "" {
		c["email"] = u.Email
		c["email_verified"] = u.EmailVerified
	}
	if scope.Has("phone") && u.Phone != "" {
		c["phone_number"] = u.Phone
		c["phone_number_verified"] = u.PhoneVerified
	}
	return c
}
