package oauth_test

import (
	"testing"

	"github.com/postern-id/postern/libs/oauth"
)

func TestOnThisMachine(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost.": true, "app.localhost": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true, "0:0:0:0:0:0:0:1": true,
		"::ffff:127.0.0.1": true, "0.0.0.0": true, "::": true,
		"": false, "example.com": false, "localhost.example.com": false, "notlocalhost": false, "127.0.0.1.example.com": false, "128.0.0.1": false, "2001:db8::1": false,
	} {
		if got := oauth.OnThisMachine(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}
