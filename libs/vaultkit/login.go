package vaultkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 15 * time.Second
	// shortestLease guards against a role whose tokens live so shortly that renewing would never rest.
	shortestLease = time.Second
)

// Run keeps the token alive until ctx ends: it renews at two thirds of each lease, logs in again when that fails, and pauses ever
// longer, with jitter, while Vault is away.
func (c *Client) Run(ctx context.Context) error {
	var lease time.Duration
	for pause := firstPause; ; {
		wait := jitter(pause)
		if lease > 0 {
			wait = jitter(lease * 2 / 3)
		}
		select {
		case <-ctx.Done():
			return nil
		case lease = <-c.leases: // somebody logged in; count from now
			pause = firstPause
			continue
		case <-time.After(wait):
		}
		renewed, err := c.renew(ctx, lease)
		if err == nil {
			lease, pause = renewed, firstPause
			continue
		}
		lease, pause = 0, min(2*pause, longestPause)
		if ctx.Err() == nil {
			c.log.WarnContext(ctx, "vault token not renewed", slog.String(telemetry.KeyCause, err.Error()))
		}
	}
}

// renew prolongs the token, or gets a new one where it cannot be prolonged to at least half of what it had.
func (c *Client) renew(ctx context.Context, before time.Duration) (time.Duration, error) {
	token := c.vault.Token()
	if token != "" {
		bounded, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
		secret, err := c.vault.Auth().Token().RenewSelfWithContext(bounded, 0)
		cancel()
		if err == nil && secret != nil && secret.Auth != nil && secret.Auth.Renewable {
			if lease := time.Duration(secret.Auth.LeaseDuration) * time.Second; lease >= max(before/2, shortestLease) {
				return lease, nil
			}
		}
	}
	if err := c.login(ctx, token); err != nil {
		return 0, err
	}
	select {
	case lease := <-c.leases:
		return lease, nil
	default: // Run has it from an earlier turn
		return before, nil
	}
}

// revive is asked after a 403 to a call with token. Nil means that there is a new token and the call may be tried again. A token
// that Vault still knows was refused for what it asked, which no login mends.
func (c *Client) revive(ctx context.Context, token string) error {
	if c.vault.Token() != token {
		return nil
	}
	_, err := c.vault.Logical().ReadWithContext(ctx, "auth/token/lookup-self")
	switch {
	case err == nil && c.vault.Token() == token:
		return errors.New("vault's policy does not allow this call")
	case err == nil:
		return nil
	case statusOf(err) != http.StatusForbidden:
		return err
	}
	c.log.InfoContext(ctx, "vault no longer knows our token, logging in again")
	return c.login(ctx, token)
}

// login gets a token by AppRole in place of old, unless somebody else just did. Callers that come together share one login, which
// the leaving of any of them does not disturb.
func (c *Client) login(ctx context.Context, old string) error {
	done := c.logins.DoChan("login", func() (any, error) {
		if now := c.vault.Token(); now != old && now != "" {
			return nil, nil
		}
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Timeout)
		defer cancel()
		return nil, translate(shared, c.loginNow(shared))
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case res := <-done:
		return res.Err
	}
}

func (c *Client) loginNow(ctx context.Context) error {
	role, err := readSecret(c.cfg.RoleIDFile)
	if err != nil {
		return err
	}
	secretID, err := readSecret(c.cfg.SecretIDFile)
	if err != nil {
		return err
	}
	secret, err := c.vault.Logical().WriteWithContext(ctx, "auth/approle/login", map[string]any{"role_id": role, "secret_id": secretID})
	if err != nil {
		return err
	}
	if secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "" {
		return errors.New("vault's login gave no token")
	}
	c.vault.SetToken(secret.Auth.ClientToken)
	lease := max(time.Duration(secret.Auth.LeaseDuration)*time.Second, shortestLease)
	if secret.Auth.LeaseDuration == 0 { // a token without end
		lease = 24 * time.Hour
	}
	select { // only the newest lease matters
	case <-c.leases:
	default:
	}
	select {
	case c.leases <- lease:
	default:
	}
	return nil
}

func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the operator's own configuration names the file
	if err != nil {
		return "", fault.Internal(fmt.Errorf("reading vault's credential: %w", err))
	}
	return strings.TrimSpace(string(b)), nil
}

// jitter spreads d over 90 to 110 per cent, so that services which started together do not come back together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64())) //nolint:gosec // spreading needs no secrecy
}
