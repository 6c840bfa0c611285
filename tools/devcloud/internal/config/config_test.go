package config_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/config"
)

func environ(kv map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := kv[name]
		return v, ok
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()

	t.Run("an_empty_environment_is_valid", func(t *testing.T) {
		t.Parallel()
		cfg, err := config.Load(environ(nil))
		require.NoError(t, err)
		require.Equal(t, "postern.localhost", cfg.BaseDomain)
		require.Equal(t, []string{"us", "eu", "au"}, cfg.Regions)
		require.Equal(t, "us:us,eu:eu,au:au", cfg.Cells())
		require.Equal(t, "https://api.postern.localhost:8443", cfg.URL("api.postern.localhost"))
		require.True(t, cfg.FirstOwner)
	})

	t.Run("port_443_is_left_out_of_urls", func(t *testing.T) {
		t.Parallel()
		cfg, err := config.Load(environ(map[string]string{"POSTERN_HTTPS_ADDR": ":443", "POSTERN_BASE_DOMAIN": "Postern.Test"}))
		require.NoError(t, err)
		require.Equal(t, "https://api.postern.test", cfg.URL("api."+cfg.BaseDomain))
	})

	for name, wrong := range map[string]map[string]string{
		"a_base_domain_with_a_port":         {"POSTERN_BASE_DOMAIN": "postern.localhost:8443"},
		"a_base_domain_with_a_scheme":       {"POSTERN_BASE_DOMAIN": "https://postern.localhost"},
		"an_address_without_a_port":         {"POSTERN_HTTPS_ADDR": "8443"},
		"an_address_with_port_0":            {"POSTERN_HTTP_ADDR": ":0"},
		"a_region_that_breaks_sql":          {"POSTERN_REGIONS": `us,eu"; drop database x`},
		"a_region_named_like_control_plane": {"POSTERN_REGIONS": "us,control"},
		"a_region_twice":                    {"POSTERN_REGIONS": "us,us"},
		"no_region":                         {"POSTERN_REGIONS": ","},
		"a_port_that_is_none":               {"POSTERN_VAULT_PORT": "many"},
		"a_switch_that_is_neither":          {"POSTERN_FIRST_OWNER": "maybe"},
	} {
		t.Run(name+"_is_refused_naming_the_variable", func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(environ(wrong))
			for variable := range wrong {
				require.ErrorContains(t, err, variable)
			}
		})
	}
}

func TestConfig_CheckPublic(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the test
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	addr := taken.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)

	t.Run("a_port_in_use_is_named_with_its_holder_and_the_remedy", func(t *testing.T) {
		t.Parallel()
		cfg := config.Config{HTTPSAddr: addr}
		err := cfg.CheckPublic(t.Context(), 0)
		require.ErrorContains(t, err, "port "+port+" is in use by ")
		require.ErrorContains(t, err, "stop it or set POSTERN_HTTPS_ADDR=127.0.0.1:")
		require.NotContains(t, err.Error(), "POSTERN_HTTPS_ADDR="+addr)
	})
}

func TestPicker(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the test
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	_, text, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	busy, err := strconv.Atoi(text)
	require.NoError(t, err)

	t.Run("no_port_twice_and_none_that_outgoing_connections_use", func(t *testing.T) {
		t.Parallel()
		picker, seen := config.Picker{}, map[int]bool{}
		for _, name := range config.Engines {
			port, err := picker.Pick(t.Context(), name, "X")
			require.NoError(t, err)
			require.False(t, seen[port])
			require.Less(t, port, 32768)
			seen[port] = true
		}
	})

	t.Run("the_port_of_the_last_boot_is_kept_while_free", func(t *testing.T) {
		t.Parallel()
		first := config.Picker{}
		port, err := first.Pick(t.Context(), "vault", "X")
		require.NoError(t, err)
		next := config.Picker{Last: map[string]int{"vault": port, "nats": busy}}
		again, err := next.Pick(t.Context(), "vault", "X")
		require.NoError(t, err)
		require.Equal(t, port, again)
		other, err := next.Pick(t.Context(), "nats", "X")
		require.NoError(t, err)
		require.NotEqual(t, busy, other)
	})

	t.Run("a_port_asked_for_and_taken_is_refused_with_the_remedy", func(t *testing.T) {
		t.Parallel()
		picker := config.Picker{Asked: map[string]int{"vault": busy}}
		_, err := picker.Pick(t.Context(), "vault", "POSTERN_VAULT_PORT")
		require.ErrorContains(t, err, "asked for by POSTERN_VAULT_PORT")
	})
}
