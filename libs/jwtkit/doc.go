// Package jwtkit verifies the access tokens that this platform's own APIs are called with. It holds no key that signs.
package jwtkit
