package client

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/postern-id/postern/libs/oauth"
)

// WithLoopback lets clients be told of logouts at this machine's own addresses. It is for where the way out reaches these: a URL that
// nothing can be posted to would fail at each logout, in silence to whoever set it.
func WithLoopback() Option { return func(s *Service) { s.loopback = true } }

const propBackchannelURLs = propLogout + ".backchannel_logout_urls"

// backchannelURLs are where the client is told of the ends of sessions (OIDC Back-Channel Logout §2.2).
func (c Client) backchannelURLs() []string {
	return c.Settings.Group(propLogout).Texts("backchannel_logout_urls")
}

// checkBackchannel refuses a URL on this machine that a client gets where it cannot be reached.
func (s *Service) checkBackchannel(was, is Client) error {
	if s.loopback {
		return nil
	}
	for i, at := range is.backchannelURLs() {
		u, err := url.Parse(at)
		if err == nil && oauth.OnThisMachine(u.Hostname()) && !slices.Contains(was.backchannelURLs(), at) {
			return refused(propBackchannelURLs+"["+strconv.Itoa(i)+"]", at, backRule, reasonHTTPS)
		}
	}
	return nil
}
