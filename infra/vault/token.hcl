# The token service signs with its cell's tenant keys, publishes their public halves, and makes the version that a rotation will need
# next; for a tenant from before, also a key of an algorithm that came later. None that it makes can leave, and it can neither
# configure nor destroy one: a stolen login signs while it lasts and leaves with nothing.
path "{{cell}}/transit/sign/sign-*" {
  capabilities = ["update"]
}

# The star covers …/rotate, and …/config and …/trim, too, which do nothing without parameters.
path "{{cell}}/transit/keys/sign-*" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
