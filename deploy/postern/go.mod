module github.com/postern-id/postern/deploy/postern

go 1.26.0

require (
	github.com/postern-id/postern/services/router v0.0.0
	github.com/postern-id/postern/services/tenant v0.0.0
	github.com/postern-id/postern/services/client v0.0.0
	github.com/postern-id/postern/services/user v0.0.0
	github.com/postern-id/postern/services/token v0.0.0
	github.com/postern-id/postern/services/log v0.0.0
	github.com/postern-id/postern/services/console v0.0.0
	github.com/postern-id/postern/libs v0.0.0
)

replace (
	github.com/postern-id/postern/services/router => ../../services/router
	github.com/postern-id/postern/services/tenant => ../../services/tenant
	github.com/postern-id/postern/services/client => ../../services/client
	github.com/postern-id/postern/services/user => ../../services/user
	github.com/postern-id/postern/services/token => ../../services/token
	github.com/postern-id/postern/services/log => ../../services/log
	github.com/postern-id/postern/services/console => ../../services/console
	github.com/postern-id/postern/libs => ../../libs
)
