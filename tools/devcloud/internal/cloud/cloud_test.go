//go:build integration

package cloud_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/smtp"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCloud boots one dev cloud, looks at all of it, kills it and boots it again: minutes of engines are shared by all that is asked.
// Its parts run in order, since the later ones take things away.
func TestCloud(t *testing.T) { //nolint:paralleltest // as above
	env := settings(t, filepath.Join(t.TempDir(), "data"))
	d := start(t, env)
	t.Logf("first boot: %.2f s", d.boot.Seconds())

	t.Run("postgres", func(t *testing.T) { testPostgres(t, d) })
	t.Run("vault", func(t *testing.T) { testVault(t, d) })
	t.Run("nats", func(t *testing.T) { testNATS(t, d) })
	t.Run("temporal", func(t *testing.T) { testTemporal(t, d) })

	t.Run("dev_json_and_secrets_are_for_their_owner_only", func(t *testing.T) {
		for _, root := range []string{"dev.json", "secrets", "ca", "temporal"} {
			require.NoError(t, filepath.WalkDir(filepath.Join(d.file.Data, root), func(path string, e fs.DirEntry, err error) error {
				require.NoError(t, err)
				info, err := e.Info()
				require.NoError(t, err)
				if !e.IsDir() {
					require.Zero(t, info.Mode().Perm()&0o077, path)
				}
				return nil
			}))
		}
	})

	t.Run("the_first_owner_is_signed_up", func(t *testing.T) {
		require.Equal(t, "demo", d.file.Owner.Account)
		require.Equal(t, "owner@postern.localhost", d.file.Owner.Email)
		require.Equal(t, "secret", d.file.Owner.Token)
		require.JSONEq(t, `{"id":"tnt_1","name":"demo","region":"us","issuer":"https://demo.us.example.test/"}`, string(d.file.Owner.Tenant))
		require.Equal(t, []string{"https://demo.us.example.test"}, d.file.URLs.Tenants)
	})

	t.Run("a_mail_is_kept_and_shown", func(t *testing.T) {
		require.NoError(t, smtp.SendMail(d.file.Engines.SMTP.Addr, nil, "a@acme.test", []string{"ada@example.com"}, []byte("Subject: Hi\r\n\r\nHello\r\n")))
		require.Equal(t, http.StatusOK, get(t, d.file.Engines.SMTP.Messages+"/000000001"))
	})

	t.Run("a_second_dev_cloud_on_the_folder_is_refused_in_one_sentence", func(t *testing.T) {
		other := settings(t, d.file.Data)
		second := launch(t, other)
		<-second.done
		require.Regexp(t, `^devcloud: another dev cloud \(pid \d+\) runs on .*; stop it, or set POSTERN_DATA to another folder\n$`, second.out.String())
	})

	t.Run("a_port_in_use_is_refused_in_one_sentence", func(t *testing.T) {
		other := settings(t, filepath.Join(t.TempDir(), "data"))
		other["POSTERN_HTTP_ADDR"] = env["POSTERN_HTTP_ADDR"]
		second := launch(t, other)
		<-second.done
		require.Regexp(t, `^devcloud: port \d+ is in use by .* \(pid \d+\); stop it or set POSTERN_HTTP_ADDR=\S+\n$`, second.out.String())
	})

	t.Run("engines_are_taken_away_and_given_back", func(t *testing.T) {
		health := d.file.Engines.Vault.Addr + "/v1/sys/health"
		require.Equal(t, http.StatusNoContent, d.admin(t, "/vault/seal"))
		require.Equal(t, http.StatusServiceUnavailable, get(t, health))
		require.Equal(t, http.StatusNoContent, d.admin(t, "/vault/unseal"))
		require.Equal(t, http.StatusOK, get(t, health))
		for _, engine := range []string{"nats", "temporal", "postgres", "vault", "mail"} {
			require.Equal(t, http.StatusNoContent, d.admin(t, "/"+engine+"/restart"), engine)
		}
		require.NoError(t, os.WriteFile(d.file.Engines.Admin.TokenFile, []byte("another"), 0o600))
		require.Equal(t, http.StatusUnauthorized, d.admin(t, "/vault/seal"))
	})

	t.Run("a_killed_platform_comes_back", func(t *testing.T) {
		require.NoError(t, syscall.Kill(d.file.PIDs["postern"], syscall.SIGKILL))
		require.Eventually(t, func() bool {
			content, err := os.ReadFile(filepath.Join(d.file.Data, "dev.json"))
			require.NoError(t, err)
			before := d.file.PIDs["postern"]
			require.NoError(t, json.Unmarshal(content, &d.file))
			return d.file.PIDs["postern"] != before
		}, 10*time.Second, 10*time.Millisecond)
	})

	// SIGKILL gives nothing a chance to tidy up.
	d.end(t, syscall.SIGKILL)
	d = start(t, env)
	t.Logf("second boot, after SIGKILL: %.2f s", d.boot.Seconds())
	t.Run("after_sigkill_everything_is_there", func(t *testing.T) {
		keptPostgres(t, d)
		keptVault(t, d)
		keptNATS(t, d)
		keptTemporal(t, d)
		require.Equal(t, "tnt_1", tenantID(t, d))
		require.Equal(t, http.StatusOK, get(t, d.file.Engines.SMTP.Messages+"/000000001"))
	})

	began := time.Now()
	d.end(t, os.Interrupt)
	require.Zero(t, d.cmd.ProcessState.ExitCode(), "Ctrl-C is no failure")
	t.Logf("stop: %.2f s", time.Since(began).Seconds())
	d = start(t, env)
	t.Logf("third boot, after Ctrl-C: %.2f s", d.boot.Seconds())
	keptTemporal(t, d)
}

func TestCloud_Hopeless(t *testing.T) {
	t.Parallel()
	env := settings(t, filepath.Join(t.TempDir(), "data"))

	t.Run("a_platform_that_never_gets_ready_ends_the_dev_cloud_with_its_last_words", func(t *testing.T) {
		t.Parallel()
		broken := filepath.Join(t.TempDir(), "postern-server")
		script := "#!/bin/sh\necho '{\"level\":\"ERROR\",\"msg\":\"the migration is broken\"}'\nexit 3\n"
		require.NoError(t, os.WriteFile(broken, []byte(script), 0o700)) //nolint:gosec // a program
		env["POSTERN_BIN"] = broken
		d := launch(t, env)
		<-d.done
		require.Equal(t, 1, d.cmd.ProcessState.ExitCode())
		require.Regexp(t, `(?m)^devcloud: the platform ends again and again before it is ready \(last: the migration is broken\); see .*postern\.log$`, d.out.String())
	})

	t.Run("a_platform_that_is_not_built_is_said_in_one_sentence", func(t *testing.T) {
		t.Parallel()
		other := settings(t, filepath.Join(t.TempDir(), "data"))
		other["POSTERN_BIN"] = "/nowhere/postern-server"
		d := launch(t, other)
		<-d.done
		require.Equal(t, "devcloud: the platform's binary /nowhere/postern-server is not there; build it first (make run does) or set POSTERN_BIN\n", d.out.String())
	})
}

func tenantID(t *testing.T, d *devcloud) string {
	t.Helper()
	var tenant struct{ ID string }
	require.NoError(t, json.Unmarshal(d.file.Owner.Tenant, &tenant))
	return tenant.ID
}
