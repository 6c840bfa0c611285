// Package auditlog is the domain of the audit log: entries, the order in which they were taken in, how they are searched and how
// long they are kept. It never changes an entry, and never knows where events come from or how a page looks.
package auditlog
