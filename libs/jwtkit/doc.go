// Package jwtkit verifies the access tokens that this platform's own APIs are called with, and puts JWTs together for a signer whose
// key is elsewhere. It never holds a private key.
package jwtkit
