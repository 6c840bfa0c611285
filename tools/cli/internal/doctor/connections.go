package doctor

var connectionRules = []rule{
	{
		code: "no_connection", severity: Error, property: "connections", remedy: "switch a connection on for the client",
		judge: when(func(c Case) bool {
			return len(c.Connections) == 0 && (len(c.Client.Callbacks) > 0 && c.Client.has(redirects...) || c.Client.has(deviceGrant))
		}, "users are to log in and no connection is switched on: nobody can log in"),
	},
}

// ExamineConnection judges a connection by the number of clients for which it is switched on.
func ExamineConnection(on Connection, clients int) []Finding {
	if clients > 0 || on.Domain {
		return []Finding{}
	}
	return []Finding{{
		Code: "connection_on_for_nobody", Severity: Note, Property: "enabled_clients", Why: "the connection is switched on for no client",
		Remedy: "switch it on for the clients whose users it holds, or delete it",
	}}
}
