module github.com/postern-id/postern/tools/e2e

go 1.26.0

require github.com/postern-id/postern/libs v0.0.0

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
)

replace github.com/postern-id/postern/libs => ../../libs
