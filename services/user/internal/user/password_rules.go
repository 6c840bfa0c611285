package user

import (
	"context"
	_ "embed" // the common passwords
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// PasswordRules are what a connection asks of the passwords of its users.
type PasswordRules struct {
	Policy Policy
	// MinLength replaces the policy's length when positive.
	MinLength int
	// Dictionary refuses common passwords, and Words besides, in any case.
	Dictionary bool
	Words      []string
	// NoPersonalInfo refuses passwords that hold what is known of their user.
	NoPersonalInfo bool
	// History is how many of a user's last passwords, the present one among them, may not be taken again. Zero: no old one is kept.
	History int
}

const codePassword = "invalid_password"

var (
	errCommon   = fault.Invalid(codePassword, "PasswordDictionaryError: Password is too common")
	errPersonal = fault.Invalid(codePassword, "PasswordNoUserInfoError: Password contains user information")
	errUsed     = fault.Invalid(codePassword, "PasswordHistoryError: Password has previously been used")
)

// Check refuses a password for u by all rules but the history, the policy first.
func (r PasswordRules) Check(password string, u User) error {
	if err := r.Policy.Check(password, r.MinLength); err != nil {
		return err
	}
	folded := strings.ToLower(password)
	if r.Dictionary && (common()[folded] || holds(r.Words, folded)) {
		return errCommon
	}
	if r.NoPersonalInfo && u.known(folded) {
		return errPersonal
	}
	return nil
}

//go:embed dictionary/passwords.txt
var commonText string

// common are the passwords that everybody tries first, in lower case.
var common = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for word := range strings.Lines(commonText) {
		all[strings.TrimSuffix(word, "\n")] = true
	}
	return all
})

func holds(words []string, folded string) bool {
	for _, word := range words {
		if strings.ToLower(word) == folded {
			return true
		}
	}
	return false
}

// minPersonal is the length in characters below which a part of a name is no personal information: an initial is in every password.
const minPersonal = 3

// known reports whether a password in lower case holds one of the user's names, a word of one, or the local part of the e-mail.
func (u User) known(folded string) bool {
	local, _, _ := strings.Cut(u.Email, "@")
	names := []string{u.Name, u.GivenName, u.FamilyName, u.Nickname, u.Username, local}
	if name, _, isEmail := strings.Cut(u.Name, "@"); isEmail {
		names[0] = name
	}
	for _, property := range []string{"name", "first", "last"} {
		if name, ok := u.UserMetadata[property].(string); ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if personal(name, folded) {
			return true
		}
		for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if personal(word, folded) {
				return true
			}
		}
	}
	return false
}

func personal(part, folded string) bool {
	return utf8.RuneCountInString(part) >= minPersonal && strings.Contains(folded, part)
}

// checkHistory refuses a password that is one of the identity's last ones. Each costs a hash, so it comes after all other checks.
func (s *Service) checkHistory(ctx context.Context, tenant tenancy.ID, i Identity, last int, password string) error {
	if last <= 0 {
		return nil
	}
	used, err := s.Store.ListPasswords(ctx, tenant, i, last)
	if err != nil {
		return err
	}
	for _, c := range used {
		same, _, err := s.Hasher.Verify(ctx, tenant, c, password)
		if err != nil {
			return err
		}
		if same {
			return errUsed
		}
	}
	return nil
}
