# The tenant service makes a tenant's keys, rotates them, and removes them when a sign-up is undone or a tenant deleted. It never
# signs, and no key that it makes can leave: to ask for an exportable one is denied.
#
# The star covers …/config (deletion_allowed), …/rotate and …/trim of the same key.
path "{{cell}}/transit/keys/sign-*" {
  capabilities = ["create", "update", "read", "delete"]
  denied_parameters = {
    "exportable"             = [true, "true", "1"]
    "allow_plaintext_backup" = [true, "true", "1"]
  }
}

path "{{cell}}/transit/keys/wrap-*" {
  capabilities = ["create", "update", "read", "delete"]
  denied_parameters = {
    "exportable"             = [true, "true", "1"]
    "allow_plaintext_backup" = [true, "true", "1"]
  }
}
