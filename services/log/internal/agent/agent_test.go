package agent_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postern-id/postern/services/log/internal/agent"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]struct {
		normal string
		mobile bool
	}{
		"": {"", false},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36":                   {"Chrome 120.0.0 / Mac OS X 10.15.7", false},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0":                                                        {"Firefox 121.0.0 / Windows 10.0.0", false},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1": {"Mobile Safari 17.2.0 / iOS 17.2.0", true},
		"Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.144 Mobile Safari/537.36":              {"Chrome Mobile 120.0.6099 / Android 13.0.0", true},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.6099.28 Safari/537.36":                       {"HeadlessChrome 120.0.6099 / Linux 0.0.0", false},
		"curl/8.5.0":                                {"curl 8.5.0 / Other 0.0.0", false},
		"Go-http-client/2.0":                        {"Go-http-client 2.0.0 / Other 0.0.0", false},
		"auth0.js/9.1 (something)":                  {"auth0.js 9.1.0 / Other 0.0.0", false},
		"\x00\xff<script>alert(1)</script>":         {"Other 0.0.0 / Other 0.0.0", false},
		strings.Repeat("(", 100_000) + "Chrome/1.0": {"Other 0.0.0 / Other 0.0.0", false},
	} {
		normal, mobile := agent.Normalize(header)
		assert.Equal(t, want.normal, normal, "%.80q", header)
		assert.Equal(t, want.mobile, mobile, "%.80q", header)
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64) Chrome/1.2.3")
	f.Fuzz(func(_ *testing.T, header string) { agent.Normalize(header) })
}
