package processkit

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how much garbage, in per cent of what is alive, may gather before it is collected. Little is alive in these processes
// (tens of MiB), and Go's 100 would have them collect many times a second under load: a sixth of the processor for the sake of memory
// that nobody else needs.
const heapGrowth = 400

// GrowHeap sets the pace of the garbage collector, unless the operator has (GOGC).
func GrowHeap() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
