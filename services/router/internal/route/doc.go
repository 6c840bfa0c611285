// Package route is the router's domain: which tenant answers at a host, and which service answers a path. It holds the whole
// directory in memory, knows no default tenant, and never speaks HTTP or NATS.
package route
