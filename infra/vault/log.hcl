# The log service keeps nothing under Vault's keys yet. Its login exists so that every service has one; it opens only what every token
# may do: look itself up and renew itself.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
