# The client service keeps client and connection secrets under tenants' data keys. Vault makes and opens those data
# keys with the tenant's wrapping key, which itself never leaves. "update" without "create": a key that is missing stays missing.
path "{{cell}}/transit/datakey/wrapped/wrap-*" {
  capabilities = ["update"]
}

path "{{cell}}/transit/encrypt/wrap-*" {
  capabilities = ["update"]
}

path "{{cell}}/transit/decrypt/wrap-*" {
  capabilities = ["update"]
}
