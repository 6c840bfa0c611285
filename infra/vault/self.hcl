# What every service may do with its own token. It stands in for Vault's policy "default", which is a template and is therefore read anew
# at every request: a fifth of what a signature costs Vault.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
