package user_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/user/internal/user"
)

// FuzzCheckEmail looks for an address with two normal forms, which would be two accounts of one mailbox, and for one that says more than
// an address in a header or on a page.
func FuzzCheckEmail(f *testing.F) {
	for _, seed := range []string{
		"ada@example.com", " ADA@Example.COM ", "Ada <ada@example.com>", `"a b"@example.com`, "ada@example.com (x)", "ada@[127.0.0.1]", "a@b", "a@b@c", "@", "", "İ@example.com", "ada@EXAMPLE。com", "ada@example.com\r\nBcc: eve@example.com",
		"ſ@example.com", "K@example.com", "é@example.com", "e\u0301@example.com", "\xff@example.com", "ada@exam\x00ple.com", "a..b@example.com", ".a@example.com", strings.Repeat("a", 250) + "@b.c", "=?utf-8?q?x?=@example.com", "a,b@example.com", "g:a@example.com;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, email string) {
		normal, err := user.CheckEmail(email)
		if err != nil {
			if !fault.Is(err, fault.KindInvalid) || strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Fatalf("%q is no refusal: %q", email, err)
			}
			return
		}
		if strings.ContainsAny(normal, "\"<>(),;: \t\r\n\x00") || len(normal) > 254 || !utf8.ValidString(normal) {
			t.Fatalf("%q is %q", email, normal)
		}
		if local, domain, _ := strings.Cut(normal, "@"); local == "" || domain == "" || strings.Contains(domain, "@") {
			t.Fatalf("%q is %q", email, normal)
		}
		for _, same := range []string{normal, " " + normal + "\n", user.NormalEmail(email)} {
			if again, err := user.CheckEmail(same); err != nil || again != normal {
				t.Fatalf("%q is %q, and %q is %q: %v", email, normal, same, again, err)
			}
		}
	})
}

// FuzzCheckUsername looks for a username with two normal forms, or one that is somebody's address.
func FuzzCheckUsername(f *testing.F) {
	for _, seed := range []string{"ada", "ADA", "ada@example.com", "", "ada\n", "K", "ſ", "a b", strings.Repeat("a", 129), "İ", "+1", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, username string) {
		normal, err := user.CheckUsername(username)
		if err != nil {
			return
		}
		if again, err := user.CheckUsername(normal); err != nil || again != normal || len(normal) > 128 || strings.ContainsAny(normal, "@ \n") {
			t.Fatalf("%q is %q, and that is %q: %v", username, normal, again, err)
		}
		if len(normal) != len(username) {
			t.Fatalf("%q is %q, which is somebody else's", username, normal)
		}
	})
}
