// Package user is the domain of people's records: users, the identities by which they log in, and the credentials that verify
// them. It owns what makes an e-mail the same e-mail, what a good password is, how metadata merge, and what a password check tells.
// It never knows a transport, a hash function or a table.
package user
