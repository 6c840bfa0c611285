package mgmtkit

// RedactedForTest is redactedJSON, whose input is otherwise bound to what an operation declares.
var RedactedForTest = redactedJSON

// RefuseTwiceForTest is refuseTwice.
var RefuseTwiceForTest = refuseTwice
