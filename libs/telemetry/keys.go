package telemetry

// The names of log and span keys; a key that is not here does not belong in a shared line.
const (
	KeyService   = "service"
	KeyRequest   = "request_id"
	KeyTenant    = "tenant_id"
	KeyCell      = "cell"
	KeyRoute     = "route"
	KeyMethod    = "method"
	KeyStatus    = "status"
	KeyTook      = "took_ms"
	KeyBytes     = "bytes"
	KeyCause     = "cause"
	KeyCode      = "code"
	KeyTrace     = "trace_id"
	KeyHost      = "host"
	KeyClient    = "client_id"
	KeyGrant     = "grant_type"
	KeySubject   = "subject"
	KeyEvent     = "event_id"
	KeyCount     = "count"
	KeyAddr      = "addr"
	KeyTask      = "task"
	KeyOperation = "operation"
	KeyWorkflow  = "workflow_id"
)
