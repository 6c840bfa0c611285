package user

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"

	"github.com/postern-id/postern/libs/fault"
)

// refused is how the wire words a property that its schema refuses.
func refused(what, property string) *fault.Error {
	return fault.Invalid("invalid_body", fmt.Sprintf("Payload validation error: '%s' on property %s.", what, property))
}

// missing is how the wire words a property that is not there.
func missing(property string) *fault.Error {
	return refused("Missing required property: "+property, property)
}

// CheckEmail gives the normal form of an address, or refuses it: a bare addr-spec (RFC 5322 §3.4.1) of at most 254 bytes, without a
// display name, a comment or a quoted local part, each of which would give one mailbox many spellings.
func CheckEmail(email string) (string, error) {
	normal := NormalEmail(email)
	addr, err := mail.ParseAddress(normal)
	if err != nil || addr.Address != normal || addr.Name != "" || len(normal) > 254 || strings.ContainsAny(normal, "\"<>() \t\r\n\x00") {
		return "", refused("Object didn't pass validation for format email: "+printable(email), "email")
	}
	return normal, nil
}

// usernameForm is held against what was sent: letters of other scripts have some of these as their lower case.
var usernameForm = regexp.MustCompile(`^[A-Za-z0-9_+\-.!#$^~]{1,128}$`)

// CheckUsername gives the normal form of a username, or refuses it. An address is no username: it would shadow another's e-mail.
func CheckUsername(username string) (string, error) {
	if !usernameForm.MatchString(username) {
		return "", refused("String does not match pattern: "+printable(username), "username")
	}
	return strings.ToLower(username), nil
}

// checkUsername holds a username in normal form to the connection's bounds.
func (c Connection) checkUsername(username string) error {
	switch n := len(username); { // CheckUsername leaves ASCII alone
	case c.UsernameMin > 0 && n < c.UsernameMin:
		return refused(fmt.Sprintf("String is too short (%d chars), minimum %d", n, c.UsernameMin), "username")
	case c.UsernameMax > 0 && n > c.UsernameMax:
		return refused(fmt.Sprintf("String is too long (%d chars), maximum %d", n, c.UsernameMax), "username")
	}
	return nil
}

var phoneForm = regexp.MustCompile(`^\+[0-9]{1,15}$`)

// CheckPhone refuses what is no number in E.164 form.
func CheckPhone(phone string) error {
	if !phoneForm.MatchString(phone) {
		return refused("String does not match pattern ^\\+[0-9]{1,15}$: "+printable(phone), "phone_number")
	}
	return nil
}

var identityForm = regexp.MustCompile(`^[A-Za-z0-9_.@+\-|]{1,200}$`)

func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, s)
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "")
	}
	return s
}
