// Package tenant is the domain of the control plane and of its half in each cell: accounts and their members, the tenants of an
// account, the operations that make and remove them step by step, and a tenant's settings. It holds nothing about end users, and it
// never speaks HTTP, SQL, NATS or Temporal.
package tenant
