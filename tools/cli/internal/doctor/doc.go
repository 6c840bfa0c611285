// Package doctor names what is wrong with the configuration of clients, rule by rule. It asks nobody anything: what it judges is handed
// to it. Its sentences never repeat what may be a secret.
package doctor
