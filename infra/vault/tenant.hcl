# The tenant service makes a tenant's keys, rotates them, and removes them when a sign-up is undone or a tenant deleted. It never
# signs, and no key that it makes can leave: what would make one exportable is no parameter it may send, whatever the value ("T" and 1
# are true to Vault, too, so a list of denied values has holes).
#
# The star covers …/config (deletion_allowed), …/rotate and …/trim of the same key.
path "{{cell}}/transit/keys/sign-*" {
  capabilities = ["create", "update", "read", "delete"]
  allowed_parameters = {
    "type"             = []
    "deletion_allowed" = []
  }
}

path "{{cell}}/transit/keys/wrap-*" {
  capabilities = ["create", "update", "read", "delete"]
  allowed_parameters = {
    "type"             = []
    "deletion_allowed" = []
  }
}
