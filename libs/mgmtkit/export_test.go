package mgmtkit

// RedactedForTest is redactedBody, whose input is otherwise bound to what an operation declares.
var RedactedForTest = redactedBody
