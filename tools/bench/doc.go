// Bench asks Postern and its peers, npm oidc-provider and Ory Hydra, for the same things on the same machine in one run, and prints
// requests a second, latencies, and how much processor time all server processes of each product together took for a request. It
// asserts nothing: an absolute number on a shared machine means little, a ratio in one run means something.
//
// Each product runs with its own PostgreSQL or engines, over plain HTTP, as an operator would tune it for speed. Rounds of the products
// take turns, so that what else the machine does hits all alike; the median round counts.
package main
