// Package testkit gives tests real engines, each test its own corner of them: a database cloned from a migrated template, a stream
// with subjects of its own. The engines are those of a running dev cloud, which POSTERN_DEV_JSON names; there is no way to run
// such a test without them. It holds no fakes: those live beside the contract they keep.
package testkit
