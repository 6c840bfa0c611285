// Package natskit connects a service to NATS JetStream one way: a connection that never gives up, publishing that waits for the
// stream's acknowledgement and is repeatable by event ID, a bounded buffer for facts that have no database transaction to ride in,
// durable consumers in batches, a follower for cache invalidation, and key-value watches. It knows no event's content.
package natskit
