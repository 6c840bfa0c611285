// Package temporalkit opens Temporal one way: a client that needs no server to start, workers that wait for theirs and never end
// the process, and the translation of errors between activities, workflows and faults. It knows no workflow.
package temporalkit
