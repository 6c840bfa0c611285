// Package archtest holds the house's walls as tests with reasons in them: who imports whom, what a package must say of itself, and
// what no file may say. It has no code of its own.
package archtest
