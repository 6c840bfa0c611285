package tenant

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
)

// AccountID names an account: "acc_" and a ULID.
type AccountID string

// MemberID names a member: "mbr_" and a ULID.
type MemberID string

// Account is a company that signed up.
type Account struct {
	ID      AccountID
	Slug    Slug
	Created time.Time
}

// Role is what a member may do in an account.
type Role string

// RoleOwner may do everything; whoever signs up is one.
const RoleOwner Role = "owner"

// Member is a person of an account. One e-mail address may be a member of several accounts, each with its own password: were it
// unique, anybody could find out who is here, and keep a person out by signing up with their address.
type Member struct {
	ID           MemberID
	Account      AccountID
	Slug         Slug // the account's
	Email        string
	PasswordHash string // argon2id, in the PHC string format
	Role         Role
	Created      time.Time
}

const maxEmail = 254 // RFC 5321 §4.5.3.1.3, less the brackets

// ParseEmail checks an address and gives it in lower case.
func ParseEmail(s string) (string, error) {
	refused := fault.Invalid("invalid_email", "The e-mail address is not valid")
	if len(s) > maxEmail {
		return "", refused
	}
	addr, err := mail.ParseAddress(s)
	if err != nil || addr.Address != s || strings.ContainsAny(s, "\"<>()[],;: \t\r\n") {
		return "", refused // a display name, a quoted local part or an address literal: none of them is a person's address
	}
	return strings.ToLower(s), nil
}

// The length of a password. The lower bound is NIST SP 800-63B §5.1.1.2's; the upper one bounds the hashing.
const (
	passwordMin = 8
	passwordMax = 512
)

// checkPassword says what is wrong with a new password.
func checkPassword(password string) error {
	switch {
	case !utf8.ValidString(password) || len(password) > passwordMax:
		return fault.Invalid("invalid_password", "The password must be text of at most 512 bytes")
	case utf8.RuneCountInString(password) < passwordMin:
		return fault.Invalid("invalid_password", "The password must have at least 8 characters")
	}
	return nil
}
