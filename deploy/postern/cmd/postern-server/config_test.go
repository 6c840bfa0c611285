package main // a program has no outside to import it from

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func good() Config {
	return Config{
		CACertFile: "ca.pem", CAKeyFile: "ca.key", DirectoryFile: "directory.json", EdgeKeyDir: "edge", PostgresAddr: "127.0.0.1:5432", PostgresSecretsDir: "pg",
		VaultAddr: "http://127.0.0.1:8200", VaultSecretsDir: "vault", NATSURL: "nats://127.0.0.1:4222", NATSSecretsDir: "nats", TemporalAddr: "127.0.0.1:7233",
	}
}

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	t.Run("fills_the_defaults_in", func(t *testing.T) {
		t.Parallel()
		c := good()
		require.NoError(t, c.Validate())
		require.Equal(t, []cellRef{{"us", "us"}, {"eu", "eu"}, {"au", "au"}}, c.cells)
		require.Equal(t, "postern.localhost", c.BaseDomain)
		require.Equal(t, ":8443", c.HTTPSAddr)
		require.InDelta(t, 2000, c.TenantRPS, 0)
		require.Equal(t, 4000, c.TenantBurst)
	})
	t.Run("names_all_that_is_missing_in_one_sentence", func(t *testing.T) {
		t.Parallel()
		err := (&Config{NATSURL: "nats://127.0.0.1"}).Validate()
		require.ErrorContains(t, err, "POSTERN_CA_CERT_FILE, POSTERN_CA_KEY_FILE, POSTERN_DIRECTORY_FILE")
		require.NotContains(t, err.Error(), "POSTERN_NATS_URL,")
		require.NotContains(t, err.Error(), "\n")
	})
	t.Run("a_negative_rate_is_no_limit", func(t *testing.T) {
		t.Parallel()
		c := good()
		c.TenantRPS = -1
		require.NoError(t, c.Validate())
		require.Zero(t, c.TenantRPS)
		require.Zero(t, c.TenantBurst)
	})
	t.Run("the_plain_listener_can_be_switched_off", func(t *testing.T) {
		t.Parallel()
		c := good()
		c.HTTPAddr = plainOff
		require.NoError(t, c.Validate())
		l, err := listenPlain(t.Context(), c.HTTPAddr)
		require.NoError(t, err)
		require.Nil(t, l)
		require.Zero(t, portOf(l))
	})
	for want, change := range map[string]func(*Config){
		"POSTERN_CELLS has":           func(c *Config) { c.Cells = "us" },
		"POSTERN_CELLS names cell":    func(c *Config) { c.Cells = "us:us,us:eu" },
		"POSTERN_CELLS names no":      func(c *Config) { c.Cells = " , " },
		"POSTERN_HTTPS_ADDR is not":   func(c *Config) { c.HTTPSAddr = "8443" },
		"POSTERN_LOG_LEVEL is":        func(c *Config) { c.LogLevel = "loud" },
		"POSTERN_PUBLIC_PORT is":      func(c *Config) { c.PublicPort = 70000 },
		"POSTERN_MAIL_UPSTREAM is":    func(c *Config) { c.MailUpstream = "localhost" },
		"not set: POSTERN_VAULT_ADDR": func(c *Config) { c.VaultAddr = "" },
	} {
		t.Run("names_the_variable_"+strings.Fields(want)[0]+"_"+strings.Fields(want)[1], func(t *testing.T) {
			t.Parallel()
			c := good()
			change(&c)
			require.ErrorContains(t, c.Validate(), want)
		})
	}
}

// What docs/seams.md says of names inside a cell.
func TestConfig_Names(t *testing.T) {
	t.Parallel()
	c := good()
	require.NoError(t, c.Validate())
	pg := c.postgres("eu", "token")
	require.Equal(t, "postern_eu", pg.Database)
	require.Equal(t, "eu_token", pg.User)
	require.Equal(t, "eu_token_owner", pg.OwnerUser)
	require.Equal(t, "token", pg.Schema)
	require.Equal(t, "pg/eu_token", pg.PasswordFile)
	require.Equal(t, "control_owner", c.postgresControl().OwnerUser)
	require.Equal(t, "eu/transit", c.vault("eu", "token").Mount)
	require.Equal(t, "vault/eu-token.role_id", c.vault("eu", "token").RoleIDFile)
	require.Equal(t, "nats/control", c.nats("control", "router").PasswordFile)
}
