//go:build integration

package cloud_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// login opens Vault as a service of a cell does.
func login(t *testing.T, d *devcloud, name string) *api.Logical {
	t.Helper()
	cfg := api.DefaultConfig()
	cfg.Address = d.file.Engines.Vault.Addr
	client, err := api.NewClient(cfg)
	require.NoError(t, err)
	read := func(kind string) string {
		content, err := os.ReadFile(filepath.Join(d.file.Engines.Vault.SecretsDir, name+"."+kind)) //nolint:gosec // the test's own dev cloud
		require.NoError(t, err)
		return string(content)
	}
	auth, err := client.Logical().WriteWithContext(t.Context(), "auth/approle/login", map[string]any{
		"role_id": read("role_id"), "secret_id": read("secret_id"),
	})
	require.NoError(t, err)
	require.True(t, auth.Auth.Renewable)
	require.Equal(t, 3600, auth.Auth.LeaseDuration)
	client.SetToken(auth.Auth.ClientToken)
	return client.Logical()
}

func requireForbidden(t *testing.T, err error, what string) {
	t.Helper()
	var res *api.ResponseError
	require.ErrorAs(t, err, &res, what)
	require.Equal(t, http.StatusForbidden, res.StatusCode, what)
}

type bag = map[string]any

const (
	signKey = "sign-tnt_1-rs256"
	input   = "aGVhZGVyLnBheWxvYWQ="
)

