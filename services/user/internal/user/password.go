package user

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
)

// Policy is how strong the passwords of a connection must be, by the wire's names; the empty one is PolicyGood.
type Policy string

// The policies, each including the length of the one before.
const (
	PolicyNone      Policy = "none"      // not empty
	PolicyLow       Policy = "low"       // 6 characters
	PolicyFair      Policy = "fair"      // 8, with lower case, upper case and a digit
	PolicyGood      Policy = "good"      // 8, with three of lower case, upper case, digits and others
	PolicyExcellent Policy = "excellent" // 10, as good, and no character more than twice in a row
)

// maxPassword bounds a password in bytes, so that none is a way to keep a core busy.
const maxPassword = 4 << 10

var errWeak = fault.Invalid(codePassword, "PasswordStrengthError: Password is too weak")

// Check refuses a password that the policy does not allow. minLength, when positive, replaces the policy's own length.
func (p Policy) Check(password string, minLength int) error {
	length := map[Policy]int{PolicyNone: 1, PolicyLow: 6, PolicyFair: 8, PolicyGood: 8, PolicyExcellent: 10}[p]
	if length == 0 { // the empty policy, and one this release does not know
		p, length = PolicyGood, 8
	}
	if minLength > 0 {
		length = minLength
	}
	var lower, upper, digit, other, longest int
	run, before := 0, rune(-1)
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
		if run++; r != before {
			run = 1
		}
		before, longest = r, max(longest, run)
	}
	kinds := lower + upper + digit + other
	switch {
	case len(password) > maxPassword || !utf8.ValidString(password):
		return fault.Invalid(codePassword, fmt.Sprintf("A password holds at most %d bytes of text", maxPassword))
	case utf8.RuneCountInString(password) < length,
		p == PolicyFair && lower+upper+digit < 3,
		(p == PolicyGood || p == PolicyExcellent) && kinds < 3,
		p == PolicyExcellent && longest > 2:
		return errWeak
	}
	return nil
}
