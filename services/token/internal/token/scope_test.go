package token_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

// A request may be a megabyte, and its scope is read before anybody has proved who they are.
func TestParseScope_of_a_whole_request_takes_no_time(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, "%x ", i)
	}
	read := make(chan token.Scope, 1)
	go func() { read <- token.ParseScope(b.String()) }()
	select {
	case s := <-read:
		require.Equal(t, strings.TrimSpace(b.String()), s.String())
	case <-time.After(10 * time.Second): // word by word against all before, it would be minutes
		t.Fatal("still reading")
	}
}

// FuzzParseScope looks for a scope that is read as something else than its words: a word that stands there twice, one that nobody
// sent, or one that changes when it is stored and read again (RFC 6749 §3.3).
func FuzzParseScope(f *testing.F) {
	for _, seed := range []string{
		"", " ", "openid", "openid openid", " openid  profile\t", "read:x\nwrite:x", "a\u00a0b", "a\u2028b", "\xff \xff", "a\x00 a", strings.Repeat("a ", 40),
		"a b c d e f g h i j k l m n o p q r s t u v w x y z a b c", "\u0085", "openid\u3000admin",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, param string) {
		s := token.ParseScope(param)
		seen, sent := map[string]bool{}, map[string]bool{}
		for word := range strings.FieldsSeq(param) {
			sent[word] = true
		}
		for _, word := range s {
			if seen[word] || !sent[word] || strings.ContainsAny(word, " \t\r\n") {
				t.Fatalf("%q has the word %q", param, word)
			}
			seen[word] = true
		}
		if len(seen) != len(sent) {
			t.Fatalf("of %q only %q was read", param, s)
		}
		if again := token.ParseScope(s.String()); again.String() != s.String() {
			t.Fatalf("%q is %q when it is read again", s, again)
		}
	})
}