func testVault(t *testing.T, d *devcloud) {
	t.Helper()
	write := func(as *api.Logical, path string, data bag) error {
		_, err := as.WriteWithContext(t.Context(), path, data)
		return err
	}
	tenant, token := login(t, d, "us-tenant"), login(t, d, "us-token")

	t.Run("tenant_makes_and_rotates_keys_of_its_cell", func(t *testing.T) {
		require.NoError(t, write(tenant, "us/transit/keys/"+signKey, bag{"type": "rsa-2048"}))
		require.NoError(t, write(tenant, "us/transit/keys/"+signKey+"/rotate", nil))
		require.NoError(t, write(tenant, "us/transit/keys/wrap-tnt_1", bag{"type": "aes256-gcm96"}))
	})

	t.Run("tenant_makes_none_that_can_leave_and_signs_nothing", func(t *testing.T) {
		requireForbidden(t, write(tenant, "us/transit/keys/sign-tnt_2-rs256", bag{"type": "rsa-2048", "exportable": true}), "exportable")
		for _, truth := range []any{true, "true", "T", "t", "TRUE", 1, "1"} { // all of them are true to Vault
			requireForbidden(t, write(tenant, "us/transit/keys/"+signKey+"/config", bag{"exportable": truth}), "made exportable")
			requireForbidden(t, write(tenant, "us/transit/keys/"+signKey+"/config", bag{"Exportable": truth}), "made exportable")
			requireForbidden(t, write(tenant, "us/transit/keys/"+signKey+"/config", bag{"allow_plaintext_backup": truth}), "made a backup of")
		}
		requireForbidden(t, write(tenant, "us/transit/sign/"+signKey, bag{"input": input}), "sign")
		requireForbidden(t, write(tenant, "us/transit/decrypt/wrap-tnt_1", bag{"ciphertext": "vault:v1:x"}), "decrypt")
		requireForbidden(t, write(tenant, "us/transit/keys/other", nil), "a key of another name")
	})

	t.Run("tenant_undoes_what_it_made", func(t *testing.T) {
		require.NoError(t, write(tenant, "us/transit/keys/sign-tnt_3-rs256", bag{"type": "ecdsa-p256"}))
		require.NoError(t, write(tenant, "us/transit/keys/sign-tnt_3-rs256/config", bag{"deletion_allowed": true}))
		_, err := tenant.DeleteWithContext(t.Context(), "us/transit/keys/sign-tnt_3-rs256")
		require.NoError(t, err)
	})

	t.Run("token_signs_and_reads_public_keys", func(t *testing.T) {
		require.NoError(t, write(token, "us/transit/sign/"+signKey, bag{
			"signature_algorithm": "pkcs1v15", "batch_input": []bag{{"input": input}, {"input": input}},
		}))
		key, err := token.ReadWithContext(t.Context(), "us/transit/keys/"+signKey)
		require.NoError(t, err)
		require.Len(t, key.Data["keys"], 2)
	})

	t.Run("token_makes_the_version_that_comes_next_and_keys_that_are_missing", func(t *testing.T) {
		require.NoError(t, write(token, "us/transit/keys/sign-tnt_1-es256", bag{"type": "ecdsa-p256"}))
		require.NoError(t, write(token, "us/transit/keys/sign-tnt_1-es256/rotate", nil))
		key, err := token.ReadWithContext(t.Context(), "us/transit/keys/sign-tnt_1-es256")
		require.NoError(t, err)
		require.Len(t, key.Data["keys"], 2)
		require.Equal(t, false, key.Data["exportable"])
	})

	t.Run("token_takes_and_changes_no_key_and_makes_none_that_can_leave", func(t *testing.T) {
		requireForbidden(t, write(token, "us/transit/keys/sign-tnt_9-rs256", bag{"type": "rsa-2048", "exportable": true}), "exportable")
		requireForbidden(t, write(token, "us/transit/keys/wrap-tnt_9", bag{"type": "aes256-gcm96"}), "a wrapping key")
		requireForbidden(t, write(token, "us/transit/keys/wrap-tnt_1/rotate", nil), "rotate a wrapping key")
		for _, setting := range []string{"deletion_allowed", "exportable", "allow_plaintext_backup", "min_encryption_version", "min_decryption_version"} {
			requireForbidden(t, write(token, "us/transit/keys/"+signKey+"/config", bag{setting: 1}), "configure "+setting)
		}
		requireForbidden(t, write(token, "us/transit/keys/"+signKey+"/trim", bag{"min_available_version": 1}), "trim")
		for _, path := range []string{"export/signing-key/", "export/encryption-key/", "backup/"} {
			_, err := token.ReadWithContext(t.Context(), "us/transit/"+path+signKey)
			requireForbidden(t, err, path)
		}
		_, err := token.DeleteWithContext(t.Context(), "us/transit/keys/"+signKey)
		requireForbidden(t, err, "delete")
		requireForbidden(t, write(token, "us/transit/sign/wrap-tnt_1", bag{"input": input}), "sign with a wrapping key")
		_, err = token.ReadWithContext(t.Context(), "sys/policies/acl/us-token")
		requireForbidden(t, err, "its own policy")
	})

	t.Run("client_and_user_use_wrapping_keys_and_make_none", func(t *testing.T) {
		for _, name := range []string{"us-client", "us-user"} {
			service := login(t, d, name)
			made, err := service.WriteWithContext(t.Context(), "us/transit/datakey/wrapped/wrap-tnt_1", nil)
			require.NoError(t, err)
			require.NoError(t, write(service, "us/transit/decrypt/wrap-tnt_1", bag{"ciphertext": made.Data["ciphertext"]}))
			require.NoError(t, write(service, "us/transit/encrypt/wrap-tnt_1", bag{"plaintext": input}))
			requireForbidden(t, write(service, "us/transit/encrypt/wrap-tnt_404", bag{"plaintext": input}), "make a key by using it")
			requireForbidden(t, write(service, "us/transit/sign/"+signKey, bag{"input": input}), "sign")
			requireForbidden(t, write(service, "us/transit/datakey/plaintext/wrap-tnt_1", nil), "datakey in the clear")
		}
	})

	t.Run("no_service_reaches_another_cell", func(t *testing.T) {
		stranger := login(t, d, "eu-token")
		requireForbidden(t, write(stranger, "us/transit/sign/"+signKey, bag{"input": input}), "sign")
		requireForbidden(t, write(login(t, d, "eu-tenant"), "us/transit/keys/"+signKey+"/rotate", nil), "rotate")
		requireForbidden(t, write(login(t, d, "us-log"), "us/transit/sign/"+signKey, bag{"input": input}), "sign")
	})

	t.Run("an_appRole_of_another_service_does_not_fit", func(t *testing.T) {
		cfg := api.DefaultConfig()
		cfg.Address = d.file.Engines.Vault.Addr
		client, err := api.NewClient(cfg)
		require.NoError(t, err)
		role, err := os.ReadFile(filepath.Join(d.file.Engines.Vault.SecretsDir, "us-tenant.role_id"))
		require.NoError(t, err)
		secret, err := os.ReadFile(filepath.Join(d.file.Engines.Vault.SecretsDir, "us-token.secret_id"))
		require.NoError(t, err)
		_, err = client.Logical().WriteWithContext(t.Context(), "auth/approle/login", bag{"role_id": string(role), "secret_id": string(secret)})
		var res *api.ResponseError
		require.ErrorAs(t, err, &res)
	})
}

func keptVault(t *testing.T, d *devcloud) {
	t.Helper()
	key, err := login(t, d, "us-token").ReadWithContext(t.Context(), "us/transit/keys/"+signKey)
	require.NoError(t, err)
	require.Len(t, key.Data["keys"], 2)
}
