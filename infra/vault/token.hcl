# The token service signs with its cell's tenant keys and publishes their public halves. It can neither make a key nor take one out:
# a stolen login signs while it lasts and leaves with nothing.
path "{{cell}}/transit/sign/sign-*" {
  capabilities = ["update"]
}

path "{{cell}}/transit/keys/sign-*" {
  capabilities = ["read"]
}
